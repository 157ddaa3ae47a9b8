"""What was found in one text of a message, found wherever else it stands in it. Pure.

A rule knows a secret by its form, or by the name of its field and the words beside it: `content` and
`structuredContent` say the same with other words beside it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, Final

from smcp_security.decoding import pattern
from smcp_security.errors import SMCPError
from smcp_security.redaction.redactor import Span
from smcp_security.text import SEPARATOR, Joined

LEAST: Final = 8
"""Characters: what is shorter stands in other words by chance."""

MOST: Final = 256
SOUGHT: Final = 32
"""How many are looked for in longer texts; what is a text by itself is known wherever it stands."""

_FEW: Final = 8
"""Counting each of so many by itself is cheaper than one search for all."""

MAX_REPEATS: Final = 4_000


class TooManyRepeats(SMCPError):
    """A result repeats what must be masked more often than can be masked in reasonable time. It is withheld."""

    code = "too_many_repeats"


def repeats(layers: Sequence[tuple[Sequence[str], Mapping[int, Sequence[Span]]]]) -> list[list[Span]]:
    """For each layer of (texts, what was found in them) the further places of what was found in any of them."""
    known = _known(layers)
    if not known:
        return [[] for _ in layers]
    # Whole values first, since a name alone may have given them away. Then the longest: where one is the beginning of
    # another, the other is meant.
    sought = sorted(list(known)[:SOUGHT], key=len, reverse=True)
    search = _Search({literal: known[literal] for literal in sought})
    rest = known if len(known) > len(sought) else {}
    further = []
    for texts, found in layers:
        inside = search.of(texts, found)
        further.append([*inside, *_whole(texts, found.keys() | {span.leaf for span in inside}, rest)])
    return further


def _known(layers: Sequence[tuple[Sequence[str], Mapping[int, Sequence[Span]]]]) -> dict[str, Span]:
    whole: dict[str, Span] = {}
    parts: dict[str, Span] = {}
    for texts, found in layers:
        for leaf, spans in found.items():
            text = texts[leaf]
            for span in spans:
                literal = text[span.start : span.end]
                if LEAST <= len(literal) <= MOST:
                    (whole if len(literal) == len(text) else parts).setdefault(literal, span)
    return {**whole, **{literal: span for literal, span in parts.items() if literal not in whole}}


def _whole(texts: Sequence[str], taken: Set[int], known: Mapping[str, Span]) -> Iterator[Span]:
    if known:
        for leaf, text in enumerate(texts):
            if text in known and leaf not in taken:
                yield Span(leaf, 0, len(text), known[text].mask, known[text].kind)


class _Search:
    """What is looked for in longer texts."""

    __slots__ = ("_either", "_known")

    def __init__(self, known: Mapping[str, Span]) -> None:
        self._known = known
        self._either: Any = None

    @property
    def either(self) -> Any:
        """The pattern for any of it, built where one is needed: that takes as long as judging a short message."""
        if self._either is None:
            self._either = pattern("|".join(map(literally, self._known)))
        return self._either

    def of(self, texts: Sequence[str], found: Mapping[int, Sequence[Span]]) -> list[Span]:
        """Its places, but for those that were found."""
        if len(self._known) <= _FEW and not _further(texts, found, self._known):
            return []
        joined = Joined(texts)
        further: list[Span] = []
        leaf, byte, character = -1, 0, 0
        taken: list[int] = []
        for match in self.either.finditer(joined.data):
            at = match.start()
            if (here := joined.leaf_at(at)) != leaf:
                leaf, byte, character = here, joined.bounds(here)[0], 0
                taken = [edge for span in found.get(here, ()) for edge in (span.start, span.end)]
            character += len(joined.data[byte:at].decode())
            byte = at
            literal = joined.data[at : match.end()].decode()
            end = character + len(literal)
            if _free(taken, character, end) and _apart(texts[leaf], character, end):
                like = self._known[literal]
                further.append(Span(leaf, character, end, like.mask, like.kind))
                if len(further) > MAX_REPEATS:
                    raise TooManyRepeats("what must be masked stands in the result too often; the result is withheld")
        return further


def _further(texts: Sequence[str], found: Mapping[int, Sequence[Span]], known: Mapping[str, Span]) -> bool:
    """Whether any of what is known stands in the texts more often than it was found: cheaper than looking where."""
    counts = Counter(texts[leaf][span.start : span.end] for leaf, spans in found.items() for span in spans)
    joined = SEPARATOR.join(texts)
    return any(joined.count(literal) > counts[literal] for literal in known)


def _apart(text: str, start: int, end: int) -> bool:
    """Whether it is a word of its own, and no part of a longer one."""
    before = start > 0 and text[start].isalnum() and text[start - 1].isalnum()
    return not before and not (end < len(text) and text[end - 1].isalnum() and text[end].isalnum())


def literally(text: str) -> str:
    """A pattern of RE2 for exactly this text."""
    return "".join(sign if sign.isalnum() or ord(sign) > 127 else f"\\x{ord(sign):02x}" for sign in text)


def _free(edges: Sequence[int], start: int, end: int) -> bool:
    """Whether nothing is between the edges of spans, which stand in order."""
    place = bisect_right(edges, start)
    return place % 2 == 0 and (place == len(edges) or edges[place] >= end)
