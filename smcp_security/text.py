"""Bounded decoding and normalising of caller text, before any rule sees it. Pure: no I/O, no clock, no logging.

Every form a lenient reader could make of a text (percent, HTML entities, backslash escapes, Base64, NFKC, hidden
characters taken out) is handed to the rules beside the text as sent; nothing is forwarded from here.
"""

from __future__ import annotations

import binascii
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

import re2

ROUNDS: Final = 3
"""How many encodings may lie on top of each other: double encoding and one more is what real decoders meet."""

FREE_OUTPUT: Final = 64 * 1024
"""Characters of decoded output that every message may have, however short it is."""

OUTPUT_PER_CHARACTER: Final = 4
"""Further output for each character sent: more than three rounds of one kind need, so only floods run out."""

SLOW_ESCAPE: Final = 32
"""What an escape that is decoded one by one costs, in characters of output: it takes about as long as scanning them."""

BASE64_ATTEMPT: Final = 384
"""What looking at one Base64 run costs, in characters of output."""

MARKS_IN_A_ROW: Final = 30
"""Unicode's stream-safe limit (UAX 15, section 13). NFKC is quadratic beyond it: 100 KB of marks took 1.9 s."""

MIN_BASE64: Final = 16
"""Shortest Base64 that is decoded: twelve bytes, about the shortest command worth hiding."""

SEPARATOR: Final = "\n\0\n"
"""Between joined texts: a line break for `^` and `$`, and a NUL that no rule's atom crosses."""

_SLICE: Final = 1024
"""Characters normalised at a time, so that a text that expands under NFKC stops at the budget."""

_EXPANSION: Final = 8
"""What each character that NFKC adds costs, in characters of output."""

_BARE: Final = {"lt": "<", "gt": ">", "quot": '"', "amp": "&", "nbsp": " "}
"""Named references that HTML reads without the semicolon (HTML standard, 13.2.5.73)."""

_NAMED: Final = {
    "apos": "'", "sol": "/", "bsol": "\\", "colon": ":", "semi": ";", "lpar": "(", "rpar": ")", "lsqb": "[",
    "rsqb": "]", "lbrack": "[", "rbrack": "]", "lcub": "{", "rcub": "}", "lbrace": "{", "rbrace": "}", "equals": "=",
    "period": ".", "comma": ",", "num": "#", "excl": "!", "quest": "?", "dollar": "$", "percnt": "%", "ast": "*",
    "plus": "+", "grave": "`", "verbar": "|", "vert": "|", "lowbar": "_", "hyphen": "-", "commat": "@", "Tab": "\t",
    "NewLine": "\n",
}  # fmt: skip
"""The other references that stand for ASCII (HTML standard, 13.5); letters have no names."""

_PERCENT_ESCAPE: Final = "%[0-9A-Fa-f]{2}|%[uU][0-9A-Fa-f]{4}"
_NAMED_REFERENCE: Final = f"&(?:{'|'.join([*_BARE, *(f'{name};' for name in _NAMED)])})"
_NUMERIC_REFERENCE: Final = "&#[xX]?[0-9A-Fa-f]"
_HEX_ESCAPE: Final = r"\\u[0-9A-Fa-f{]|\\x[0-9A-Fa-f]"
_BACKSLASH_ESCAPE: Final = _HEX_ESCAPE + r"|\\/"

BASE64_SIGNAL: Final = r"[^A-Za-z0-9+_-]" + r"(?:(?-i:[CDI-Za-f])[A-Za-z0-9+/_-]{3})" * (MIN_BASE64 // 4)
"""RE2 pattern of a run that may be Base64 of printable text: every fourth character has the two high bits of one.

Random runs seldom pass, words hardly ever, so that few are decoded in vain.
"""

_PRINTABLE_FIRST: Final = bytes(range(ord("I"), ord("Z") + 1)) + b"CDabcdef"
"""The characters of `BASE64_SIGNAL`: three bytes that begin with printable ASCII, tab or a line break."""

_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")

_INVISIBLE_RANGES: Final = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180E, 0x180E),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F), (0xE0100, 0xE01EF),
)  # fmt: skip
"""Characters that show nothing (Default_Ignorable_Code_Point): between the letters of a word they only hide it."""

_INVISIBLE: Final = frozenset(chr(code) for first, last in _INVISIBLE_RANGES for code in range(first, last + 1))

_SHORT_ESCAPES: Final = ((b"\\/", b"/"), (b'\\"', b'"'), (b"\\'", b"'"), (b"\\n", b"\n"), (b"\\t", b"\t"))


def _pattern(expression: str) -> Any:
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    return re2.compile(expression, options)


_PERCENT: Final = _pattern(_PERCENT_ESCAPE)
_NAMED_ENTITY: Final = _pattern(_NAMED_REFERENCE)
_NUMERIC_ENTITY: Final = _pattern(_NUMERIC_REFERENCE)
_BACKSLASH: Final = _pattern(_BACKSLASH_ESCAPE)
_ESCAPE: Final = _pattern("|".join((_PERCENT_ESCAPE, _NAMED_REFERENCE, _NUMERIC_REFERENCE, _BACKSLASH_ESCAPE)))
"""Any of the four: a round of decoding runs only where it matches, and each decoder only where its own does."""

_ENCODED: Final = _pattern("|".join((_PERCENT_ESCAPE, _NAMED_REFERENCE, _NUMERIC_REFERENCE, _HEX_ESCAPE)))
"""What counts as one more encoding below the last round. A row of backslashes before a slash is only that."""

_BASE64: Final = _pattern(BASE64_SIGNAL)
_BASE64_RUN: Final = _pattern(BASE64_SIGNAL + "[A-Za-z0-9+/_-]*")
_HIDDEN: Final = _pattern("[" + "".join(rf"\x{{{first:X}}}-\x{{{last:X}}}" for first, last in _INVISIBLE_RANGES) + "]")
_MARKS: Final = _pattern(r"[\pM\x{FF9E}\x{FF9F}]" + f"{{{MARKS_IN_A_ROW + 1}}}")
"""Half-width katakana sound marks are letters that NFKC turns into combining marks, so they count."""


@dataclass(frozen=True, slots=True)
class Form:
    """Another reading of one text. `leaf` is the index of the text it was made from."""

    leaf: int
    text: str


@dataclass(frozen=True, slots=True)
class Derived:
    """The other readings of some texts, and the indexes of those where a bound of the decoding was reached."""

    forms: tuple[Form, ...] = ()
    marks: tuple[int, ...] = ()
    exhausted: tuple[int, ...] = ()
    too_deep: tuple[int, ...] = ()


class Joined:
    """Some texts as one, in UTF-8 too, with the way back from an offset in `data` to the text it lies in."""

    __slots__ = ("_starts", "data", "text", "texts")

    def __init__(self, texts: Sequence[str], tail: str = "") -> None:
        self.texts = texts
        self.text = f"{SEPARATOR}{SEPARATOR.join(texts)}{SEPARATOR}{tail}"
        self.data = in_utf8(self.text)
        self._starts: list[int] = []

    @property
    def starts(self) -> list[int]:
        """Where each text begins in `data`, and where one more would. Most messages never ask."""
        if not self._starts:
            sizes = ((len(text) if text.isascii() else len(in_utf8(text))) + len(SEPARATOR) for text in self.texts)
            self._starts = list(accumulate(sizes, initial=len(SEPARATOR)))
        return self._starts

    def leaf_at(self, offset: int) -> int:
        """The index of the text that the byte at `offset` belongs to."""
        return min(max(0, bisect_right(self.starts, offset) - 1), len(self.texts) - 1)

    def bounds(self, leaf: int) -> tuple[int, int]:
        """Where the text begins and ends in `data`."""
        return self.starts[leaf], self.starts[leaf + 1] - len(SEPARATOR)

    def leaves_with(self, pattern: Any) -> set[int]:
        """The texts in which an RE2 pattern matches; each is searched up to its first match only."""
        leaves: set[int] = set()
        match = pattern.search(self.data)
        while match is not None and match.start() < self.starts[-1]:
            leaf = self.leaf_at(match.end() - 1)
            leaves.add(leaf)
            # One byte of the separator stays: a pattern may begin with what stands before the text.
            match = pattern.search(self.data, self.starts[leaf + 1] - 1)
        return leaves


@dataclass(slots=True)
class _Budget:
    """Characters of decoded output that are left for one message."""

    left: int

    @property
    def spent(self) -> bool:
        return self.left < 0

    def take(self, amount: int) -> bool:
        self.left -= amount
        return self.left >= 0


def in_utf8(text: str) -> bytes:
    """The text's bytes. Half of a surrogate pair has none; one `?` for it keeps the offsets."""
    return text.encode("utf-8", "replace")


def has_escapes(joined: Joined) -> bool:
    """Whether any text holds what `derive` would decode, Base64 apart."""
    text = joined.text
    return ("%" in text or "&" in text or "\\" in text) and _ESCAPE.search(joined.data) is not None


def derive(joined: Joined, escaped: bool, encoded: bool) -> Derived:
    """The other readings of some texts; `escaped` and `encoded` say whether any holds escapes or the signal of Base64.

    Linear in the length of the texts. Reaching a bound is reported, never silent.
    """
    budget = _Budget(FREE_OUTPUT + OUTPUT_PER_CHARACTER * len(joined.text))
    suspects = set() if joined.text.isascii() else {at for at, text in enumerate(joined.texts) if not text.isascii()}
    if escaped:
        suspects |= joined.leaves_with(_ESCAPE)
    if encoded:
        suspects |= joined.leaves_with(_BASE64)
    forms: list[Form] = []
    marks: list[int] = []
    too_deep: list[int] = []
    exhausted: tuple[int, ...] = ()
    for leaf in sorted(suspects):
        text = joined.texts[leaf]
        if _marked(text):
            marks.append(leaf)
            continue
        readings, deep = _readings(text, budget)
        forms.extend(Form(leaf, reading) for reading in readings)
        if deep:
            too_deep.append(leaf)
        if budget.spent:
            exhausted = (leaf,)
            break
    return Derived(tuple(forms), tuple(marks), exhausted, tuple(too_deep))


def _readings(text: str, budget: _Budget) -> tuple[list[str], bool]:
    """Readings of one text, at most `ROUNDS` encodings deep, and whether there was another encoding below those."""
    found: list[str] = []
    layer = [text]
    for _ in range(ROUNDS):
        following: list[str] = []
        for form in layer:
            plain = list(_plainer(form, budget))
            hidden = [] if budget.spent else list(_base64(form, budget))
            found += plain + hidden
            following += plain[-1:] + hidden
        layer = following
        if not layer or budget.spent:
            return found, False
    return found, any(_ENCODED.search(in_utf8(form)) is not None for form in layer)


def _plainer(text: str, budget: _Budget) -> Iterator[str]:
    """The text with one encoding of each kind taken off; the one before last still has its backslashes."""
    visible = text if text.isascii() else _visible(text, budget)
    data = in_utf8(visible)
    encoded = visible
    if not budget.spent and _ESCAPE.search(data) is not None:
        data = _unescape(data, budget)
        encoded = data.decode("utf-8", "replace")
    if encoded != text:
        yield from _within(encoded, budget)
    if not budget.spent and _BACKSLASH.search(data) is not None:
        yield from _within(_backslash(data, budget).decode("utf-8", "replace"), budget)


def _within(form: str, budget: _Budget) -> Iterator[str]:
    # A decoded text may hold the marks that the text as sent had escaped; no further round may normalise those.
    if budget.take(len(form)) and not _marked(form):
        yield form


def _marked(text: str) -> bool:
    return not text.isascii() and _MARKS.search(in_utf8(text)) is not None


def _visible(text: str, budget: _Budget) -> str:
    """NFKC without the characters that show nothing. The caller has seen to it that no long run of marks is in it."""
    if _HIDDEN.search(in_utf8(text)) is not None:
        text = _stripped(text, budget)
    pieces: list[str] = []
    for start in range(0, len(text), _SLICE):
        piece = text[start : start + _SLICE]
        pieces.append(unicodedata.normalize("NFKC", piece))
        # Characters that expand are slow to normalise, far beyond their number.
        if not budget.take(_EXPANSION * max(0, len(pieces[-1]) - len(piece))):
            break
    return "".join(pieces)


def _stripped(text: str, budget: _Budget) -> str:
    for character in _INVISIBLE.intersection(text):
        # Ordinary text has a handful of different ones.
        if not budget.take(len(text) // 8):
            break
        text = text.replace(character, "")
    return text


def _unescape(data: bytes, budget: _Budget) -> bytes:
    # As bytes: searching and replacing in a text of wide characters takes several times as long.
    if _PERCENT.search(data) is not None:
        data = _percent(data, budget)
    if _NUMERIC_ENTITY.search(data) is not None:
        data = _numeric_entities(data, budget)
    if _NAMED_ENTITY.search(data) is not None:
        data = _named_entities(data)
    return data


def _percent(data: bytes, budget: _Budget) -> bytes:
    if b"%u" in data or b"%U" in data:
        data = _code_points(data.replace(b"%U", b"%u"), b"%u", budget)
    return _hex_pairs(data, b"%")


def _backslash(data: bytes, budget: _Budget) -> bytes:
    if b"\\u" in data:
        data = _code_points(data, b"\\u", budget)
    if b"\\x" in data:
        data = _hex_pairs(data, b"\\x")
    for escape, character in _SHORT_ESCAPES:
        data = data.replace(escape, character)
    return data


def _hex_pairs(data: bytes, opener: bytes) -> bytes:
    """Decode `opener` and two hex digits, in C: quoted-printable is the same code with `=` for the opener.

    What quoted-printable reads otherwise (two openers, an opener before a line break) is escaped first. An opener
    that opens nothing comes out as `=`.
    """
    # 0xFF stands in no UTF-8, so it can keep the place of a plain `=`.
    data = data.replace(b"=", b"\xff").replace(opener, b"=").replace(b"\xff", b"=3D")
    # An opener before another is itself: `%%32%65` reads as `%2e`.
    literal = b"=25=" if opener == b"%" else b"=5Cx="
    data = data.replace(b"==", literal).replace(b"==", literal)
    return binascii.a2b_qp(data.replace(b"=\r", b"=3D\r").replace(b"=\n", b"=3D\n"))


def _code_points(data: bytes, opener: bytes, budget: _Budget) -> bytes:
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


def _numeric_entities(data: bytes, budget: _Budget) -> bytes:
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


def _base64(text: str, budget: _Budget) -> Iterator[str]:
    """Texts that stand Base64-encoded in `text`: only what decodes to printable UTF-8 counts as one."""
    for match in _BASE64_RUN.finditer(in_utf8(f"\n{text}")):
        decoded = _from_base64(match.group()[1:])
        if not budget.take(BASE64_ATTEMPT + len(decoded)):
            return
        if decoded:
            yield decoded


def _from_base64(run: bytes) -> str:
    if len(run) % 4 == 1 or run[::4].translate(None, _PRINTABLE_FIRST):
        return ""
    try:
        decoded = binascii.a2b_base64(run.translate(_URL_SAFE) + b"=" * (-len(run) % 4)).decode()
    except ValueError:
        return ""
    return decoded if decoded.replace("\n", "").replace("\r", "").replace("\t", "").isprintable() else ""
