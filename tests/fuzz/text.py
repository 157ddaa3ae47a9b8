"""`text.py` under fuzz: decoding stays within its bounds, says so when it does not, and reads what decoders read.

The bytes are the texts of one message, parted by 0xFF, which stands in no UTF-8.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from smcp_security.text import FREE_OUTPUT, MARKS_IN_A_ROW, OUTPUT_PER_CHARACTER, Derived, Joined, derive, has_escapes
from tests.fuzz import samples
from tests.fuzz.oracle import expect

_ESCAPES: Final = r"""
    3c7363726970743e616c6572742831293c2f7363726970743e 0x3c7363726970743e 0x2e0x2e0x2f +ADw-b+AD4- IW9yIDE9
    {"a":["b"]} "c" [1]
    %3C %253c %u003c %% &lt; &lt &LT &#60; &#x3c; &amp; &sol; &#0060 = =\n & % \\ &# &#x \u003c \u{3c} \x3c \/ \"
    \ud83d\ude39 PHNjcmlwdD5hbGVydCgxKTwv U0VMRUNUIDEgRlJPTQ== %CC%81 %EF%BC%9C
"""
WORDS: Final = (
    *(escape.encode() for escape in _ESCAPES.split()),
    *(sign.encode() for sign in "\u0430\u0456\u03bf\u2215\u0332\u00ef"),
    *(sign.encode() for sign in "\u200b\u00ad\ufb01\uff1c\u0301\u0344\uff9e\ufdfa\U000e0041"),
    b"\xff", b"\xc0\xbc", b"\xed\xa0\x80",
)  # fmt: skip
MARKS: Final = {"\uff9e", "\uff9f"}
_SLICE: Final = 1024
_NUMBERS: Final = re.compile(r"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+))")
_PLAIN: Final = frozenset({9, 10, 13, *range(32, 127)})


def judge(data: bytes) -> None:
    """Derive the readings of the texts in `data`, twice, and hold them against the bounds and other decoders."""
    texts = leaves(data)
    joined = Joined(texts)
    derived = derive(joined, True, True)
    expect(derived == derive(Joined(texts), True, True), "the same texts have the same readings")
    _check_bounds(derived, joined)
    if not has_escapes(joined):
        expect(derived == derive(joined, False, True), "without escapes nothing is there to unescape")
    for leaf, text in enumerate(texts):
        if leaf not in derived.exhausted and leaf not in derived.marks:
            _check_readings(text, {text, *(form.text for form in derived.forms if form.leaf == leaf)})


def seeds() -> Iterator[bytes]:
    """Every encoding by itself and on top of another, and what the rules are about."""
    for text in ("%3Cscript%3E", "%253Cb%253E", "&lt;b&gt;", "&#60;b&#x3E;", r"\u003cb\x3e\/", "caf%C3%A9", "%%32%65"):
        yield text.encode()
    yield b"%26lt;b%26#62;"
    for text in ("ｓｃｒｉｐｔ", "ig\u200bnore", "e" + "\u0301" * 40, "\u0344" * 16, "\ufdfa" * 9, "a\xff%41"):
        yield text.encode()
    yield b"one\xfftwo %41\xffU0VMRUNUICogRlJPTSB1c2Vycw=="
    yield from (sample.encode() for sample in samples.rule_samples()[::7])


def leaves(data: bytes) -> list[str]:
    """The texts in `data`. Halves of surrogate pairs come through: a caller in process may hand over such texts."""
    return [_decoded(part) for part in data.split(b"\xff")]


def _decoded(part: bytes) -> str:
    try:
        return part.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return part.decode("utf-8", "replace")


def _check_bounds(derived: Derived, joined: Joined) -> None:
    output = sum(len(form.text) for form in derived.forms)
    expect(output <= FREE_OUTPUT + OUTPUT_PER_CHARACTER * len(joined.text), "readings stay within the budget")
    reported = (*derived.marks, *derived.too_deep, *derived.exhausted, *(form.leaf for form in derived.forms))
    expect(all(0 <= leaf < len(joined.texts) for leaf in reported), "what is reported names a text")
    for leaf, text in enumerate(joined.texts):
        known = leaf in derived.marks or leaf in derived.exhausted
        expect(known or not marked(text), "a long run of combining marks is reported")
    starts = [joined.bounds(leaf) for leaf in range(len(joined.texts))]
    expect(all(joined.leaf_at(start) == leaf for leaf, (start, _) in enumerate(starts)), "an offset leads to its text")


def marked(text: str) -> bool:
    """Whether more combining marks stand in a row than the stream-safe form of Unicode has."""
    run = 0
    for sign in text:
        run = run + 1 if sign in MARKS or unicodedata.category(sign).startswith("M") else 0
        if run > MARKS_IN_A_ROW:
            return True
    return False


def _check_readings(text: str, readings: set[str]) -> None:
    """Where only one kind of encoding is in a text, the reading of that kind's own decoder is among ours."""
    _check_packed(text, readings)
    plain = text.isascii()
    if plain and "&" not in text and "\\" not in text and "%u" not in text.lower():
        expect(unquote(text, errors="replace") in readings, "percent escapes are read as URLs read them")
    if plain and "%" not in text and "\\" not in text:
        _check_references(text, readings)
    if plain and "%" not in text and "&" not in text and '"' not in text:
        _check_backslashes(text, readings)
    if not plain and len(text) <= _SLICE and not any(sign in text for sign in "%&\\"):
        _check_composition(text, readings)


def _check_packed(text: str, readings: set[str]) -> None:
    """Texts packed whole into this one are among the readings."""
    digits = text.strip()
    if len(digits) >= 16 and len(digits) % 2 == 0 and re.fullmatch("(?:[2-7][0-9a-f])+", digits) and "7f" not in digits:
        expect(
            bytes.fromhex(digits).decode("ascii", "replace") in readings, "hex digits are read as the text they spell"
        )
    if not text.startswith("["):
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    for item in value if isinstance(value, list) else ():
        known = not isinstance(item, str) or item.isalnum() or any("\ud800" <= sign <= "\udfff" for sign in item)
        expect(known or item in readings, "the strings of JSON are read")


def _check_references(text: str, readings: set[str]) -> None:
    numbers = [
        int(hexadecimal, 16) if hexadecimal else int(number[:9]) for hexadecimal, number in _NUMBERS.findall(text)
    ]
    read = html.unescape(text)
    if read.isascii() and "&" not in read and _PLAIN.issuperset(numbers):
        expect(read in readings, "character references are read as HTML reads them")


def _check_backslashes(text: str, readings: set[str]) -> None:
    # A short escape alone counts as none: it is a path of Windows or a pattern far more often.
    if any(escape in text for escape in (r"\\", r"\b", r"\f", r"\r", r"\u0000")) or not re.search(r"\\[u/]", text):
        return
    try:
        read = json.loads(f'"{text}"')
    except ValueError:
        return
    if max(map(ord, read), default=0) < 0xD800:
        expect(read in readings, "escapes of JSON are read as JSON reads them")


def _check_composition(text: str, readings: set[str]) -> None:
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        return
    # Default_Ignorable_Code_Point is not in the standard library; format characters are the part of it that is.
    shown = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    if shown == text:
        read = unicodedata.normalize("NFKC", text)
        near = {unicodedata.normalize("NFKC", reading) for reading in readings}
        expect(not read.isascii() or read in near, "what composes to ASCII is read so")
