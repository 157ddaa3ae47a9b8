"""Decoders of the escapes that texts hide in: percent, HTML references, backslash escapes. Pure, on bytes.

Each takes off one layer, in C or by counted steps; what is slow is paid from the budget of the message.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import Any, Final

import re2

SLOW_ESCAPE: Final = 32
"""What an escape that is decoded one by one costs, in characters of output: it takes about as long as scanning them."""

_BARE: Final = {
    "lt": "<", "gt": ">", "quot": '"', "LT": "<", "GT": ">", "QUOT": '"', "nbsp": " ", "amp": "&", "AMP": "&",
}  # fmt: skip
"""Named references that HTML reads without the semicolon (HTML standard, 13.2.5.73)."""

_NAMED: Final = {
    "apos": "'", "sol": "/", "bsol": "\\", "colon": ":", "semi": ";", "lpar": "(", "rpar": ")", "lsqb": "[",
    "rsqb": "]", "lbrack": "[", "rbrack": "]", "lcub": "{", "rcub": "}", "lbrace": "{", "rbrace": "}", "equals": "=",
    "period": ".", "comma": ",", "num": "#", "excl": "!", "quest": "?", "dollar": "$", "percnt": "%", "ast": "*",
    "plus": "+", "grave": "`", "verbar": "|", "vert": "|", "lowbar": "_", "hyphen": "-", "commat": "@", "Tab": "\t",
    "NewLine": "\n", "DiacriticalGrave": "`", "Hat": "^", "midast": "*", "UnderBar": "_", "VerticalLine": "|",
    "fjlig": "fj",
}  # fmt: skip
"""The other references that stand for ASCII (HTML standard, 13.5); letters have no names."""

_PERCENT_ESCAPE: Final = "%[0-9A-Fa-f]{2}|%[uU][0-9A-Fa-f]{4}"
_NAMED_REFERENCE: Final = f"&(?:{'|'.join([*_BARE, *(f'{name};' for name in _NAMED)])})"
_NUMERIC_REFERENCE: Final = "&#[xX]?[0-9A-Fa-f]"
_HEX_ESCAPE: Final = r"\\u[0-9A-Fa-f{]|\\x[0-9A-Fa-f]"
_BACKSLASH_ESCAPE: Final = _HEX_ESCAPE + r"|\\/"

_CONTROLS: Final = bytes(code for code in (*range(32), 127) if code not in b"\b\t\n\r\x1b")

_HEX_KINDS: Final = bytes(
    ord("=") if byte == ord("=") else ord("h") if chr(byte) in "0123456789abcdefABCDEF" else 0 for byte in range(256)
)
_ALONE: Final = bytes(ord("=") ^ 0xFE if byte == ord("=") else 0 for byte in range(256))
"""Where an `=` stands that opens nothing, the bits that make 0xFE of it."""

_SHORT_ESCAPES: Final = ((b"\\/", b"/"), (b'\\"', b'"'), (b"\\'", b"'"), (b"\\n", b"\n"), (b"\\t", b"\t"))


PatternError: Final = re2.error
"""What `pattern` raises for an expression that RE2 does not take."""


def pattern(expression: str) -> Any:
    """An RE2 pattern that is only asked where it matches."""
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    return re2.compile(expression, options)


PERCENT: Final = pattern(_PERCENT_ESCAPE)
_NAMED_ENTITY: Final = pattern(_NAMED_REFERENCE)
_NUMERIC_ENTITY: Final = pattern(_NUMERIC_REFERENCE)
BACKSLASH: Final = pattern(_BACKSLASH_ESCAPE)
ESCAPES: Final = (_PERCENT_ESCAPE, _NAMED_REFERENCE, _NUMERIC_REFERENCE, _BACKSLASH_ESCAPE)
ESCAPE: Final = pattern("|".join(ESCAPES))
"""Any of the four: a round of decoding runs only where it matches, and each decoder only where its own does."""

NESTED: Final = pattern("|".join((_PERCENT_ESCAPE, _NAMED_REFERENCE, _NUMERIC_REFERENCE, _HEX_ESCAPE)))
"""What counts as one more encoding below the last round. A row of backslashes before a slash is only that."""


@dataclass(slots=True)
class Budget:
    """Characters of decoded output that are left for one message."""

    left: int

    @property
    def spent(self) -> bool:
        return self.left < 0

    def take(self, amount: int) -> bool:
        self.left -= amount
        return self.left >= 0


def readable(data: bytes) -> str:
    """The bytes as text if they are UTF-8 with no control characters but those of text and of terminals."""
    if len(data.translate(None, _CONTROLS)) < len(data):
        return ""
    try:
        return data.decode()
    except ValueError:
        return ""


def in_utf8(text: str) -> bytes:
    """The text's bytes. Half of a surrogate pair has none; one `?` for it keeps the offsets."""
    return text.encode("utf-8", "replace")


def without_percent(data: bytes, budget: Budget) -> bytes:
    """Without one layer of percent escapes."""
    # As bytes: searching and replacing in a text of wide characters takes several times as long.
    return _percent(data, budget) if b"%" in data and PERCENT.search(data) is not None else data


def without_references(data: bytes, budget: Budget) -> bytes:
    """Without one layer of HTML references."""
    if b"&" not in data:
        return data
    if _NUMERIC_ENTITY.search(data) is not None:
        data = _numeric_entities(data, budget)
    if _NAMED_ENTITY.search(data) is not None:
        data = _named_entities(data)
    return data


def _percent(data: bytes, budget: Budget) -> bytes:
    if b"%u" in data or b"%U" in data:
        data = _code_points(data.replace(b"%U", b"%u"), b"%u", budget)
    return _hex_pairs(data, b"%")


def without_backslashes(data: bytes, budget: Budget) -> bytes:
    """Without one layer of the backslash escapes of JSON, JavaScript and C."""
    if b"\\u" in data:
        data = _code_points(data, b"\\u", budget)
    if b"\\x" in data:
        data = _hex_pairs(data, b"\\x")
    for escape, character in _SHORT_ESCAPES:
        data = data.replace(escape, character)
    return data


def _hex_pairs(data: bytes, opener: bytes) -> bytes:
    """Decode `opener` and two hex digits, in C: quoted-printable is the same code with `=` for the opener.

    An opener that opens nothing is itself (`%%32%65` reads as `%2e`), so it is escaped first, as is a plain `=`.
    """
    # 0xFE and 0xFF stand in no UTF-8, so they can keep a place.
    data = data.replace(b"=", b"\xff").replace(opener, b"=")
    alone = data.translate(_HEX_KINDS).replace(b"=hh", bytes(3)).translate(_ALONE)
    if any(alone):
        both = int.from_bytes(data, "big") ^ int.from_bytes(alone, "big")
        data = both.to_bytes(len(data), "big").replace(b"\xfe", b"=25" if opener == b"%" else b"=5Cx")
    return binascii.a2b_qp(data.replace(b"\xff", b"=3D"))


def _code_points(data: bytes, opener: bytes, budget: Budget) -> bytes:
    """Decode `opener` and four hex digits, or any number of them in braces."""
    head, *pieces = data.split(opener)
    if not budget.take(SLOW_ESCAPE * len(pieces)):
        return data
    decoded = [head]
    for piece in pieces:
        if piece.startswith(b"{"):
            digits, _, rest = piece[1:].partition(b"}")
        else:
            digits, rest = piece[:4], piece[4:]
        character = _character(digits, 16)
        decoded.append(character + rest if character else opener + piece)
    return b"".join(decoded)


def _named_entities(data: bytes) -> bytes:
    for name, character in _NAMED.items():
        data = data.replace(b"&%b;" % name.encode(), character.encode())
    # The ampersand comes last: what it uncovers is for the next round.
    for name, character in _BARE.items():
        reference = b"&" + name.encode()
        data = data.replace(reference + b";", reference).replace(reference, character.encode())
    return data


def _numeric_entities(data: bytes, budget: Budget) -> bytes:
    head, *pieces = data.split(b"&#")
    if not budget.take(SLOW_ESCAPE * len(pieces)):
        return data
    decoded = [head]
    for piece in pieces:
        hexadecimal = piece[:1] in (b"x", b"X")
        body = piece[1:] if hexadecimal else piece
        rest = body.lstrip(b"0123456789abcdefABCDEF" if hexadecimal else b"0123456789")
        character = _character(body[: len(body) - len(rest)], 16 if hexadecimal else 10)
        decoded.append(character + rest.removeprefix(b";") if character else b"&#" + piece)
    return b"".join(decoded)


def _character(digits: bytes, base: int) -> bytes:
    """The character with this number, or nothing. Leading zeros do not count, so `int` must not be given them all."""
    significant = digits.lstrip(b"0")
    try:
        number = int(significant, base) if len(significant) <= 7 else 0
    except ValueError:
        return b""
    # Half of a surrogate pair has no UTF-8.
    return chr(number).encode() if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else b""
