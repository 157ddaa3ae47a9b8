"""The strict parser: RFC 8259 and nothing beside it, no value changed on the way, no text overlooked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smcp_security.leaves import MAX_NODES, PROTOCOL_KEYS, pointers
from smcp_security.message import parse
from smcp_security.strict_json import Malformed, claimed_id, faithful, ids_at_ends, load, serialise
from tests.envelopes import encoded

DEPTH = 64
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20
)
KEYS = TEXT | st.sampled_from(sorted(PROTOCOL_KEYS))
OBJECTS = st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=4) | VALUES, max_size=6)

# Every shape that RFC 8259 allows and DESIGN does not refuse by name, as the value of one member.
ACCEPTED = [
    "[]", "{}", "null", "true", "false", '""', "[[]   ]", "[null,1,\"1\",{}]", "[\n1\n]", "[ 1]", "\t[1]\r\n",
    "0", "-0", "-0.0", "-1", "-123", "123", "1E22", "1e-2", "1E+2", "1e2", "123.456e78", "123.456789", "20e1",
    "-0.000000000000000000000000000000000000000000000000000000000000000000000000000001", "0e1", "0e+1", "1e-400",
    "123456789012345678901234567890", "-237462374673276894279832749832423479823246327846", 
    "1.5e+30",
    r'"\u0060\u012a\u12AB"', r'"\ud801\udc37"', r'"\ud83d\ude39\ud83d\udc8d"', r'"\"\\\/\b\f\n\r\t"', r'"\\u0000"',
    r'"\u0000"', r'"\"\uDBFF\uDFFF"', r'"\u0012"', '"\u007f"', '"\u0085"', '"\u2028\u2029"', '"\ufeff"', '"\uffff"',
    '"\U0010ffff"', '"π"', '"asd "', r'"new\u000Aline"', '"\u0821"', r'"\uFDD0"', '{"a":"b","c":"d"}', '{"":0}',
    r'{"foo\u0000bar": 42}', '{"a":[]}', '{"min": -1.0e+28, "max": 1.0e+28}', '"€𝄞"', r'"\u20ac\uD834\uDD1E"',
    '{"title":"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\\u0430"}',
]  # fmt: skip

# What is no JSON at all, each as a whole body.
REFUSED = [
    b"", b" ", b"\xef\xbb\xbf", b"[1,]", b'{"a":1,}', b"{,}", b"[,1]", b"[1,,2]", b'["a"', b'{"a":', b'{"a"', b"{",
    b"[", b"}", b"]", b'{"a":1}}', b'{"a":1}]', b'{"a":1}{"b":2}',
    b'{"a":1} x', b'{"a":1}\x00', b'{"a":1}#', b'{"a":1}/**/',
    b'/**/{"a":1}', b'{"a":/*c*/1}', b"{'a':1}", b"{a:1}", b"{1:1}", b'{"a" 1}', b'{"a":1 "b":2}', b'{"a";1}',
    b'{"a"::1}', b'{"a":1;"b":2}', b'{"a":}', b'{:"b"}', b'{"a":tru}', b'{"a":True}', b'{"a":None}', b'{"a":nul}',
    b'{"a":undefined}', b'{"a":01}', b'{"a":-01}', b'{"a":+1}', b'{"a":.5}', b'{"a":-.5}', b'{"a":1.}', b'{"a":1.e1}',
    b'{"a":1e}', b'{"a":1e+}', b'{"a":1eE2}', b'{"a":0x1}', b'{"a":1_000}', b'{"a":- 1}', b'{"a":--1}', b'{"a":1 000}',
    b'{"a":NaN}', b'{"a":-NaN}', b'{"a":Infinity}', b'{"a":-Infinity}', b'{"a":+Inf}', b'{"a":1e999}', b'{"a":-1e999}',
    b'{"a":"\x00"}', b'{"a":"\n"}', b'{"a":"\t"}', b'{"a":"\x1f"}', b'{"a":"\\x41"}', b'{"a":"\\a"}', b'{"a":"\\0"}',
    b'{"a":"\\u12"}', b'{"a":"\\u12G4"}', b'{"a":"\\U0041"}', b'{"a":"\\u{41}"}', b'{"a":"\\"}', b'{"a":"x}',
    b'{"a":"\\ud800"}', b'{"a":"\\udc00"}', b'{"a":"\\udc00\\ud800"}', b'{"a":"\\ud800\\u0041"}', b'{"a":"\\ud800x"}',
    b'{"\\ud800":1}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\xed\xa0\x80\xed\xb0\x80"}', b'{"a":"\xff"}',
    b'{"a":"\xc0\xaf"}', b'{"a":"\xe0\x80\xaf"}', b'{"a":"\xf4\x90\x80\x80"}', b'{"a":"\xc3"}', b'{"a":1}\xff',
    b'\xef\xbb\xbf{"a":1}',
    b'{"\xc2\xa0a":1}\xc2\xa0', b"\x0c{}", b"{}\x0b", b"{\xe2\x80\x8b}", '{"a":１}'.encode(),
    '{"a":"b"}'.encode("utf-16"),
    '{"a":"b"}'.encode("utf-16-le"), '{"a":"b"}'.encode("utf-16-be"), '{"a":"b"}'.encode("utf-32"),
    '{"a":"b"}'.encode("utf-32-be"), '{"ä":1}'.encode("latin-1"), b"*", b"<a/>", b'"a', b"a", b"--",
    b"[1,2", b'{"a":[1}', b'{"a":{1]', b"[" * 200_000, b'{"a":' * 200_000, b'[{"":' * 100_000,
]  # fmt: skip


def _code(raw: bytes, depth: int = DEPTH) -> str:
    try:
        parse(raw, max_depth=depth)
    except Malformed as malformed:
        return malformed.code
    return ""


def _same(left: Any, right: Any) -> bool:
    """Equal, and of the same types all the way down: 1 is not 1.0 and not true."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)


@pytest.mark.parametrize("text", ACCEPTED)
def test_whatever_rfc_8259_allows_comes_out_as_it_went_in(text: str) -> None:
    raw = f'{{"a":{text}}}'.encode()
    message = parse(raw, max_depth=DEPTH)
    assert _same(message.value, json.loads(raw))
    assert _same(json.loads(message.raw), json.loads(raw))


@pytest.mark.parametrize("raw", REFUSED, ids=range(len(REFUSED)))
def test_whatever_rfc_8259_forbids_is_refused(raw: bytes) -> None:
    assert _code(raw) != ""


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'\xef\xbb\xbf{"a":1}', "SMCP113"),
        ('{"a":1}'.encode("utf-16"), "SMCP113"),
        (b'{"a":"\xff"}', "SMCP113"),
        (b'{"a":}', "SMCP114"),
        (b'{"a":NaN}', "SMCP115"),
        (b'{"a":1E400}', "SMCP115"),
        (b'{"a":-1E400}', "SMCP115"),
        (b'{"a":"\\ud83d"}', "SMCP116"),
        (b'{"a":1,"a":1}', "SMCP112"),
        (b"[1]", "SMCP119"),
        (b"[]", "SMCP119"),
        (b'"a"', "SMCP120"),
        (b"null", "SMCP120"),
        (b"7", "SMCP120"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "SMCP117"),
    ],
)
def test_each_kind_of_malformed_body_has_its_own_code(raw: bytes, code: str) -> None:
    assert _code(raw) == code


@given(st.binary(max_size=64) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b'{"a":1' + b"0" * 5000 + b"}")
@example(b'{"a":' + b"9" * 5000 + b".5}")
@example(b"\xff\xfe\x00\x00{")
def test_no_bytes_at_all_raise_anything_but_malformed(raw: bytes) -> None:
    assert _code(raw) in {"", *(f"SMCP{number}" for number in range(112, 121))}


@given(st.binary(max_size=6), st.integers(0, 60))
def test_a_damaged_message_is_refused_or_read_as_every_strict_parser_reads_it(noise: bytes, place: int) -> None:
    sound = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":[1,2.5]}}'
    raw = sound[:place] + noise + sound[place + 1 :]
    try:
        message = parse(raw, max_depth=DEPTH)
    except Malformed:
        return
    assert _same(message.value, json.loads(raw.decode("utf-8")))


@given(OBJECTS, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_any_object_comes_out_equal_however_it_was_spelt(value: dict[str, Any], indent: Any, ascii_only: bool) -> None:
    raw = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    message = parse(raw, max_depth=DEPTH)
    assert _same(message.value, value)
    assert _same(json.loads(message.raw), value)
    assert parse(message.raw, max_depth=DEPTH).raw == message.raw


@given(VALUES, TEXT, VALUES, st.integers(0, 5), st.booleans())
def test_a_repeated_key_is_refused_at_any_depth(first: Any, key: str, second: Any, depth: int, escape: bool) -> None:
    name = json.dumps(key)
    twin = '"' + "".join(rf"\u{ord(sign):04x}" for sign in key) + '"' if escape and key.isascii() else name
    inner = f"{{{name}:{json.dumps(first)},{twin}:{json.dumps(second)}}}"
    raw = f'{{"a":{"[" * depth}{inner}{"]" * depth}}}'.encode()
    assert _code(raw) == "SMCP112"
    honest = raw.replace(f",{twin}:".encode(), f",{json.dumps(key + '.')}:".encode(), 1)
    assert _code(honest) == ""


def test_keys_that_differ_only_by_case_or_unicode_form_are_two_keys_to_the_parser() -> None:
    raw = '{"a":{"k":1,"K":2,"é":3,"e\u0301":4,"ſ":5,"s":6}}'.encode()
    assert len(parse(raw, max_depth=DEPTH).value["a"]) == 6


def test_an_escaped_spelling_of_a_method_is_forwarded_plain() -> None:
    message = parse(rb'{"jsonrpc":"2.0","id":1,"m\u0065thod":"tools\u002fcall"}', max_depth=DEPTH)
    assert message.raw == b'{"jsonrpc":"2.0","id":1,"method":"tools/call"}'


def test_canonical_bytes_go_on_as_the_very_same_object() -> None:
    raw = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    assert parse(raw, max_depth=DEPTH).raw is raw


@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.parametrize(("digits", "code"), [(1000, ""), (1001, "SMCP115"), (4400, "SMCP115"), (100_000, "SMCP115")])
@pytest.mark.parametrize("lead", ["1", "9", "-1", "-9"])
def test_an_integer_may_have_a_thousand_digits(blank: str, digits: int, code: str, lead: str) -> None:
    literal = lead + "0" * (digits - 1)
    raw = f'{{"a":{blank}{literal}}}'.encode()
    assert _code(raw) == code
    if not code:
        assert parse(raw, max_depth=DEPTH).raw == f'{{"a":{literal}}}'.encode()


@pytest.mark.parametrize("opening", ["[", '{"k":'])
@pytest.mark.parametrize("under", ["a", "params"])
@pytest.mark.parametrize(("levels", "code"), [(DEPTH - 1, ""), (DEPTH, "SMCP117")])
def test_nesting_is_counted_from_the_outermost_object(opening: str, under: str, levels: int, code: str) -> None:
    closing = "]" if opening == "[" else "}"
    raw = f'{{"{under}":{opening * levels}{1}{closing * levels}}}'.encode()
    assert _code(raw) == code


@pytest.mark.parametrize("frame", ['{"a":{%s}}', '{"params":{%s}}', '{"params":{"arguments":{%s}}}', "{%s}"])
def test_a_message_of_too_many_nodes_is_refused_wherever_they_sit(frame: str) -> None:
    def members(count: int) -> bytes:
        return (frame % ",".join(f'"{place:x}":1' for place in range(count))).encode()

    assert _code(members(MAX_NODES - 10)) == ""
    assert _code(members(MAX_NODES + 1)) == "SMCP118"


def _strings(value: Any) -> list[str]:
    """Every string in a value, keys included, found by a walk of another make."""
    if isinstance(value, dict):
        return [*value, *(text for member in value.values() for text in _strings(member))]
    if isinstance(value, list):
        return [text for member in value for text in _strings(member)]
    return [value] if isinstance(value, str) else []


@given(OBJECTS)
def test_no_text_of_the_caller_is_overlooked(value: dict[str, Any]) -> None:
    texts = parse(encoded(value), max_depth=DEPTH).texts
    gathered = [*texts.request, *texts.answer]
    present = [text for text in _strings(value) if text not in PROTOCOL_KEYS]
    assert sorted(text for text in gathered if text not in PROTOCOL_KEYS) == sorted(present)


@given(OBJECTS, st.booleans())
def test_a_pointer_leads_to_the_text_it_is_asked_for(value: dict[str, Any], call: bool) -> None:
    shaped = {**value, "method": "tools/call"} if call else {key: value[key] for key in value if key != "method"}
    message = parse(encoded(shaped), max_depth=DEPTH)
    for answer, texts in ((False, message.texts.request), (True, message.texts.answer)):
        for index, text in enumerate(texts):
            *parents, last = pointers(message.value, [index], answer=answer)[index]
            node: Any = shaped
            for part in parents:
                node = node[part]
            assert node[last] == text or last == text
            assert last in node if isinstance(node, dict) else 0 <= int(last) < len(node)


def test_a_place_that_does_not_exist_has_no_pointer() -> None:
    message = parse(b'{"method":"x","params":{"a":"b"}}', max_depth=DEPTH)
    assert pointers(message.value, [0], answer=False) == {0: ("params", "a")}
    assert pointers(message.value, [9], answer=False) == {}
    assert pointers(message.value, [0], answer=True) == {}


def test_what_a_client_answers_is_told_from_what_it_asks() -> None:
    asked = parse(
        encoded({"method": "tools/call", "params": {"arguments": {"x": "ask"}, "inputResponses": {"k": "reply"}}}),
        max_depth=DEPTH,
    )
    assert "ask" in asked.texts.request and "reply" not in asked.texts.request
    assert "reply" in asked.texts.answer and "ask" not in asked.texts.answer
    posted = parse(encoded({"id": 1, "result": {"content": "reply"}}), max_depth=DEPTH)
    assert "reply" in posted.texts.answer and posted.texts.request == []


def test_a_request_cannot_call_its_text_an_answer_by_a_stray_key() -> None:
    # `inputResponses` counts only as a member of params; deeper it is an argument like any other.
    asked = parse(encoded({"method": "x", "params": {"arguments": {"inputResponses": "ask"}}}), max_depth=DEPTH)
    assert "ask" in asked.texts.request
    assert asked.texts.answer == []


@given(VALUES)
def test_what_is_serialised_reads_back_equal(value: Any) -> None:
    assert _same(load(serialise(value))[0], value)


@pytest.mark.parametrize(
    "value",
    [
        {"a": float("nan")},
        {"a": float("inf")},
        {1: "a"},
        {None: 1},
        {"a": (1, 2)},
        {"a": {1, 2}},
        {"a": b"bytes"},
        {"a": object()},
        {"a": "\ud800"},
        {"a": 1 + 2j},
    ],
)
def test_what_json_cannot_hold_exactly_is_no_faithful_value(value: Any) -> None:
    assert faithful(value) is None


@given(VALUES)
def test_every_json_value_is_faithful(value: Any) -> None:
    raw = faithful(value)
    assert raw is not None and _same(json.loads(raw), value)


def test_a_value_that_contains_itself_is_not_faithful() -> None:
    knot: dict[str, Any] = {}
    knot["knot"] = knot
    assert faithful(knot) is None


@pytest.mark.parametrize(
    ("raw", "id"),
    [
        (b'{"jsonrpc":"2.0","id":5,"result":{"a":1,"a":2}}', 5),
        (b'{"id":"5","result":NaN}', "5"),
        (b'{"id":5,"method":"ping"}', None),
        (b'{"id":true}', None),
        (b'{"id":"\\ud800"}', None),
        (b'{"result":1}', None),
        (b'[{"id":5}]', None),
        (b"not JSON", None),
        (b"[" * 100_000, None),
    ],
)
def test_the_id_of_an_unreadable_answer_is_what_a_lenient_reader_takes_for_it(raw: bytes, id: int | str | None) -> None:
    assert claimed_id(raw) == id


@pytest.mark.parametrize(
    ("head", "tail", "ids"),
    [
        (b'data: {"jsonrpc":"2.0","id":7,"result":{"a', b"xxx\n\n", [7]),
        (b'data: {"result":{"a":"', b'xxx"},"jsonrpc":"2.0","id":"7"}\n\n', ["7"]),
        (b'{"result":{"id":1,"a":"', b'","id":2},"jsonrpc":"2.0","id" : 3 }', [1, 3]),
        (b'{"id":null,"id":1.5,"id":true', b'"id":', []),
        (b"", b"", []),
    ],
)
def test_the_ids_at_the_ends_of_a_message_are_the_first_and_the_last(head: bytes, tail: bytes, ids: list[Any]) -> None:
    assert ids_at_ends(head, tail) == ids
