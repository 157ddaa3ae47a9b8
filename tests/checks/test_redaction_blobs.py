"""Base64 in results: texts are masked and packed again, pictures are left alone, and nothing hides as one."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from smcp_security.checks import blobs
from smcp_security.checks.said import fields
from smcp_security.decision import CLEAN
from tests.checks.callers import message_of
from tests.checks.redactors import CARD, MASK, TOKEN, answered, judge, masked, result_of

NOISE = bytes(range(256)) * 8
PICTURE = b64encode(b"\x89PNG\r\n\x1a\n" + NOISE).decode()


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize("lines", [False, True], ids=["one-line", "lines"])
def test_a_text_in_base64_is_masked_and_packed_again(lines: bool) -> None:
    text = f"# notes\n{'é' * 200}\nkey: {TOKEN}\n"
    packed = _base64(text)
    blob = "\n".join(packed[at : at + 76] for at in range(0, len(packed), 76)) if lines else packed
    for content in (
        {"contents": [{"uri": "f:/a", "mimeType": "text/plain", "blob": blob}]},
        {"contents": [{"uri": "f:/a", "blob": blob}]},
        {"content": [{"type": "resource", "resource": {"uri": "f:/a", "blob": blob}}]},
    ):
        outcome, shown = judge(answered(content))
        assert json.dumps(shown).count(_base64(text.replace(TOKEN, MASK))) == 1
        assert len(outcome.findings) == 1


def test_json_packed_in_base64_is_masked_as_json() -> None:
    blob = _base64(json.dumps({"n": CARD, "password": "short"}, indent=1))
    shown = masked(answered({"contents": [{"uri": "f:/a", "blob": blob}]}))["result"]["contents"][0]["blob"]
    expected = json.dumps({"n": "[redacted:card]", "password": "[redacted:password]"}, indent=1)
    assert shown == _base64(expected)


def test_base64_in_json_in_a_text_agrees_with_the_other_half() -> None:
    value = {"blob": _base64(f"key: {TOKEN}"), "data": "plain", "n": CARD}
    safe = {"blob": _base64(f"key: {MASK}"), "data": "plain", "n": "[redacted:card]"}
    shown = masked(answered(result_of(json.dumps(value), structuredContent=value)))
    assert shown == answered(result_of(json.dumps(safe), structuredContent=safe))


def test_pictures_and_sound_are_left_alone() -> None:
    for block in (
        {"type": "image", "mimeType": "image/png", "data": PICTURE},
        {"type": "audio", "mimeType": "audio/wav", "data": PICTURE},
        {"type": "resource", "resource": {"uri": "f:/a", "mimeType": "image/png", "blob": PICTURE}},
    ):
        assert judge(answered({"content": [block]}))[0] is CLEAN
        outcome, shown = judge(answered({"content": [block, {"type": "text", "text": TOKEN}]}))
        assert len(outcome.findings) == 1
        assert shown["result"]["content"] == [block, {"type": "text", "text": MASK}]


def test_a_drawing_in_xml_is_a_text() -> None:
    drawing = _base64(f"<svg><desc>{TOKEN}</desc></svg>")
    block = {"type": "image", "mimeType": "image/svg+xml", "data": drawing}
    shown = masked(answered({"content": [block]}))["result"]["content"][0]["data"]
    assert shown == _base64(f"<svg><desc>{MASK}</desc></svg>")


def test_a_token_where_base64_should_be_is_masked() -> None:
    shown = masked(answered({"contents": [{"uri": "f:/a", "blob": f"{TOKEN} {TOKEN}"}]}))
    assert shown["result"]["contents"][0]["blob"] == f"{MASK} {MASK}"


@pytest.mark.parametrize(
    "beginning",
    [
        b"\xff\xd8\xff\xe0",
        b"GIF89a",
        b"RIFF\x00\x00\x00\x00WEBP",
        b"\x00\x00\x00\x20ftypmp42",
        b"ID3\x04",
        b"%PDF-1.7\n\xe2",
    ],
)
def test_what_is_known_by_how_it_begins_costs_no_scan(beginning: bytes) -> None:
    block = {"type": "resource", "resource": {"uri": "f:/a", "blob": b64encode(beginning + NOISE).decode()}}
    gathered = fields(message_of(answered({"content": [block]})))
    assert "" in gathered.texts
    assert gathered.packed == ()


@pytest.mark.parametrize(
    "text",
    [
        "only words and no sign at all " * 60 + TOKEN,
        "\n".join(["AbCdEfGhIjKlMnOpQrStUvWxYz012345"] * 60) + "\n" + TOKEN,
        b64encode(NOISE).decode() + "/" + TOKEN,
        "iVBORw0KGgo " + TOKEN,
    ],
    ids=["words", "keys", "noise", "a beginning"],
)
def test_nothing_passes_unread_because_it_could_be_base64(text: str) -> None:
    for name in ("data", "blob"):
        shown = masked(answered(result_of("x", structuredContent={name: text})))["result"]["structuredContent"]
        assert shown == {name: text.replace(TOKEN, MASK)}


@pytest.mark.parametrize("text", ["", "x" * 15, "é" * 40, "no base64!" * 3])
def test_what_is_no_base64_is_read_as_it_stands(text: str) -> None:
    assert blobs.unpacked(text) is None


@pytest.mark.parametrize("text", ["a text of some length", "zwölf Boxkämpfer", "\x00\x01 and so on"])
def test_packing_and_unpacking_are_twins(text: str) -> None:
    packed: Any = blobs.packed(text)
    assert blobs.unpacked(packed) == text
    assert blobs.unpacked(packed.rstrip("=")) == text
    assert blobs.unpacked(packed.replace("+", "-").replace("/", "_")) == text


def test_texts_are_gathered_anew_after_an_edit_and_once_before() -> None:
    message = message_of(answered(result_of("x", structuredContent={"blob": _base64("y" * 40)})))
    gathered = fields(message)
    assert gathered.packed == ((gathered.texts.index(_base64("y" * 40)), "y" * 40),)
    assert fields(message).texts == gathered.texts


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_files_of_windows_are_read_in_their_encodings(encoding: str) -> None:
    text = f"Schlüssel: {TOKEN}, gültig bis 2027"
    blob = b64encode(text.encode(encoding)).decode()
    [shown] = masked(answered({"contents": [{"uri": "f:/a", "blob": blob}]}))["result"]["contents"]
    assert shown["blob"] == _base64(text.replace(TOKEN, MASK))
    honest = b64encode(text.replace(TOKEN, "keiner").encode(encoding)).decode()
    assert judge(answered({"contents": [{"uri": "f:/a", "blob": honest}]}))[0] is CLEAN


def test_noise_is_taken_for_no_encoding_of_text() -> None:
    for data in (bytes(range(256)), bytes(range(128, 256)) * 2, b"\x00\x80" * 40, b"\xff\xfe\x00\xd8" * 8):
        assert blobs.unpacked(b64encode(data).decode()) is None
