"""How a value may be spelled in what comes back: windows that any of its spellings holds, and patterns for all of
them. Pure.

Two looks, because one automaton over everything would be slow to build: texts are first reduced to plain letters and
digits, in which short windows of the value are looked for as they are. Where one stands, the pattern over the text as
it is says whether the value does, and from where to where. The first look must never miss what the second would find.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64encode
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import re2

from smcp_security.decoding import in_utf8, pattern
from smcp_security.redaction.pieces import read

WINDOW: Final = 12
LEAST_WINDOW: Final = 5
"""Letters and digits of a piece that are looked for first. A piece with no such run is looked for by its pattern."""

_NESTED_WINDOW: Final = 8
_BOUNDARY: Final = 4
"""What an escape before the value may take of it for its own: `%` two digits, `&#` three."""

_BARRIERS: Final = {"%": 3, "&": 8, "\\": 6}
"""Signs of a value that a reader may take for the beginning of an escape, and how many signs that may reach."""

_NAMED: Final = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_LETTERS: Final = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_UNPLAIN: Final = re.compile(r"[^0-9A-Za-z]+")

# Blanks of any width and what nobody sees, as JSON in a text escapes them.
_UNSEEN: Final = r"u(?:20[026]|300|00[aA]|[fF][eE][fF])[0-9A-Fa-f]"
_GAP: Final = rf"""(?:[\s_.,:;|/+*"'()\[\]{{}}\x{{80}}-\x{{10ffff}}-]|\\+(?:[nrt]|{_UNSEEN})){{0,4}}"""
_BREAK: Final = r"(?:\s|\\+[nrt])*"
_BETWEEN: Final = r"""(?:[\s:,;"'_.-]|\\+[nrt"]){0,4}"""
_COMMAS: Final = r"(?:[\s,;]|\\+[nrt]){1,8}"

_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.never_capture = True
_OPTIONS.max_mem = 64 << 20


# -- the first look ----------------------------------------------------------------------------------------------------


class Way(StrEnum):
    """How a value is spelled: each has windows and a pattern of its own, built where it is needed."""

    SIGNS = "signs"
    REVERSED = "reversed"
    HEX = "hex"
    MARKED_HEX = "marked-hex"
    NUMBERS = "numbers"
    BASE64 = "base64"
    NESTED = "nested"


def windows(piece: str, octets: bytes) -> Iterator[tuple[Way, str]]:
    """The windows of each way. Those of hex digits stand for any case; "" where a way cannot be told by a window."""
    plain = _plain_window(piece)
    yield Way.SIGNS, plain
    # An escape that stands before a sign stands behind it there, and takes others for its own.
    yield Way.REVERSED, _plain_window(piece[::-1])
    last = octets[-6:]
    yield Way.HEX, octets.hex()[-16:]
    yield Way.MARKED_HEX, "".join(f"0x{byte:02x}" for byte in last)
    yield Way.NUMBERS, "".join(map(str, last))
    for literal in _in_base64(octets):
        yield Way.BASE64, _tail(literal, WINDOW)
    for inner in _inner(octets):
        for literal in _in_base64(inner.encode()):
            yield Way.NESTED, _tail(literal, _NESTED_WINDOW)


def _plain_window(piece: str) -> str:
    """The last letters and digits of the longest run that no escape can begin in; "" if there is none."""
    runs = [""]
    blocked = _BOUNDARY + len(piece) - len(piece.lstrip("0"))
    for sign in piece:
        if not sign.isascii() or sign in _BARRIERS:
            runs.append("")
            blocked = _BARRIERS.get(sign, blocked)
        elif blocked:
            blocked -= 1
        elif sign.isalnum():
            runs[-1] += sign
    longest = max(runs, key=len)
    return longest[-WINDOW:] if len(longest) >= LEAST_WINDOW else ""


def _tail(literal: str, size: int) -> str:
    """The last letters and digits of some Base64; "" if there are hardly any."""
    tail = _UNPLAIN.sub("", literal[_BOUNDARY:])[-size:]
    return tail if len(tail) >= LEAST_WINDOW else ""


def _in_base64(octets: bytes) -> Iterator[str]:
    """What of the Base64 of some bytes is certain, at each place in a group of three."""
    for offset, first in enumerate((0, 2, 3)):
        encoded = b64encode(bytes(offset) + octets).decode()
        yield encoded[first : 8 * (offset + len(octets)) // 6]


def _inner(octets: bytes) -> list[str]:
    """What Base64 is looked for once more over: Base64 in both alphabets, and hex digits in both cases."""
    inner = [*_in_base64(octets), octets.hex(), octets.hex().upper()]
    return list(dict.fromkeys([*inner, *(each.replace("+", "-").replace("/", "_") for each in inner)]))


def reduced(data: bytes) -> bytes:
    """The letters and digits of some bytes, what is escaped as what it stands for."""
    if b"%" in data or b"&" in data or b"\\" in data:
        data = _unescaped(data)
    return data.translate(None, _NOT_PLAIN)


_NOT_PLAIN: Final = bytes(code for code in range(256) if not (code < 128 and chr(code).isalnum()))
# Each replacement is a search of its own, and most texts have none of these: one automaton says so for all of them.
_SELDOM: Final = pattern(r"\\[urtbfx]")
_NESTED: Final = pattern(r"\\\\[nrtbfu]")
_OF_PERCENT: Final = pattern("%(?:25|[uU]00)")
_OF_REFERENCES: Final = pattern("&(?:#|amp;|lt;|gt;|quot;|apos;)")
_PERCENT: Final = (*((b"%25", b"%"),) * 3, (b"%u00", b"="), (b"%U00", b"="))
_DROPPED: Final = tuple(b"\\" + sign.encode() for sign in _LETTERS.values() if sign != "n")
_SEVERAL: Final = re.compile(b"==+")
_RUN: Final = re.compile(rb"\\\\+")
_FEW: Final = 500
_BRACED: Final = re.compile(rb"\\u\{0*")
_BLANKS: Final = pattern(rf"\\{_UNSEEN}")
_BLANK: Final = re.compile(rb"\\%b" % _UNSEEN.encode())
_HEX_REFERENCE: Final = re.compile(b"&#[xX]0*")
_REFERENCE: Final = re.compile(rb"&#0*([0-9]{2,3})(?![0-9])")
_CHARACTERS: Final = {str(code).encode(): chr(code).encode() for code in range(48, 123) if chr(code).isalnum()}


def _unescaped(data: bytes) -> bytes:
    """Every escape that stands for a letter or a digit as that, in a few passes; of others any rest may stay."""
    data = data.replace(b"=", b"")
    if b"\\" in data:
        data = _without_backslashes(data)
    if b"%" in data:
        if _OF_PERCENT.search(data) is not None:
            for escape, short in _PERCENT:
                data = data.replace(escape, short)
        data = data.replace(b"%", b"=")
    if b"&" in data and _OF_REFERENCES.search(data) is not None:
        data = _without_references(data)
    if b"=" not in data:
        return data
    # Its reader takes two of them for none, and drops all that follows a lone carriage return.
    return binascii.a2b_qp(_SEVERAL.sub(b"=", data.replace(b"\r", b"")))


def _without_backslashes(data: bytes) -> bytes:
    if _NESTED.search(data) is not None:
        # Of several, one left over would make an escape with the sign behind what is taken out.
        data, count = _RUN.subn(b"\\\\", data, _FEW)
        while count == _FEW and b"\\\\" in data:
            data = data.replace(b"\\\\", b"\\")
    data = data.replace(b"\\n", b"")
    if _SELDOM.search(data) is None:
        return data
    if _BLANKS.search(data) is not None:
        data = _BLANK.sub(b"", data)
    data = _BRACED.sub(b"=", data.replace(b"\\u00", b"=")).replace(b"\\x", b"=")
    for escape in _DROPPED:
        data = data.replace(escape, b"")
    return data


def _without_references(data: bytes) -> bytes:
    for _ in range(3):
        data = data.replace(b"&amp;", b"&")
    for name in _NAMED.values():
        data = data.replace(f"&{name};".encode(), b"")
    if b"&#" in data:
        data = _HEX_REFERENCE.sub(b"=", data)
        data = _REFERENCE.sub(lambda found: _CHARACTERS.get(found[1], b""), data)
    return data


# -- the second look ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def spelled(piece: str, octets: bytes, way: Way) -> Any:
    """The pattern for a piece that is spelled in one way."""
    if way is Way.SIGNS:
        ways = [_GAP.join(_signs(piece))]
    elif way is Way.REVERSED:
        ways = [_GAP.join(_plainly(sign) for sign in reversed(piece))]
    elif way is Way.NUMBERS:
        ways = [_COMMAS.join(map(str, octets))]
    elif way is Way.BASE64:
        ways = [_base64(octets, offset) for offset in range(3)]
    elif way is Way.NESTED:
        ways = [_base64(inner.encode(), offset) for inner in _inner(octets) for offset in range(3)]
    else:
        mark = "0[xX]" if way is Way.MARKED_HEX else ""
        ways = [_BETWEEN.join(f"{mark}{_digits(byte)}" for byte in octets)]
    return re2.compile("|".join(ways), _OPTIONS)


def _signs(piece: str) -> Iterator[str]:
    """A pattern for each character; one for all that stands between two lines."""
    breaks = ""
    for sign in piece:
        if sign in "\r\n":
            line_feed, carriage_return = _sign("\n"), _sign("\r")
            breaks = rf"(?:{line_feed}|{carriage_return}|[ \t])+"
            continue
        if breaks:
            yield breaks
            breaks = ""
        yield _sign(sign)
    if breaks:
        yield breaks


@lru_cache(maxsize=1024)
def _sign(sign: str) -> str:
    number = ord(sign)
    ways = [_ascii(number)] if number < 0x80 else list(_wide(sign))
    ways.append(rf"&(?:amp;){{0,3}}#(?:0*{number}|[xX]0*{_any_case(f'{number:x}')});?")
    if sign in _NAMED:
        ways.append(f"&(?:amp;){{0,3}}{_NAMED[sign]};")
    if sign in _LETTERS:
        ways.append(rf"\\+{_LETTERS[sign]}")
    if sign == " ":
        ways += [_ascii(ord("+")), r"\+"]
    # Last: a percent sign may be the beginning of an escape that stands for one.
    ways.append(_plainly(sign))
    return f"(?:{'|'.join(ways)})"


_OF_BYTE: Final = r"(?:%(?:25){0,3}(?:[uU]00)?|\\+x)"


def _ascii(number: int) -> str:
    return rf"(?:%(?:25){{0,3}}(?:[uU]00)?|\\+(?:x|u00|u\{{0*)){_digits(number)}\}}?"


def _wide(sign: str) -> Iterator[str]:
    """As its bytes in UTF-8 or Latin-1, as the units of UTF-16, as its number."""
    yield "".join(f"{_OF_BYTE}{_digits(byte)}" for byte in in_utf8(sign))
    if sign <= "\xff":
        yield f"{_OF_BYTE}{_digits(ord(sign))}"
    units = sign.encode("utf-16-be", "surrogatepass")
    yield "".join(rf"\\+u{_digits(units[at])}{_digits(units[at + 1])}" for at in range(0, len(units), 2))
    yield rf"\\+u\{{0*{_any_case(f'{ord(sign):x}')}\}}"


def _plainly(sign: str) -> str:
    literal = sign if sign.isalnum() else rf"\x{{{ord(sign):x}}}"
    return literal if sign.isalnum() else rf"\\*{literal}"


def _digits(byte: int) -> str:
    return _any_case(f"{byte:02x}")


def _any_case(digits: str) -> str:
    return "".join(f"[{sign}{sign.upper()}]" if sign.isalpha() else sign for sign in digits)


def _base64(octets: bytes, offset: int) -> str:
    """A pattern for some bytes in Base64, at one of the three places in a group."""
    filled = "={0,2}" if (offset + len(octets)) % 3 else ""
    return _BREAK.join(_characters(octets, offset)) + filled


_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def _characters(octets: bytes, offset: int) -> list[str]:
    """A pattern for each character that a bit of the bytes is in; those at the ends hold bits of others too."""
    bits = f"{'.' * 8 * offset}{''.join(f'{byte:08b}' for byte in octets)}"
    first = 8 * offset // 6
    groups = [bits[at : at + 6].ljust(6, ".") for at in range(6 * first, len(bits), 6)]
    return [_one_of([sign for number, sign in enumerate(_ALPHABET) if _fits(f"{number:06b}", group)])
            if "." in group else _one_of([_ALPHABET[int(group, 2)]]) for group in groups]  # fmt: skip


def _fits(bits: str, group: str) -> bool:
    return all(wanted in (".", bit) for bit, wanted in zip(bits, group, strict=True))


_OTHER_SPELLINGS: Final = {
    "+": r"\+|-|%(?:25){0,3}2[bB]|\\+u002[bB]|&#43;",
    "/": r"\\*/|_|%(?:25){0,3}2[fF]|\\+u002[fF]|&#47;",
}


def _one_of(signs: list[str]) -> str:
    """Any of some characters of Base64, in both alphabets and as URLs, JSON and HTML write them."""
    plain = "".join(sign for sign in signs if sign.isalnum())
    ways = [f"[{plain}]"] if plain else []
    return f"(?:{'|'.join([*ways, *(_OTHER_SPELLINGS[sign] for sign in signs if sign in _OTHER_SPELLINGS)])})"


def octets_of(piece: str, of: bytes) -> bytes:
    """The bytes of a piece of a value, in the encoding that the value was read in."""
    return in_utf8(piece) if read(of).encode("utf-8", "surrogatepass") == of else piece.encode("latin-1")
