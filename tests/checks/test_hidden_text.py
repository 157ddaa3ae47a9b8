"""What nobody sees is taken out of answers and reported; what honest text needs of it stays, to the very object."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks import hidden_text
from smcp_security.checks.hidden_text import _IN_JSON
from smcp_security.checks.legible import legible, revealed
from smcp_security.decision import CLEAN, Action
from tests.checks.callers import policy_of
from tests.checks.heard import heard, texts
from tests.envelopes import codes, encoded, legacy

RUNG = hidden_text.build(policy_of())
TAGS = "".join(chr(0xE0000 + ord(sign)) for sign in "obey")
ENGLAND = "\U0001f3f4" + "".join(chr(0xE0000 + ord(sign)) for sign in "gbeng") + "\U000e007f"


def _shown(text: str) -> str:
    _, said = heard(RUNG, texts(text))
    [block] = said["result"]["content"]
    assert isinstance(block["text"], str)
    return block["text"]


HIDDEN = [
    ("\x1b[31mred\x1b[0m", "red"),
    ("\x1b[8mobey\x1b[0m me", "obey me"),
    ("a\x1b]0;a title\x07b", "ab"),
    ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
    ("a\x1bPq#0\x1b\\b", "ab"),
    ("a\x1b]52;never closed", "a52;never closed"),
    ("a\x1b(Bb\x1bcd", "abd"),
    ("a\x1b", "a"),
    ("\x9b2Jgone", "gone"),
    ("a \x9d0;x", "a 0;x"),
    ("no\b\b\b\byes", "yes"),
    ("hidden\b\b\b\b\b\bshown", "shownn"),
    ("N\bNA\bAM\bME\bE", "NAME"),
    ("end\b\b", "end"),
    ("one\nab\b\bxy\nthree", "one\nxy\nthree"),
    ("pay 900\rpay 9", "pay 900\npay 9"),
    ("bell\x07 zero\x00 del\x7f", "bell zero del"),
    (f"fine{TAGS}", "fine"),
    (f"\U0001f3f4{TAGS}\U000e007f", "\U0001f3f4"),
    ("pass\u200bword", "password"),
    ("a\u200cb\u200dc\u2060d\ufeffe", "abcde"),
    ("\u200b\u200c\u200d\u200b", ""),
    ("f\u2061(x)\u2064", "f(x)"),
    ("\u3164\uffa0x", "x"),
    ("\u115fx", "x"),
    ("photo\u202egpj.exe", "photogpj.exe"),
    ("/*\u2067 if (admin) \u2069*/", "/* if (admin) */"),
    ("a\u200eb", "ab"),
    ("\U0001f600\U000e0158\U000e0155\U000e015c", "\U0001f600"),
    ("a\ufe01b\ufe0f", "ab"),
    ("\u2764\ufe0f\ufe0f\ufe0f", "\u2764"),
    ("co\u00ad\u00ad\u00adop", "coop"),
    ("an\u180bd", "and"),
    ("e\u034fvil", "evil"),
    ("a\ufdd0b\ufdd1", "ab"),
    ("\u05d0\u202e\u05d1", "\u05d0\u05d1"),
]


@pytest.mark.parametrize(("text", "left"), HIDDEN)
def test_what_nobody_sees_is_taken_out(text: str, left: str) -> None:
    outcome, said = heard(RUNG, texts("fine", text))
    assert said["result"] == texts("fine", left)
    [found] = outcome.findings
    assert (found.code, found.action, found.where) == ("SMCP707", Action.REPORT, "/result/content/1/text")
    assert _shown(left) == left


HONEST = [
    "plain text, [31m and ESC[0m in words",
    "Windows\r\nlines\r\n\r\nand a tab\t, a page\f",
    "a record\x1e and a unit\x1f",
    "\ufeffname;age\r\nann;7\r\n",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f\u200d\U0001f525 \U0001f3f3\ufe0f\u200d\U0001f308",
    "\U0001f469\U0001f3fd\u200d\u2695\ufe0f \U0001f1eb\U0001f1f7 1\ufe0f\u20e3 \u2600\ufe0e",
    "\U0001f3f4\u200d\u2620\ufe0f arr",
    f"{ENGLAND} won",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0647\u0627\u06cc",
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd, file \u2066a.txt\u2069 \u200f(7)\u200e",
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u0915\u094d\u200d\u0937 \u0930\u094d\u200d",
    "\u0e20\u0e32\u0e29\u0e32\u200b\u0e44\u0e17\u0e22\u200bEnglish\u200b\u0e44\u0e17\u0e22",
    "\u845b\U000e0100\u98fe \u6f22\ufe00\u5b57",
    "\u1100\u1160\u11a8 \u1820\u180b\u1821",
    "co\u00adop\u00ader\u00adate \u2028 caf\u00e9 na\u00efve \u201cquoted\u201d",
    "price: 5\u200e % (\u200e12/3/2026)",
    "misread: \u00e2\u0080\u009cquoted\u00e2\u0080\u009d \u00c3\u009f",
    "\u5168\u89d2\u3000\u7a7a\u767d, \uac00\ub098\ub2e4",
    "regex \\bword\\b, C:\\build\\release, \\u001b as code",
]


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_passes_as_the_very_same_message(text: str) -> None:
    for result in (texts(text), texts(f"before\n{text}\nafter" if "\ufeff" not in text else text)):
        outcome, _ = heard(RUNG, result)
        assert outcome is CLEAN


def test_the_report_counts_by_kinds_and_never_shows_the_text() -> None:
    outcome, _ = heard(RUNG, texts(f"a{TAGS}", "\x1b[1mb\x1b[0m", "c\u200bd"))
    [found] = outcome.findings
    assert found.hint == "characters without width (1), tag characters (4), terminal escapes (2), in 3 texts"
    assert found.where == "/result/content"


MESSAGES: list[tuple[dict[str, Any], list[str | int]]] = [
    ({"result": {"contents": [{"uri": "f:/a", "text": "#"}]}}, ["result", "contents", 0, "text"]),
    ({"result": {"messages": [{"role": "user", "content": {"type": "text", "text": "#"}}]}},
     ["result", "messages", 0, "content", "text"]),
    ({"result": {"content": [{"type": "resource", "resource": {"uri": "f:/a", "text": "#"}}]}},
     ["result", "content", 0, "resource", "text"]),
    ({"result": {"structuredContent": {"a": [{"b": "#"}]}}}, ["result", "structuredContent", "a", 0, "b"]),
    ({"result": {"tools": [{"name": "a", "description": "#", "inputSchema": {}}]}},
     ["result", "tools", 0, "description"]),
    ({"result": {"taskId": "t", "result": {"content": [{"type": "text", "text": "#"}]}}},
     ["result", "result", "content", 0, "text"]),
    ({"error": {"code": -32000, "message": "#"}}, ["error", "message"]),
]  # fmt: skip


@pytest.mark.parametrize(("value", "path"), MESSAGES)
def test_every_message_of_the_server_is_looked_at(value: dict[str, Any], path: list[str | int]) -> None:
    given = json.loads(json.dumps(value).replace("#", "a\\u200bb"))
    _, said = heard(RUNG, value={"jsonrpc": "2.0", "id": 1, **given})
    for step in path:
        said = said[step]  # type: ignore[index]
    assert said == "ab"


def test_questions_and_log_messages_of_the_server_are_looked_at() -> None:
    question = legacy("elicitation/create", {"message": "a\u200bb", "requestedSchema": {"type": "object"}}, id=7)
    log = legacy("notifications/message", {"level": "info", "data": {"line": "\x1b[2Ka"}}, id=None)
    assert heard(RUNG, value=question)[1]["params"]["message"] == "ab"
    assert heard(RUNG, value=log)[1]["params"]["data"] == {"line": "a"}


def test_identifiers_of_the_protocol_stay_as_they_are() -> None:
    tool = {"name": "a\u200bb", "inputSchema": {"type": "object", "properties": {"q\u200br": {"enum": ["x\u200by"]}}}}
    for result in ({"tools": [tool], "nextCursor": "c\u200bd"}, {"contents": [{"uri": "f:/a\u200bb", "text": "c"}]}):
        outcome, said = heard(RUNG, result)
        assert (outcome, said["result"]) == (CLEAN, result)


def test_a_key_is_stripped_and_two_never_become_one() -> None:
    outcome, said = heard(RUNG, {"structuredContent": {"a": 1, "a\u200bb": {"c\u200bd": "e\u200bf"}, "\u200ba": 2}})
    assert said["result"]["structuredContent"] == {"a": 1, "ab": {"cd": "ef"}, "a 2": 2}
    assert codes(outcome) == ["SMCP707"]


def test_json_in_a_text_stays_in_step_with_the_structured_content() -> None:
    value = {"a": "x\u200by \x1b[1mz", "b": "caf\u00e9 \U0001f468\u200d\U0001f469"}
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps(value, indent=2)):
        _, said = heard(RUNG, {**texts(text), "structuredContent": value})
        left = {"a": "xy z", "b": value["b"]}
        assert said["result"]["structuredContent"] == json.loads(said["result"]["content"][0]["text"]) == left
        assert heard(RUNG, said["result"])[0] is CLEAN


def test_what_came_as_base64_is_looked_at_and_packed_again() -> None:
    block = {"type": "resource", "resource": {"uri": "f:/a", "blob": b64encode(b"some words, a\xe2\x80\x8bb").decode()}}
    _, said = heard(RUNG, {"content": [block]})
    assert said["result"]["content"][0]["resource"]["blob"] == b64encode(b"some words, ab").decode()


def test_what_kept_a_text_from_being_json_or_base64_hides_nothing_in_it() -> None:
    _, said = heard(RUNG, texts('\x1b[1m{"a": "x\\u200by and some more words to be sure"}'))
    assert said["result"] == texts('{"a": "xy and some more words to be sure"}')
    blob = b64encode(b"some words, a\xe2\x80\x8bb").decode()
    _, said = heard(RUNG, {"contents": [{"uri": "f:/a", "blob": f"\u200b{blob[:9]}\ufeff{blob[9:]}"}]})
    assert said["result"]["contents"][0]["blob"] == b64encode(b"some words, ab").decode()


def test_monitor_mode_reports_and_changes_nothing() -> None:
    outcome, said = heard(hidden_text.build(policy_of(mode={"results": "monitor"})), texts("a\u200bb"))
    assert (codes(outcome), outcome.edit, said["result"]) == (["SMCP707"], None, texts("a\u200bb"))


def test_many_suspicious_texts_are_all_cleaned() -> None:
    """Beyond a number they are judged without being told from the others."""
    said = [f"a\u200bb {number}" if number % 2 else f"\u2764\ufe0f {number}" for number in range(1500)]
    _, value = heard(RUNG, texts(*said))
    assert [block["text"] for block in value["result"]["content"]] == [text.replace("\u200b", "") for text in said]


def test_a_line_to_the_left_keeps_its_turns_and_the_next_does_not() -> None:
    kept = "\u05d0 \u2066abc\u2069"
    assert _shown(f"{kept}\nx \u2066abc\u2069\n{kept}") == f"{kept}\nx abc\n{kept}"
    lines = "\n".join(["\u05d0\u2066b\u2069", "a\u2066b\u2069"] * 1200)
    assert "a\u2066" not in _shown(lines)


# Signs that matter, beside any others.
_SIGNS = st.text(
    st.one_of(
        st.sampled_from(
            'ab1 \n\r\b\t"\\\x00\x07\x1b[]31mK;\x7f\x80\x84\x9b\x9d\x9c\u00ad\u00c3\u00e9\u034f\u061c\u05d0\u0645\u0915'
            "\u0e01\u1100\u115f\u1160\u17b4\u1780\u180b\u1820\u200b\u200c\u200d\u200e\u202a\u202e\u2060\u2061\u2066\u2069"
            "\u2764\u3164\u6f22\ufe00\ufe01\ufe0e\ufe0f\ufeff\ufdd0\ufdd1\U0001f468\U0001f3f4\U0001f3fd\U000e0067\U000e0062"
            "\U000e0065\U000e006e\U000e007f\U000e0100"
        ),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=24,
)


@given(st.lists(_SIGNS, max_size=4))
def test_stripping_twice_changes_nothing_more_and_the_first_look_misses_nothing(said: list[str]) -> None:
    counts: Counter[str] = Counter()
    once = legible(dict(enumerate(said)), counts)
    left = {place: once.get(place, text) for place, text in enumerate(said)}
    assert legible(left, Counter()) == {}
    assert bool(once) == any(counts.values()) or any("\ufdd0" in text for text in said)
    if once:
        raw = encoded(texts(*said))
        assert _IN_JSON.search(raw) is not None
        _, value = heard(RUNG, texts(*said))
        assert [block["text"] for block in value["result"]["content"]] == list(left.values())


@given(st.lists(_SIGNS, max_size=4))
def test_what_is_revealed_is_what_is_left(said: list[str]) -> None:
    left = legible(dict(enumerate(said)), Counter())
    assert revealed(said) == ([left.get(place, text) for place, text in enumerate(said)] if left else None)


@given(st.lists(_SIGNS, max_size=4))
def test_texts_that_are_judged_at_once_are_judged_as_each_alone(said: list[str]) -> None:
    together = legible(dict(enumerate(said)), Counter())
    alone = {place: left[0] for place, text in enumerate(said) if (left := legible({0: text}, Counter()))}
    assert together == alone


@given(st.lists(_SIGNS, max_size=4), st.booleans(), st.sampled_from(["", "\x1b[1m", "\u200b", "\ufeff"]))
def test_stripping_json_texts_and_base64_twice_changes_nothing_more(said: list[str], plain: bool, lead: str) -> None:
    value = {f"k{place}": text for place, text in enumerate(said)}
    told = json.dumps(value, ensure_ascii=plain)
    blob = lead + b64encode(f"words, {told}".encode()).decode()
    _, once = heard(
        RUNG, {**texts(lead + told), "structuredContent": value, "contents": [{"uri": "f:/", "blob": blob}]}
    )
    assert heard(RUNG, once["result"])[0] is CLEAN
    if not lead:
        assert json.loads(once["result"]["content"][0]["text"]) == once["result"]["structuredContent"]


SOUND = [b"\0" * 64, bytes(range(128)), b"MThd\0\0\0\6\0\1\0\2" * 4, b"\x08\x01\x12\x05hello\x1a\x03abc" * 2]


@pytest.mark.parametrize("data", SOUND)
def test_sound_and_archives_that_could_be_text_stay_as_they_are(data: bytes) -> None:
    block = {"type": "audio", "mimeType": "audio/pcm", "data": b64encode(data).decode()}
    assert heard(RUNG, {"content": [block]})[0] is CLEAN
    told = {**block, "data": b64encode(b"words that \x1b[8mhide\x1b[0m").decode()}
    assert heard(RUNG, {"content": [told]})[1]["result"]["content"][0]["data"] == b64encode(b"words that hide").decode()
