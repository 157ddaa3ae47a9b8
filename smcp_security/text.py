"""Bounded decoding and normalising of caller text, before any rule sees it. Pure: no I/O, no clock, no logging.

Every form a lenient reader could make of a text (percent, HTML entities, backslash escapes, Base64, NFKC, hidden
characters taken out) is handed to the rules beside the text as sent; nothing is forwarded from here.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from smcp_security.decoding import (
    BACKSLASH,
    BASE64,
    ESCAPE,
    NESTED,
    Budget,
    base64_texts,
    in_utf8,
    pattern,
    unescaped,
    without_backslashes,
)

ROUNDS: Final = 3
"""How many encodings may lie on top of each other: double encoding and one more is what real decoders meet."""

FREE_OUTPUT: Final = 64 * 1024
"""Characters of decoded output that every message may have, however short it is."""

OUTPUT_PER_CHARACTER: Final = 4
"""Further output for each character sent: more than three rounds of one kind need, so only floods run out."""

MARKS_IN_A_ROW: Final = 30
"""Unicode's stream-safe limit (UAX 15, section 13). NFKC is quadratic beyond it: 100 KB of marks took 1.9 s."""

SEPARATOR: Final = "\n\0\n"
"""Between joined texts: a line break for `^` and `$`, and a NUL that no rule's atom crosses."""

_SLICE: Final = 1024
"""Characters normalised at a time, so that a text that expands under NFKC stops at the budget."""

_EXPANSION: Final = 8
"""What each character that NFKC adds costs, in characters of output."""

_INVISIBLE_RANGES: Final = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180E, 0x180E),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F), (0xE0100, 0xE01EF),
)  # fmt: skip
"""Characters that show nothing (Default_Ignorable_Code_Point): between the letters of a word they only hide it."""

_INVISIBLE: Final = frozenset(chr(code) for first, last in _INVISIBLE_RANGES for code in range(first, last + 1))

_HIDDEN: Final = pattern("[" + "".join(rf"\x{{{first:X}}}-\x{{{last:X}}}" for first, last in _INVISIBLE_RANGES) + "]")
_MARKS: Final = pattern(r"[\pM\x{FF9E}\x{FF9F}]" + f"{{{MARKS_IN_A_ROW + 1}}}")
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


def has_escapes(joined: Joined) -> bool:
    """Whether any text holds what `derive` would decode, Base64 apart."""
    return _may_escape(joined.text) and ESCAPE.search(joined.data) is not None


def _may_escape(text: str) -> bool:
    return "%" in text or "&" in text or "\\" in text


def derive(joined: Joined, escaped: bool, encoded: bool) -> Derived:
    """The other readings of some texts; `escaped` and `encoded` say whether any holds escapes or the signal of Base64.

    Linear in the length of the texts. Reaching a bound is reported, never silent.
    """
    budget = Budget(FREE_OUTPUT + OUTPUT_PER_CHARACTER * len(joined.text))
    suspects = set() if joined.text.isascii() else _unusual(joined)
    if escaped:
        suspects |= joined.leaves_with(ESCAPE)
    if encoded:
        suspects |= joined.leaves_with(BASE64)
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
        if budget.marked:
            marks.append(leaf)
            budget.marked = False
        if budget.spent:
            exhausted = (leaf,)
            break
    return Derived(tuple(forms), tuple(marks), exhausted, tuple(too_deep))


def _unusual(joined: Joined) -> set[int]:
    """The texts that normalising changes or must not touch. Most text in other letters than English is in NFKC."""
    marked = joined.leaves_with(_MARKS)
    changed = {
        leaf
        for leaf, text in enumerate(joined.texts)
        if not text.isascii() and leaf not in marked and not unicodedata.is_normalized("NFKC", text)
    }
    return marked | changed | joined.leaves_with(_HIDDEN)


def _readings(text: str, budget: Budget) -> tuple[list[str], bool]:
    """Readings of one text, at most `ROUNDS` encodings deep, and whether there was another encoding below those."""
    found: list[str] = []
    layer = [text]
    for _ in range(ROUNDS):
        following: list[str] = []
        for form in layer:
            plain = list(_plainer(form, budget))
            hidden = [] if budget.spent else list(base64_texts(form, budget))
            found += plain + hidden
            following += plain[-1:] + hidden
        layer = following
        if not layer or budget.spent:
            return found, False
    return found, any(NESTED.search(in_utf8(form)) is not None for form in layer)


def _plainer(text: str, budget: Budget) -> Iterator[str]:
    """The text with one encoding of each kind taken off; the one before last still has its backslashes."""
    visible = text if text.isascii() else _visible(text, budget)
    if not _may_escape(visible):
        if visible != text:
            yield from _within(visible, budget)
        return
    data = in_utf8(visible)
    encoded = visible
    if not budget.spent and ESCAPE.search(data) is not None:
        data = unescaped(data, budget)
        encoded = data.decode("utf-8", "replace")
    if encoded != text:
        yield from _within(encoded, budget)
    if not budget.spent and BACKSLASH.search(data) is not None:
        yield from _within(without_backslashes(data, budget).decode("utf-8", "replace"), budget)


def _within(form: str, budget: Budget) -> Iterator[str]:
    # A decoded text may hold the marks that the text as sent had escaped; no further round may normalise those.
    if not budget.take(len(form)):
        return
    if _marked(form):
        budget.marked = True
    else:
        yield form


def _marked(text: str) -> bool:
    return len(text) > MARKS_IN_A_ROW and not text.isascii() and _MARKS.search(in_utf8(text)) is not None


def _visible(text: str, budget: Budget) -> str:
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


def _stripped(text: str, budget: Budget) -> str:
    for character in _INVISIBLE.intersection(text):
        # Ordinary text has a handful of different ones.
        if not budget.take(len(text) // 8):
            break
        text = text.replace(character, "")
    return text
