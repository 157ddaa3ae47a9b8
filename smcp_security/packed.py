"""Texts that stand whole inside another text: in Base64, as hex digits, in UTF-7, as the strings of JSON. Pure.

Only what decodes to printable text counts. Looking costs, too: it is paid from the budget of the message.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from smcp_security.decoding import Budget, in_utf8, pattern, readable

MIN_BASE64: Final = 16
"""Shortest Base64 that is decoded in a text: twelve bytes, about the shortest command worth hiding."""

MIN_HEX: Final = 8
"""Fewest bytes in hex digits without a mark before them; behind `0x` half of it."""

_ATTEMPT: Final = 384
"""What looking at one run costs, in characters of output."""

_STRING: Final = 16
"""What finding a string of a JSON text costs."""

_SIGN: Final = "[A-Za-z0-9+/_-]"
_QUARTET: Final = f"(?:(?-i:[CDI-Za-f]){_SIGN}{{3}})"
"""Base64 of three bytes that begin with printable ASCII, tab or a line break."""

_BASE64: Final = f"[^A-Za-z0-9+_-](?:{_SIGN}{{4}})*" + _QUARTET * (MIN_BASE64 // 4)
"""Four such in a row: few random runs have them, hardly any words, and nearly every text with English in it."""

_BREAK: Final = r"[\s\x00\x22\x27`(),:;<>=?&]"
_SHORT_BASE64: Final = (
    f"{_BREAK}(?:{_QUARTET}{{1,3}}(?:{_SIGN}{{2}}==|{_SIGN}{{3}}=)|{_QUARTET}{{2,3}}(?:[\\s\\x00\\x22\\x27`),:;<>&.]))"
)
"""A word of 8 to 15 characters, with its padding also a shorter one. It counts if it reads as more than a name."""

_PAIR: Final = "(?:[2-7][0-9A-Fa-f]|0[9ADad])"
_HEX: Final = rf"\b{_PAIR * MIN_HEX}|\b0[xX]{_PAIR * (MIN_HEX // 2)}"
_DOTS: Final = r"\b0[xX](?:2[eEfF]|5[cC])"
"""A dot, slash or backslash by its number, as some decoders of paths take it: `..0x2f`."""

_JSON: Final = r"\x00\n[ \t\r\n]*[\[{\x22]"
_UTF7: Final = r"\+A[CDEFG][A-Za-z0-9+/]{1,6}-"

SIGNALS: Final = (_BASE64, _SHORT_BASE64, _HEX, _DOTS, _JSON, _UTF7)
"""RE2 patterns of which one matches joined texts wherever this module finds a text packed into one of them."""

PACKED: Final = pattern("|".join(SIGNALS))

_RUN: Final = "[A-Za-z0-9+/_-]*"
_BASE64_RUN: Final = pattern(_BASE64 + _RUN)
_BASE64_LINES: Final = pattern(_BASE64 + _RUN + r"(?:[ \t]*\r?\n[ \t]*[A-Za-z0-9+/_-]+)+")
_SHORT_RUN: Final = pattern(_SHORT_BASE64)
_HEX_RUN: Final = pattern(rf"\b(?:{_PAIR}{{{MIN_HEX},}}|0[xX]{_PAIR}{{{MIN_HEX // 2},}})\b")
_HEX_DOTS: Final = pattern(_DOTS)
_UTF7_RUN: Final = pattern(_UTF7)

_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_NOT_BASE64: Final = bytes(
    code for code in range(256) if not chr(code).isascii() or not (chr(code).isalnum() or chr(code) in "+/-_")
)
_CLOSERS: Final = {"{": "}", "[": "]", '"': '"'}
_WORDS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _.,-")
_DECODE: Final = msgspec.json.Decoder().decode


class TooDeep(Exception):
    """A JSON text nests deeper than its parser goes."""


def packed_texts(text: str, budget: Budget, faint: bool = True) -> Iterator[str]:
    """The texts packed into this one; `faint`: also those that chance may have put there.

    Raises `TooDeep` for JSON that nests too deep to be read.
    """
    data = in_utf8(text)
    for kind in (_BASE64_RUN, _BASE64_LINES) if b"\n" in data else (_BASE64_RUN,):
        yield from _from_runs(kind, data, budget)
    yield from _hex_texts(data, budget)
    if faint:
        yield from _faint_texts(data, budget)
    yield from _json_texts(text, budget)


def _faint_texts(data: bytes, budget: Budget) -> Iterator[str]:
    for decoded in _from_runs(_SHORT_RUN, data, budget):
        # A sign that words have not: names that happen to decode yield letters.
        if decoded.isascii() and not _WORDS.issuperset(decoded):
            yield decoded
    if _HEX_DOTS.search(data) is not None:
        yield _with_dots(data).decode("utf-8", "replace")
    if _UTF7_RUN.search(data) is not None and budget.take(len(data)):
        yield from filter(None, (_from_utf7(data),))


def _from_runs(kind: Any, data: bytes, budget: Budget) -> Iterator[str]:
    for match in kind.finditer(b"\n" + data + b"\n"):
        if not budget.take(_ATTEMPT):
            return
        decoded = _from_base64(match.group().translate(None, _NOT_BASE64))
        if decoded:
            yield decoded


def _from_base64(run: bytes) -> str:
    if len(run) % 4 == 1:
        return ""
    try:
        return readable(binascii.a2b_base64(run.translate(_URL_SAFE) + b"=" * (-len(run) % 4)))
    except ValueError:
        return ""


def _hex_texts(data: bytes, budget: Budget) -> Iterator[str]:
    for match in _HEX_RUN.finditer(data):
        run = match.group()
        decoded = readable(bytes.fromhex((run[2:] if run[1:2] in b"xX" else run).decode()))
        if not budget.take(_ATTEMPT):
            return
        if decoded:
            yield decoded


def _with_dots(data: bytes) -> bytes:
    for number, sign in ((b"2e", b"."), (b"2E", b"."), (b"2f", b"/"), (b"2F", b"/"), (b"5c", b"\\"), (b"5C", b"\\")):
        data = data.replace(b"0x" + number, sign).replace(b"0X" + number, sign)
    return data


def _from_utf7(data: bytes) -> str:
    try:
        return data.decode("utf-7")
    except ValueError:
        return ""


def _json_texts(text: str, budget: Budget) -> Iterator[str]:
    whole = text.strip(" \t\r\n")
    if len(whole) < 2 or _CLOSERS.get(whole[0]) != whole[-1]:
        return
    try:
        value = _DECODE(whole)
    except RecursionError:
        raise TooDeep from None
    except (msgspec.MsgspecError, UnicodeError):
        return
    for string in _strings(value):
        if not budget.take(_STRING):
            return
        # A lone word is read in the text around it; of a length in between it may be Base64.
        if not string.isalnum() or MIN_BASE64 // 2 <= len(string) < MIN_BASE64:
            yield string


def _strings(value: Any) -> Iterator[str]:
    """Every string of a JSON value, the keys too, in the order of the nodes' depth."""
    waiting = [value]
    for node in waiting:
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict):
            yield from node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
