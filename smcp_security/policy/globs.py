"""Globs over names of tools and methods: `*` stands for any run of characters except `/`; case counts. Pure.

`fits` is the same for texts of any kind, in which a slash is a character like others.
"""

from __future__ import annotations


def matches(pattern: str, name: str) -> bool:
    """True if the whole of `name` fits `pattern`; at most len(pattern) * len(name) steps, whatever the two are.

    No regular expression is built: names come from callers, and several stars backtrack polynomially.
    """
    patterns, parts = pattern.split("/"), name.split("/")
    return len(patterns) == len(parts) and all(map(fits, patterns, parts))


def fits(pattern: str, text: str) -> bool:
    """True if the whole of `text` fits `pattern`, where `*` stands for any run of characters, `/` included."""
    if "*" not in pattern:
        return pattern == text
    head, *middle, tail = pattern.split("*")
    if len(text) < len(head) + len(tail) or not text.startswith(head) or not text.endswith(tail):
        return False
    at, end = len(head), len(text) - len(tail)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def covers(wide: str, narrow: str) -> bool:
    """True if every name that fits the glob `narrow` fits the glob `wide`."""
    # NUL stands for a run of unknown characters: no glob holds it, so only a star of `wide` can take it.
    return matches(wide, narrow.replace("*", "\x00"))


def overlap(one: str, other: str) -> bool:
    """True if some name fits both globs; at most len(one) * len(other) steps."""
    ones, others = one.split("/"), other.split("/")
    return len(ones) == len(others) and all(map(_segments_overlap, ones, others))


def _segments_overlap(one: str, other: str) -> bool:
    """Walks both at once: `reached` holds the places of `other` where what `one` has said so far may end."""
    reached = _with_stars({0}, other)
    for character in one:
        if character == "*":
            # A run of any length: every place from the first on.
            reached = set(range(min(reached, default=len(other) + 1), len(other) + 1))
            continue
        stays = {place for place in reached if other[place : place + 1] == "*"}
        moves = {place + 1 for place in reached if other[place : place + 1] == character}
        reached = _with_stars(stays | moves, other)
    return len(other) in reached


def _with_stars(places: set[int], text: str) -> set[int]:
    """`places`, and those behind the stars that begin there: a star may stand for nothing."""
    found = set(places)
    for place in sorted(places):
        while text[place : place + 1] == "*":
            place += 1
            found.add(place)
    return found
