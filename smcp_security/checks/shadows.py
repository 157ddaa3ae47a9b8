"""Names that a model may take for another's: alike to the eye, or one slip of the keyboard apart. Pure.

Honest servers have names one letter apart: `get_user` and `get_users`, `get_x` and `set_x`, `step_1` and `step_2`. What
counts as a slip is a letter in the middle of a word of five or more, as a typist or a squatter makes it.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

from smcp_security.confusables import LOOKALIKES

MAX_NAMES: Final = 300
"""Further names of one list are held against the others by their looks alone."""

LONGEST: Final = 128
"""The longest name of a tool (2026-07-28); of longer ones only the looks are compared."""

_SHORTEST: Final = 5
"""Shorter words are each one letter from some other word."""

_ENDINGS: Final = frozenset("sdrey")
"""What makes a plural, a participle or another form of the same word."""

_MARKS_BETWEEN: Final = "_-./: "
_FILLER: Final = "\u1160"
_DRAWN: Final = str.maketrans("I10O|", "llool")
_DRAWN_ALIKE: Final = frozenset("I10O|")
_FORMS: Final = str.maketrans(dict.fromkeys(_MARKS_BETWEEN, "_"))


class Shadow(NamedTuple):
    """One name that is nearly another. `place` is its place in the list; `twin`: the two look the same."""

    place: int
    twin: bool


def shadows(names: Sequence[str], known: Sequence[str] = ()) -> list[Shadow]:
    """The names that shadow an earlier one of the list, or one of `known`; at most one finding each, in their order.

    A name that is in `known` itself shadows nothing but a second of its own.
    """
    trusted = frozenset(known)
    looks: dict[str, set[str]] = defaultdict(set)
    for name in trusted:
        for look in _looks(name):
            looks[look].add(name)
    slips = _Slips()
    for name in list(trusted)[:MAX_NAMES]:
        slips.add(name)
    found, listed = [], set[str]()
    for place, name in enumerate(names):
        alike = set[str]().union(*(looks.get(look, ()) for look in _looks(name))) - {name}
        if name in listed or (alike and name not in trusted):
            found.append(Shadow(place, twin=True))
        elif name not in trusted and place < MAX_NAMES and slips.near(name):
            found.append(Shadow(place, twin=False))
        if name not in listed:
            listed.add(name)
            for look in _looks(name):
                looks[look].add(name)
            if name not in trusted and place < MAX_NAMES:
                slips.add(name)
    return found


def skeleton(name: str) -> str:
    """What a name looks like: without case, accents and what shows nothing, look-alikes as what they imitate."""
    if name.isascii():
        return name.casefold()
    shown = (each for each in unicodedata.normalize("NFKD", name[:LONGEST]) if not _is_silent(each))
    return "".join(shown).translate(_lookalikes()).casefold() + name[LONGEST:]


def _looks(name: str) -> set[str]:
    """What a name looks like, and what it looks like where I, l and 1, 0 and O, rn and m are the same to the eye."""
    plain = skeleton(name)
    if _DRAWN_ALIKE.isdisjoint(name) and "rn" not in plain:
        return {plain}
    drawn = skeleton(name.translate(_DRAWN)).replace("rn", "m")
    return {plain, drawn}


def _is_silent(character: str) -> bool:
    return "\u0300" <= character <= "\u036f" or character == _FILLER or unicodedata.category(character) == "Cf"


@cache
def _lookalikes() -> dict[int, str]:
    """Made on the first name that is not ASCII, not at start."""
    return {ord(odd): plain for plain, several in LOOKALIKES.items() for odd in several}


class _Slips:
    """Names that can be found again with one letter added, left out, exchanged, or two of them swapped."""

    __slots__ = ("_near",)

    def __init__(self) -> None:
        self._near: dict[str, list[str]] = defaultdict(list)

    def add(self, name: str) -> None:
        """Remember a name."""
        for less in _with_one_less(name):
            self._near[less].append(name)

    def near(self, name: str) -> bool:
        """Whether a name that is remembered is a slip away."""
        return any(
            slipped(name, other)
            for less in _with_one_less(name)
            # Many names that differ in one place are numbers or letters of a row.
            for other in self._near.get(less, ())[:8]
        )


def _with_one_less(name: str) -> Iterator[str]:
    """The name, and what is left of it without each one of its letters: one slip apart, two names share one of them."""
    if _SHORTEST <= len(name) <= LONGEST:
        plain = name.casefold().translate(_FORMS)
        yield plain
        for place in range(len(plain)):
            if place == 0 or plain[place] != plain[place - 1]:
                yield plain[:place] + plain[place + 1 :]


def slipped(one: str, other: str) -> bool:
    """Whether two names differ by one slip in the middle of a long word, or by the marks between words alone."""
    first, second = (name.casefold().translate(_FORMS) for name in (one, other))
    if first == second:
        return one != other
    shorter, longer = sorted((first, second), key=len)
    start = next((at for at, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    rest_short, rest_long = shorter[start:], longer[start:]
    if len(shorter) == len(longer):
        swapped = rest_short[:2] == rest_long[1::-1] and rest_short[2:] == rest_long[2:]
        if not swapped and rest_short[1:] != rest_long[1:]:
            return False
    elif len(longer) != len(shorter) + 1 or rest_short != rest_long[1:]:
        return False
    return _is_slip(longer, start, shorter)


def _is_slip(longer: str, at: int, shorter: str) -> bool:
    """Whether the place is one where names do not differ on purpose: no digit, no first letter, no ending of a word."""
    if not longer[at].isalpha() or (at < len(shorter) and shorter[at].isdigit()):
        return False
    start = longer.rfind("_", 0, at) + 1
    end = longer.find("_", at)
    end = len(longer) if end < 0 else end
    if at == start or end - start <= _SHORTEST:
        return False
    return not (at == end - 1 and (longer[at] in _ENDINGS or len(longer) == len(shorter)))
