"""Bounded decoding and normalising of caller text, before any rule sees it. Pure: no I/O, no clock, no logging.

Every form a lenient reader could make of a text (escapes decoded, packed texts taken out, look-alikes as what they
imitate) is handed to the rules beside the text as sent; nothing is forwarded from here.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, repeat
from operator import add
from typing import Any, Final

import msgspec

from smcp_security.appearance import HIDDEN, MARKS, MARKS_IN_A_ROW, appearances, disguised, marked, usual
from smcp_security.decoding import (
    BACKSLASH,
    ESCAPE,
    NESTED,
    Budget,
    in_utf8,
    without_backslashes,
    without_percent,
    without_references,
)
from smcp_security.packed import PACKED, TooDeep, packed_texts

__all__ = [
    "FREE_OUTPUT",
    "MARKS_IN_A_ROW",
    "OUTPUT_PER_CHARACTER",
    "Derived",
    "Form",
    "Joined",
    "derive",
    "has_escapes",
]

ROUNDS: Final = 3
"""How many encodings may lie on top of each other: double encoding and one more is what real decoders meet."""

FREE_OUTPUT: Final = 96 * 1024
"""Characters of decoded output that every message may have, however short it is."""

OUTPUT_PER_CHARACTER: Final = 4
"""Further output for each character sent: more than three rounds of one kind need, so only floods run out."""

SEPARATOR: Final = "\n\0\n"
"""Between joined texts: a line break for `^` and `$`, and a NUL that no rule's atom crosses."""


class Form(msgspec.Struct, frozen=True, gc=False):
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
            if self.text.isascii():
                sizes: Iterable[int] = map(len, self.texts)
            else:
                sizes = (len(text) if text.isascii() else len(in_utf8(text)) for text in self.texts)
            between = len(SEPARATOR)
            self._starts = list(accumulate(map(add, sizes, repeat(between)), initial=between))
        return self._starts

    def leaf_at(self, offset: int) -> int:
        """The index of the text that the byte at `offset` belongs to."""
        starts = self.starts
        return min(max(0, bisect_right(starts, offset) - 1), len(starts) - 2)

    def bounds(self, leaf: int) -> tuple[int, int]:
        """Where the text begins and ends in `data`."""
        return self.starts[leaf], self.starts[leaf + 1] - len(SEPARATOR)

    def leaves_with(self, pattern: Any) -> set[int]:
        """The texts in which an RE2 pattern matches; each is searched up to its first match only."""
        leaves: set[int] = set()
        match = pattern.search(self.data)
        while match is not None:
            start, end = match.span()
            if start >= self.starts[-1]:
                break
            leaf = self.leaf_at(end - 1)
            leaves.add(leaf)
            # Two bytes of the separator stay: a pattern may begin with what stands before the text.
            match = pattern.search(self.data, self.starts[leaf + 1] - 2)
        return leaves


def has_escapes(joined: Joined) -> bool:
    """Whether any text holds what `derive` would decode, Base64 apart."""
    return _may_escape(joined.text) and ESCAPE.search(joined.data) is not None


def _may_escape(text: str) -> bool:
    return "%" in text or "&" in text or "\\" in text


def derive(joined: Joined, escaped: bool, encoded: bool) -> Derived:
    """The other readings of some texts; `escaped` and `encoded`: whether any holds escapes or a packed text.

    Linear in the length of the texts. Reaching a bound is reported, never silent.
    """
    reader = _Reader(Budget(FREE_OUTPUT + OUTPUT_PER_CHARACTER * len(joined.text)))
    layer = [
        _Suspect(Form(leaf, joined.texts[leaf]), *how) for leaf, how in _suspects(joined, escaped, encoded).items()
    ]
    for _ in range(ROUNDS):
        forms = reader.read(layer)
        if not forms:
            return reader.derived()
        texts = Joined([form.text for form in forms])
        layer = [_Suspect(forms[number], *how) for number, how in _suspects(texts, has_escapes(texts), True).items()]
    reader.read_last(layer)
    return reader.derived()


class _Suspect(msgspec.Struct, frozen=True, gc=False):
    """A text that may have another reading, and what was seen in it: asking each of thousands again takes longest."""

    form: Form
    escaped: bool
    packed: bool


def _suspects(joined: Joined, escaped: bool, encoded: bool) -> dict[int, tuple[bool, bool]]:
    """The texts that may have another reading, in order; whether there are escapes, or a packed text, as they stand."""
    unusual = set() if joined.text.isascii() else _unusual(joined)
    with_escapes = joined.leaves_with(ESCAPE) if escaped else set()
    packed = joined.leaves_with(PACKED) if encoded else set()
    return {leaf: (leaf in with_escapes, leaf in packed) for leaf in sorted(unusual | with_escapes | packed)}


def _unusual(joined: Joined) -> set[int]:
    """The texts that look different from what they are, or must not be normalised. Most prose is what it looks like."""
    if usual(SEPARATOR.join([text for text in joined.texts if not text.isascii()])):
        return set()
    marked_texts = joined.leaves_with(MARKS)
    changed = {
        leaf
        for leaf, text in enumerate(joined.texts)
        if not text.isascii()
        and leaf not in marked_texts
        and (not unicodedata.is_normalized("NFKC", text) or disguised(in_utf8(text)))
    }
    return marked_texts | changed | joined.leaves_with(HIDDEN)


class _Reader:
    """Collects readings within one budget, a layer of encodings at a time, and says where a bound was reached."""

    __slots__ = ("_budget", "_deep", "_forms", "_marks", "_unread")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._forms: list[Form] = []
        self._marks: set[int] = set()
        self._deep: set[int] = set()
        self._unread: set[int] = set()

    def derived(self) -> Derived:
        """What was collected."""
        return Derived(
            tuple(self._forms), tuple(sorted(self._marks)), tuple(sorted(self._unread)), tuple(sorted(self._deep))
        )

    def read(self, layer: Sequence[_Suspect]) -> list[Form]:
        """The readings of each text one encoding further; those that may hide another encoding."""
        following: list[Form] = []
        for place, suspect in enumerate(layer):
            if marked(suspect.form.text):
                self._marks.add(suspect.form.leaf)
                continue
            following += self._readings(suspect)
            if self._budget.spent:
                self._unread.update(left.leaf for left in (*(left.form for left in layer[place:]), *following))
                return []
        return following

    def read_last(self, layer: Sequence[_Suspect]) -> None:
        """A last look at what is left: what it looks like, and whether one more encoding is there."""
        for place, suspect in enumerate(layer):
            form = suspect.form
            if marked(form.text):
                self._marks.add(form.leaf)
                continue
            looks = [] if form.text.isascii() else list(appearances(form.text, self._budget))
            last = [form, *self._admitted(form.leaf, looks[-1:])][-1]
            if not self._budget.spent and _encoded_again(last.text, self._budget):
                self._deep.add(form.leaf)
            if self._budget.spent:
                self._unread.update(left.form.leaf for left in layer[place:])
                return

    def _readings(self, suspect: _Suspect) -> list[Form]:
        """The text one encoding further, each kept; returned are those with no escape left, and what was packed."""
        form = suspect.form
        plain = self._admitted(form.leaf, _plainer(form.text, self._budget, escaped=suspect.escaped))
        if self._budget.spent or not suspect.packed:
            return plain[-1:]
        try:
            return plain[-1:] + self._admitted(form.leaf, packed_texts(form.text, self._budget))
        except TooDeep:
            self._deep.add(form.leaf)
            return plain[-1:]

    def _admitted(self, leaf: int, texts: Iterable[str]) -> list[Form]:
        """The texts that the budget still covers, but none that may not be normalised: an escape may have hidden it."""
        forms: list[Form] = []
        for text in texts:
            if not self._budget.take(len(text)):
                break
            if marked(text):
                self._marks.add(leaf)
            else:
                forms.append(Form(leaf, text))
        self._forms += forms
        return forms


def _encoded_again(text: str, budget: Budget) -> bool:
    try:
        return NESTED.search(in_utf8(text)) is not None or any(True for _ in packed_texts(text, budget, faint=False))
    except TooDeep:
        return True


def _plainer(text: str, budget: Budget, *, escaped: bool) -> Iterator[str]:
    """The text with one encoding of each kind taken off, the one after the other; the last has lost them all.

    `escaped`: whether there are escapes in the text as it stands.
    """
    shown = text
    for shown in () if text.isascii() else list(appearances(text, budget)):
        yield shown
    data = in_utf8(shown)
    if shown is not text:
        escaped = _may_escape(shown) and ESCAPE.search(data) is not None
    if not escaped or budget.spent:
        return
    unquoted = without_percent(data, budget)
    if unquoted != data:
        yield from _partly_decoded(data, unquoted, budget)
    data = without_references(unquoted, budget)
    encoded = data.decode("utf-8", "replace")
    if encoded != shown:
        yield encoded
    if b"\\" in data and BACKSLASH.search(data) is not None:
        read = without_backslashes(data, budget)
        # Halves of surrogate pairs and the like stay as they are: no further encoding.
        if read != data:
            yield read.decode("utf-8", "replace")


def _partly_decoded(data: bytes, unquoted: bytes, budget: Budget) -> Iterator[str]:
    """What readers make of percent escapes that take off less, or more, than all escapes in their order."""
    if without_references(unquoted, budget) != unquoted:
        # An escaped ampersand: who reads percent escapes alone sees a reference, and no more.
        yield unquoted.decode("utf-8", "replace")
    if b"+" in data and b" " not in data:
        # In a form a plus is a blank, and other blanks there are none.
        yield without_percent(data.replace(b"+", b" "), budget).decode("utf-8", "replace")
    if b"%a0" in data or b"%A0" in data:
        # Alone it is no UTF-8; databases that read Latin-1 take it for a blank.
        blank = data.replace(b"%a0", b"%20").replace(b"%A0", b"%20")
        yield without_percent(blank, budget).decode("utf-8", "replace")
