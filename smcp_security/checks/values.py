"""The values that a pointer into arguments leads to, in every reading that a lenient server may take. Pure.

Servers built on FastMCP read a text as JSON where they want something else than a text, so a list or an object may
come as a text of JSON: its members are values too. Where a name is due and a list stands, the items are meant. Names
that differ in case alone are one to many readers (.NET, Go), so each of them counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

ANY: Final = "*"
Place: TypeAlias = tuple[str | int, ...]

MOST: Final = 10_000
"""Values under one pointer in one message; each may cost a parse."""

_OPENERS: Final = frozenset("[ \t\n\r")
"""What a text of a JSON list begins with."""

_LANGUAGES: Final = frozenset({"sql", "code", "document", "json", "html", "template", "text", "regex"})
"""Kinds in which a text of JSON is honest content, so that only the text itself counts."""

_ESCAPABLE: Final = frozenset({"html", "template", "text"})
"""Those of them that forbid signs, which JSON can escape: the texts of a list count too, if there is nothing else."""


def as_text(value: Any) -> str | None:
    """A scalar as servers read it where they want a text; None for an object, which is none."""
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def every(arguments: Any, segments: Sequence[str], kind: str, *, plain: bool = False) -> list[Any]:
    """What `values` yields, in any order and without the places, which cost more than everything else here.

    `plain`: no name of the arguments themselves differs from another place's in case alone.
    """
    level = [arguments]
    if plain and len(segments) == 1 and type(arguments) is dict and segments[0] != ANY:
        value = arguments.get(segments[0])
        if type(value) is str and value[:1] not in _OPENERS:
            return [value]
        level = [value]
    else:
        for segment in segments:
            level = _next(level, segment)
    found: list[Any] = []
    while level:
        value = level.pop()
        if type(value) is list:
            level.extend(value)
        elif value is not None:
            found.append(value)
            if type(value) is str and value[:1] in _OPENERS and (meant := _meant(value, kind)) is not None:
                level.extend(meant)
        if len(found) > MOST:
            return [*found[:MOST], {}]
    return found


def _next(level: list[Any], segment: str) -> list[Any]:
    """The members of that name of some values."""
    below: list[Any] = []
    level = [*level]
    while level:
        value = level.pop()
        if type(value) is dict:
            below.extend(value.values() if segment == ANY else [value[name] for name in _alike(value, segment)])
        elif type(value) is list and not segment.isdigit():
            (below if segment == ANY else level).extend(value)
        else:
            for member, deeper, _ in _members(value, segment, 0, ()):
                (below if deeper else level).append(member)
    return below


def _alike(members: dict[str, Any], segment: str) -> list[str]:
    """The names in an object that some reader takes for `segment`."""
    length = len(segment)
    as_long = [name for name in members if len(name) == length]
    if as_long in ([segment], []):
        return as_long
    folded = segment.casefold()
    return [name for name in as_long if name.casefold() == folded]


def values(arguments: Any, segments: Sequence[str], kind: str) -> Iterator[tuple[Place, Any]]:
    """(place, value): each scalar or object that the pointer leads to, lists gone through; nothing for what is missing.

    Past `MOST` values an object stands for the rest: it is refused like one that is no text.
    """
    waiting: list[tuple[Any, int, Place]] = [(arguments, 0, ())]
    left = MOST
    while waiting:
        value, depth, place = waiting.pop()
        if value is None:
            continue
        waiting.extend(_below(value, depth, place, segments, kind))
        if depth == len(segments) and type(value) is not list:
            left -= 1
            if left < 0:
                yield place, {}
                return
            yield place, value


def _below(value: Any, depth: int, place: Place, segments: Sequence[str], kind: str) -> list[tuple[Any, int, Place]]:
    """What is to be looked at next, the first of it at the end."""
    if depth < len(segments):
        return list(_members(value, segments[depth], depth, place))
    listed = _meant(value, kind) if type(value) is str else value
    if type(listed) is list:
        return [(listed[index], depth, (*place, index)) for index in range(len(listed) - 1, -1, -1)]
    return []


def _meant(text: str, kind: str) -> list[Any] | None:
    """The list that a text may be read as, where a text of JSON is no honest content."""
    if kind in _LANGUAGES and kind not in _ESCAPABLE:
        return None
    value = _as_json(text)
    if type(value) is not list:
        return None
    # Beside the whole text only texts can be refused: a document of JSON holds objects, too.
    return [item for item in value if type(item) in (str, list)] if kind in _ESCAPABLE else value


def _as_json(text: str) -> Any:
    """The list or object that a text may be read as; None if it is neither."""
    if text.lstrip()[:1] not in ("[", "{"):
        return None
    try:
        value = json.loads(text, object_pairs_hook=_all)
    except (ValueError, RecursionError):
        return None
    return value if type(value) in (list, dict) else None


def _all(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which a name that comes twice has a list: which of them counts, readers do not agree on."""
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    twice: dict[str, list[Any]] = {}
    for name, value in pairs:
        twice.setdefault(name, []).append(value)
    return dict(twice)


def _members(value: Any, segment: str, depth: int, place: Place) -> Iterator[tuple[Any, int, Place]]:
    """The members of that name; of a list where a name is due its items, which are looked into at the same depth.

    A single value where any member is due is the only one: some servers make a list of it.
    """
    meant = _as_json(value) if type(value) is str else value
    if meant is None and segment == ANY:
        yield value, depth + 1, place
        return
    value = meant
    if type(value) is dict:
        names = list(value) if segment == ANY else _alike(value, segment)
        yield from ((value[name], depth + 1, (*place, name)) for name in reversed(names))
    elif type(value) is list:
        if not (segment.isascii() and segment.isdigit()):
            depth += segment == ANY
            yield from ((value[index], depth, (*place, index)) for index in range(len(value) - 1, -1, -1))
        elif len(segment) < 6 and int(segment) < len(value):
            yield value[int(segment)], depth + 1, (*place, int(segment))
    elif segment == ANY:
        yield value, depth + 1, place
