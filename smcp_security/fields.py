"""Every text of a server's message with the name of the field that it stands in, and the way back to it. Pure.

Keys are texts too. A whole number as long as a card's is one as well: JSON has no other way to write it without quotes.
The order is that of the document: a key, then what is under it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

from smcp_security.leaves import Path
from smcp_security.strict_json import Malformed

MAX_DEPTH: Final = 200
"""Deeper results exist in no tool that was seen; interpreters differ in how deep they can read."""

LEAST_NUMBER: Final = 10**7
"""Shorter numbers are counts, ports and years."""

# Members of the envelope that are nobody's text.
_CONSTANT: Final = frozenset({"jsonrpc", "id", "method"})


class Fields:
    """`texts`, and for each the name of the field it is the value of, "" for a key and in a list of no field.

    `packed` is None until somebody looked for texts in Base64 (`checks/said.py`): then (index, what it says) of each.
    Long ones, and pictures, are "" among `texts` from then on.
    """

    __slots__ = ("names", "packed", "texts")

    def __init__(self, texts: list[str], names: list[str]) -> None:
        self.texts, self.names = texts, names
        self.packed: tuple[tuple[int, str], ...] | None = None


def fields_of(value: dict[str, Any]) -> Fields:
    """The texts of a message. Raises `Malformed` (SMCP117) if it is nested too deep."""
    pairs: list[str] = []
    for key, member in value.items():
        if key not in _CONSTANT:
            _items([member], key, pairs.extend, 0)
    return Fields(pairs[::2], pairs[1::2])


def _members(node: dict[str, Any], add: Callable[[tuple[str, ...]], None], depth: int) -> None:
    """Each text and its name, in turn: two lists would cost half as much again, and a call for each text double."""
    if depth > MAX_DEPTH:
        raise Malformed("SMCP117")
    for key, member in node.items():
        kind = type(member)
        if kind is str:
            add((key, "", member, key))
            continue
        add((key, ""))
        if kind is dict:
            _members(member, add, depth + 1)
        elif kind is list:
            _items(member, key, add, depth + 1)
        elif kind is int and (member >= LEAST_NUMBER or member <= -LEAST_NUMBER):
            add((str(member), key))


def _items(node: list[Any], field: str, add: Callable[[tuple[str, ...]], None], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Malformed("SMCP117")
    for member in node:
        kind = type(member)
        if kind is dict:
            _members(member, add, depth + 1)
        elif kind is str:
            add((member, field))
        elif kind is list:
            _items(member, field, add, depth + 1)
        elif kind is int and (member >= LEAST_NUMBER or member <= -LEAST_NUMBER):
            add((str(member), field))


def places(value: dict[str, Any], wanted: Collection[int]) -> dict[int, tuple[Path, bool]]:
    """Of some texts, by index: the path, and whether the text is the last key of it. The walk of `fields_of` again."""
    found: dict[int, tuple[Path, bool]] = {}
    last = max(wanted, default=-1)
    index = 0
    # The way to the members that are walked over, and for each step of it those that are left.
    way: list[str | int] = []
    waiting = [_steps({key: member for key, member in value.items() if key not in _CONSTANT})]
    while waiting and index <= last:
        for step, member in waiting[-1]:
            if way and type(step) is str:
                if index in wanted:
                    found[index] = ((*way, step), True)
                index += 1
            kind = type(member)
            if kind is str or (kind is int and (member >= LEAST_NUMBER or member <= -LEAST_NUMBER)):
                if index in wanted:
                    found[index] = ((*way, step), False)
                index += 1
            elif kind is dict or kind is list:
                way.append(step)
                waiting.append(_steps(member))
                break
        else:
            waiting.pop()
            if way:
                way.pop()
    return found


def _steps(node: Any) -> Iterator[tuple[str | int, Any]]:
    return iter(node.items() if type(node) is dict else enumerate(node))
