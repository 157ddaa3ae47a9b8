"""Values that were handed out, found in whatever spelling they come back."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smcp_security.redaction.redactor import Span
from smcp_security.redaction.sought import MASK, LeakFlood, Sought, Value
from tests.redaction.spellings import ALPHABET, OF_BYTES, OF_TEXT, SIGNS, mixed, percent

SECRET = "vq7K" + "/p+Zr_2xW=9d" + "Lm.4tNc8"
OTHER = "Jt5w" + "Qh3sXb6yRk1f"
SOUGHT = Sought([Value("github", SECRET.encode())])
KEYS = st.text(ALPHABET, min_size=12, max_size=60)
VALUES = st.text(ALPHABET + SIGNS, min_size=12, max_size=40)
ANY = st.one_of(KEYS, VALUES, st.text(min_size=12, max_size=30).filter(lambda text: "\x00" not in text))
PROSE = st.text(" .\nthe quick brown fox é", max_size=20)


def _spans(text: str, sought: Sought = SOUGHT) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in sought.find([text], [""])]


def _sought(*values: str) -> Sought:
    return Sought([Value(f"secret-{number}", value.encode()) for number, value in enumerate(values)])


@pytest.mark.parametrize("way", OF_TEXT)
def test_a_value_spelled_sign_by_sign_is_found_where_it_stands(way: str) -> None:
    spelled = OF_TEXT[way](SECRET)
    assert _spans(f"the key: {spelled} it is") == [(9, 9 + len(spelled))]


@pytest.mark.parametrize("way", OF_BYTES)
def test_a_value_spelled_as_a_whole_is_found(way: str) -> None:
    text = f"the key: {OF_BYTES[way](SECRET.encode())} it is"
    [(start, end)] = _spans(text)
    assert start >= 9 and end <= len(text) - 6
    assert _spans(f"{text[:start]}{text[end:]}") == []


@settings(max_examples=30)
@given(ANY, st.sampled_from(sorted(OF_TEXT)), PROSE, PROSE)
def test_any_value_is_found_in_any_spelling_and_nothing_around_it(
    value: str, way: str, before: str, after: str
) -> None:
    spelled = OF_TEXT[way](value)
    assume((value[0] + value[-1]).isalnum() and len(set(value)) > 4 and value not in (before, after))
    [(start, end)] = _spans(f"{before} {spelled} {after}", _sought(value))
    assert (start, end) == (len(before) + 1, len(before) + 1 + len(spelled))


@settings(max_examples=30)
@given(st.data(), st.one_of(KEYS, VALUES))
def test_a_value_with_each_sign_spelled_in_its_own_way_is_found(data: st.DataObject, value: str) -> None:
    assume(value.strip() == value)
    spelled = data.draw(mixed(value))
    places = _spans(f"the key: <{spelled}>", _sought(value))
    assert len(places) == 1
    assert places[0][0] <= 10 and places[0][1] >= 10 + len(spelled)


def test_a_value_read_from_a_file_is_found_without_its_last_line_break() -> None:
    assert _spans(f"a {SECRET} b", _sought(f"{SECRET}\n")) == [(2, 2 + len(SECRET))]


@settings(max_examples=30)
@given(st.binary(min_size=12, max_size=50), st.sampled_from(sorted(OF_BYTES)))
def test_any_bytes_are_found_in_every_spelling_of_bytes(octets: bytes, way: str) -> None:
    assume(octets.strip() == octets)
    text = f"the key: {OF_BYTES[way](octets)} it is"
    places = _spans(text, Sought([Value("key", octets)]))
    assert places
    assert all(start >= 9 and end <= len(text) - 6 for start, end in places)


@settings(max_examples=30)
@given(st.lists(KEYS, min_size=1, max_size=8, unique=True), st.data())
def test_one_of_several_values_is_told_by_its_name(values: list[str], data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(values) - 1))
    names = _sought(*values).names_of(f"it is {values[number]}.")
    assert f"secret-{number}" in ", ".join(names)


@settings(max_examples=30)
@given(st.lists(PROSE, max_size=5))
def test_ordinary_text_holds_no_value(texts: list[str]) -> None:
    assert SOUGHT.find(texts, [""] * len(texts)) == []


def test_spans_tell_the_text_the_place_and_the_name() -> None:
    found = SOUGHT.find(["né", f"é {SECRET}", SECRET], ["", "", ""])
    size = len(SECRET)
    assert found == [Span(1, 2, 2 + size, MASK, "github"), Span(2, 0, size, MASK, "github")]


def test_case_matters_and_a_part_is_not_the_whole() -> None:
    assert _spans(SECRET.swapcase()) == []
    assert _spans(SECRET[:-4]) == []
    assert _spans(f"x{SECRET}x") == [(1, 1 + len(SECRET))]


def test_a_value_read_backwards_or_letter_by_letter_is_found() -> None:
    assert _spans(SECRET[::-1]) == [(0, len(SECRET))]
    assert _spans(" ".join(SECRET)) == [(0, 2 * len(SECRET) - 1)]
    assert _spans("-".join(OTHER), _sought(OTHER)) == [(0, 2 * len(OTHER) - 1)]
    assert _spans(json.dumps(list(OTHER)), _sought(OTHER)) == [(2, 5 * len(OTHER) - 2)]


# The letters of escapes, behind escapes that are taken out.
ESCAPING = "bXf4tK9r" + "b2nUx7f3"


@pytest.mark.parametrize("line_end", ["\\n", "\\\\n", "\\\\r\\\\n", "\\\\\\\\n", "\\\\t"])
def test_line_ends_in_json_in_json_take_no_letter_of_what_follows(line_end: str) -> None:
    spelled = line_end.join(ESCAPING)
    assert _spans(f"a {spelled} b", _sought(ESCAPING)) == [(2, 2 + len(spelled))]
    encoded = b64encode(f"x{ESCAPING}y".encode()).decode()
    assert _spans(line_end.join(encoded[at : at + 4] for at in range(0, len(encoded), 4)), _sought(ESCAPING)) != []


@pytest.mark.parametrize("sign", "\xa0\u2003\u200b\u202f\u2060\u3000\ufeff")
@pytest.mark.parametrize("levels", [0, 1, 3])
def test_blanks_of_any_width_hide_nothing_as_they_are_and_escaped(sign: str, levels: int) -> None:
    spelled = sign.join(ESCAPING)
    for _ in range(levels):
        spelled = json.dumps(spelled)[1:-1]
    assert _spans(f"a {spelled} b", _sought(ESCAPING)) == [(2, 2 + len(spelled))]


@pytest.mark.parametrize("value", ["qwer0123abcd" + "%tuvwxyz", "kB%9w!x2" + "&Lq$7v#p", "#-*!=?/~" + "<>[]()_."])
def test_a_value_full_of_signs_is_found_backwards_too(value: str) -> None:
    assert _spans(f"a {value[::-1]} b", _sought(value)) == [(2, 2 + len(value))]


def test_values_side_by_side_are_masked_as_one_only_where_they_touch() -> None:
    sought = _sought(SECRET, OTHER)
    assert _spans(f"{SECRET} {OTHER}", sought) == [(0, len(SECRET)), (len(SECRET) + 1, len(SECRET) + 1 + len(OTHER))]
    assert _spans(f"{SECRET}{OTHER}", sought) == [(0, len(SECRET) + len(OTHER))]


def test_one_value_inside_of_another_is_one_span_with_both_names() -> None:
    sought = _sought(SECRET, SECRET[4:20])
    [span] = sought.find([f"a {SECRET}"], [""])
    assert (span.start, span.end, span.kind) == (2, 2 + len(SECRET), "secret-0, secret-1")


def test_the_same_value_under_two_names_is_told_by_both() -> None:
    sought = Sought([Value("one", SECRET.encode()), Value("two", SECRET.encode())])
    assert sought.names_of(SECRET) == ("one, two",)


# -- long values -------------------------------------------------------------------------------------------------------


def _pem(lines: int = 20) -> str:
    random = Random(7)
    body = ["".join(random.choices(ALPHABET + "+/", k=64)) for _ in range(lines)]
    return "\n".join(["-----BEGIN " + "PRIVATE KEY-----", *body, "q8=", "-----END " + "PRIVATE KEY-----", ""])


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\\n", "\\r\\n", "\n  ", ""])
def test_the_body_of_a_key_in_lines_is_masked_whatever_its_line_ends(line_end: str) -> None:
    text = _pem().replace("\n", line_end)
    lines = re.findall(r"[\w+/]{64}", _pem())
    [(start, end)] = _spans(f"here: {text}", _sought(_pem()))
    assert all(line in f"here: {text}"[start:end] for line in lines)


def test_one_line_of_a_key_is_masked_by_itself_and_its_first_line_is_not() -> None:
    sought, lines = _sought(_pem()), _pem().splitlines()
    assert _spans(f"a {lines[7]} b", sought) == [(2, 66)]
    assert _spans(f"{lines[0]}\nsomebody else's\n{lines[-1]}", sought) == []


@pytest.mark.parametrize("way", ["Base64", "Base64 behind one byte", "hex", "Base64 in lines"])
def test_a_key_in_lines_is_found_in_the_spellings_of_bytes(way: str) -> None:
    text = OF_BYTES[way](_pem().encode())
    sought = _sought(_pem())
    places = _spans(text, sought)
    assert sum(end - start for start, end in places) > 0.9 * len(re.sub(r"A{20,}", "", text.rstrip())) - 150


def test_the_telling_members_of_a_json_value_are_looked_for_and_the_rest_is_not() -> None:
    account = {
        "type": "service_account",
        "private_key_id": "0f3c" + "9a71b25de8466c0d",
        "private_key": _pem(8),
        "project_id": "harbour-prod-2024",
        "client_email": "ships-1@harbour-prod-2024.iam.example.com",
        "auth_uri": "https://accounts.example.com/o/oauth2/auth",
        "token_uri": "https://accounts.example.com/o/oauth2/token",
    }
    sought = _sought(json.dumps(account, indent=2))
    assert _spans(account["private_key_id"], sought) == [(0, 20)]
    assert _spans(account["private_key"].splitlines()[3], sought) == [(0, 64)]
    for name in ("project_id", "client_email", "auth_uri", "token_uri"):
        assert _spans(f"service_account {account[name]}", sought) == []


def test_a_password_is_found_without_what_stood_around_it_in_the_value() -> None:
    password, words = "kV8" + "sTq2ZpLm4xR", "correct-horse" + "-battery"
    for value, part in (
        (f"postgres://app:{password}@db.example.com:5432/app", password),
        (f"Bearer {SECRET}{OTHER}", SECRET + OTHER),
        (f"MODE=production-of-many\nDB_PASSWORD='{words}'\nREGION=north-of-all\n" + "NOTE=x\n" * 20, words),
        (json.dumps({"user": "administrator", "password": words, "more": "x" * 90}), words),
    ):
        assert _spans(f"a {part} b", _sought(value)) == [(2, 2 + len(part))]
        assert _spans("administrator of MODE=production-of-many at db.example.com", _sought(value)) == []


def test_a_long_value_of_plain_words_is_found_as_a_whole_and_its_lines_are_not() -> None:
    lines = ["the quick brown fox jumps", "over the lazy dog again", "and all of it once more"]
    value = "\n".join(f"{line} {word}" for word in ("one", "two", "three", "four") for line in lines)
    assert _spans(f"a {value} b", _sought(value)) == [(2, 2 + len(value))]
    assert _spans("the quick brown fox jumps one\nhere", _sought(value)) == []


def test_letters_with_characters_between_that_nobody_sees_are_found() -> None:
    assert _spans("\u200b".join(OTHER), _sought(OTHER)) == [(0, 2 * len(OTHER) - 1)]


def test_a_long_line_is_masked_whole_and_each_long_part_of_it_too() -> None:
    value = "".join(Random(5).choices(ALPHABET, k=700))
    assert _spans(f"a {value} b", _sought(value)) == [(2, 702)]
    assert _spans(f"a {value[100:400]} b", _sought(value)) != []


def test_the_largest_value_is_masked_as_it_is_and_too_much_to_look_for_in_disguise() -> None:
    value = "".join(Random(6).choices(ALPHABET, k=64 * 1024))
    sought = _sought(value)
    assert _spans(f"a {value} b", sought) == [(2, 2 + len(value))]
    assert _spans(f"a {value[:1200]} b", sought) == [(2, 2 + 1024)]
    with pytest.raises(LeakFlood):
        sought.find([value.encode().hex()], [""])


def test_what_stands_between_two_values_stays() -> None:
    size = len(SECRET)
    for between in (" ", ", ", "\n", " or "):
        assert _spans(f"{SECRET}{between}{SECRET}") == [(0, size), (size + len(between), 2 * size + len(between))]


@pytest.mark.parametrize("value", [SECRET, "a!b@c#d" + "$e%f^g&h"])
def test_what_has_two_names_is_found_plain_and_in_disguise(value: str) -> None:
    sought = Sought([Value("one", value.encode()), Value("two", value.encode())])
    text = f"{value} and {percent(value)}"
    assert _spans(text, sought) == [(0, len(value)), (len(value) + 5, len(text))]


def test_what_is_plain_and_what_is_in_disguise_are_found_beside_each_other() -> None:
    text = f"{SECRET} and {percent(SECRET)} and {SECRET}"
    size, whole = len(SECRET), len(text)
    assert _spans(text) == [(0, size), (size + 5, whole - size - 5), (whole - size, whole)]


# -- bytes of messages -------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(ANY)
def test_a_value_in_the_bytes_of_a_message_is_seen_as_json_writes_it(value: str) -> None:
    sought = _sought(value)
    for ascii_only in (True, False):
        assert sought.stands_in(json.dumps({"id": f"x {value} y"}, ensure_ascii=ascii_only).encode())
    assert not sought.stands_in(b'{"id": "nothing of it"}')


def test_what_was_seen_clean_is_looked_at_again_for_other_values() -> None:
    raw = json.dumps({"result": OTHER}).encode()
    sought = _sought(SECRET)
    assert not sought.suspects(raw)
    assert not sought.suspects(raw)
    assert sought.plus([Value("more", OTHER.encode())]).suspects(raw)


# -- many values -------------------------------------------------------------------------------------------------------


def test_values_that_are_added_one_by_one_are_all_found() -> None:
    random = Random(11)
    values = [Value(str(number), "".join(random.choices(ALPHABET, k=24)).encode()) for number in range(40)]
    sought = Sought(values[:1])
    for value in values[1:]:
        sought = sought.plus([value])
    for value in values:
        assert sought.names_of(f"x {value.octets.decode()} x") == (value.name,)
    assert sought.values == tuple(values)


def test_values_that_are_not_asked_for_any_more_leave_the_others_found() -> None:
    random = Random(12)
    values = [Value(str(number), "".join(random.choices(ALPHABET, k=24)).encode()) for number in range(30)]
    fewer = Sought(values[20:], Sought(values))
    assert all(fewer.names_of(value.octets.decode()) == (value.name,) for value in values[20:])
    assert fewer.names_of(values[3].octets.decode()) == ()


def test_no_representation_shows_a_value() -> None:
    assert SECRET not in repr(SOUGHT) + repr(SOUGHT.values) + repr(SOUGHT.find([SECRET], [""]))
