"""Patterns that take readers with a backtracking engine (JavaScript, Python, Java) very long. Pure.

A guess from the shape of a pattern, by Python's parser; what that cannot read is not judged.
"""

from __future__ import annotations

import re
import string
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

_PARSER: Final[Any] = import_module("re._parser")
_LONGEST: Final = 2_000
"""Characters. Longer patterns are not judged."""

_MANY: Final = 12
"""Repeats from here on count as endless: two of them inside each other take longer than anybody waits."""

_ALPHABET: Final = frozenset(string.printable + "\u00e9\u4e00")
_SIGNS: Final = {
    "CATEGORY_DIGIT": frozenset(string.digits),
    "CATEGORY_SPACE": frozenset(string.whitespace),
    "CATEGORY_WORD": frozenset(string.ascii_letters + string.digits + "_\u00e9\u4e00"),
}


def backtracks(pattern: str) -> bool:
    """Whether a repeat stands inside of a repeat, and nothing between says where one round ends: `(a+)+`."""
    tree = _parsed(pattern)
    return tree is not None and any(_is_knot(body) for body in _endless(tree))


def widest(pattern: str) -> int | None:
    """The length of the longest text that the pattern matches; None for no end, or what cannot be told."""
    tree = _parsed(pattern)
    if tree is None:
        return None
    width = int(tree.getwidth()[1])
    return width if width < _LONGEST**2 else None


@lru_cache(maxsize=256)
def _parsed(pattern: str) -> Any:
    if len(pattern) > _LONGEST:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _PARSER.parse(pattern)
        except (re.error, OverflowError, RecursionError, ValueError):
            return None


def _endless(tree: Any) -> Iterator[Any]:
    """The bodies of all repeats without an end, wherever in the pattern."""
    for op, argument in tree:
        if _repeats(op) and argument[1] >= _MANY:
            yield argument[2]
        for below in _below(op, argument):
            yield from _endless(below)


def _repeats(op: Any) -> bool:
    return str(op) in ("MAX_REPEAT", "MIN_REPEAT")


def _below(op: Any, argument: Any) -> Sequence[Any]:
    match str(op):
        case "MAX_REPEAT" | "MIN_REPEAT":
            return [argument[2]]
        case "SUBPATTERN":
            return [argument[3]]
        case "BRANCH":
            return list(argument[1])
        case "ASSERT" | "ASSERT_NOT":
            return [argument[1]]
        case _:
            return []


def _is_knot(body: Any) -> bool:
    """Whether an endless repeat in the body can go on into the next round: no sign beside it parts the rounds."""
    if len(body) == 1 and str(body[0][0]) == "SUBPATTERN":
        return _is_knot(body[0][1][3])
    if len(body) == 1 and str(body[0][0]) == "BRANCH":
        return any(_is_knot(branch) for branch in body[0][1][1])
    for place, (op, argument) in enumerate(body):
        if _repeats(op) and argument[1] >= _MANY:
            eaten = _signs(argument[2])
            others = [each for at, each in enumerate(body) if at != place]
            if not any(_parts(each, eaten) for each in others):
                return True
    return False


def _parts(item: Any, eaten: frozenset[str]) -> bool:
    """Whether the item must be there, and matches nothing that the repeat beside it matches."""
    op, argument = item
    if _repeats(op) and argument[0] == 0:
        return False
    if str(op) == "SUBPATTERN":
        return any(_parts(each, eaten) for each in argument[3])
    signs = _signs([item])
    return bool(signs) and signs.isdisjoint(eaten)


def _signs(tree: Any) -> frozenset[str]:
    """The characters of a sample that may stand in what the tree matches."""
    found: frozenset[str] = frozenset()
    for op, argument in tree:
        match str(op):
            case "LITERAL":
                found |= {chr(argument)}
            case "NOT_LITERAL":
                found |= _ALPHABET - {chr(argument)}
            case "ANY":
                found |= _ALPHABET
            case "IN":
                found |= _of_class(argument)
            case _:
                for below in _below(op, argument):
                    found |= _signs(below)
    return found


def _of_class(members: Any) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for op, argument in members:
        match str(op):
            case "LITERAL":
                found |= {chr(argument)}
            case "RANGE":
                found |= {sign for sign in _ALPHABET if argument[0] <= ord(sign) <= argument[1]}
            case "CATEGORY":
                name = str(argument)
                plain = _SIGNS.get(name.replace("_NOT_", "_"), _ALPHABET)
                found |= _ALPHABET - plain if "_NOT_" in name else plain
    negated = bool(members) and str(members[0][0]) == "NEGATE"
    return _ALPHABET - found if negated else found
