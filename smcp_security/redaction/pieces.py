"""What of a value is looked for by itself: all of a short one, the lines or parts of a long one. Pure.

A part that comes back alone is a leak too, and short pieces keep the automata small. What anybody writes, such as the
first line of a key or the address of an issuer in a service account, is no piece by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from smcp_security.redaction.judging import entropy_of, placeholder
from smcp_security.redaction.naming import says

WHOLE: Final = 96
"""Characters up to which a value is looked for in one piece."""

LEAST: Final = 12
"""Characters of what is looked for, like bytes of a secret that may be handed out."""

LEAST_ALONE: Final = 16
"""Characters of a part that only looks as if it were a key."""

LEAST_RUN: Final = 32
"""Characters of lines that tell nothing: so many in a row tell the value."""

MOST: Final = 128
"""Pieces of one value, at 25 KB of memory each; longer values are cut into longer pieces."""

_RANDOM: Final = 3.0
"""Bits a character of what was made by a machine."""

_LEAST_CHANGES: Final = 3
"""How often it goes from letters of one case, or digits, to others: in names of projects and hosts hardly ever."""

_BREAKS: Final = re.compile(r"\r\n|\n|\r")
_BLANKS: Final = " \t\r\n"
_ARMOUR: Final = "-----"
_MIXED: Final = re.compile(r"[0-9].*[A-Za-z]|[A-Za-z].*[0-9]")
_CHANGE: Final = re.compile(r"(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[a-z])")
_JOINED: Final = re.compile(r"[-_.@]")
_PROSE: Final = re.compile(r"\s|://")
_BETWEEN: Final = re.compile(r"[\s\"',;<>{}()]+")
_IN_URL: Final = re.compile(r"[:/@?&=#]+")
_NAMED: Final = re.compile(r"^[A-Za-z_][\w.-]{0,40}[=:](?=[^=])")
_ASSIGNED: Final = re.compile(r"\s*(?:export\s+|-\s+)?[\"']?([\w.-]{1,96})[\"']?\s*[:=]\s*(\S.*?)\s*,?\s*")
_PASSWORD: Final = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")


def read(octets: bytes) -> str:
    """A value as text; one that is no UTF-8 is what those see who take each byte for a character."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def pieces_of(octets: bytes) -> tuple[str, ...]:
    """The texts to look for, each once. None of them is shorter than `LEAST` characters but a value that is."""
    text = read(octets)
    # A file ends in a line break that is none of the value.
    if len(bare := text.strip(_BLANKS)) >= LEAST:
        text = bare
    members = [piece for name, member in _members(_parsed(text)) if _tells(name, member) for piece in _cut(member)]
    parts = members or [part for line in _BREAKS.split(text) for part in _parts(line)]
    whole = [] if members and len(text) > WHOLE else _cut(text)
    return tuple(dict.fromkeys(piece for piece in (*whole, *parts) if piece.strip(_BLANKS)))


def _made(text: str) -> bool:
    """Whether it looks as if a machine had made it."""
    return (
        len(text) >= LEAST_ALONE
        and _PROSE.search(text) is None
        and _MIXED.search(text) is not None
        and (_JOINED.search(text) is None or len(_CHANGE.findall(text)) >= max(_LEAST_CHANGES, len(text) // 8))
        and entropy_of(text) >= _RANDOM
        and not placeholder(text)
    )


def _parsed(text: str) -> Any:
    if text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _members(value: Any) -> Iterator[tuple[str, str]]:
    """Every text of a JSON value, with its name."""
    waiting = [("", value)]
    for name, node in waiting:
        if type(node) is str:
            yield name, node
        elif type(node) is dict:
            waiting += node.items()
        elif type(node) is list:
            waiting += ((name, item) for item in node)


def _tells(name: str, text: str) -> bool:
    """Whether a member of a JSON value is a secret by itself, by its name or its form."""
    # The address of whom to ask for a token is none.
    named = bool(says(name)) and "://" not in text
    return len(text) >= LEAST and (named or any(map(_telling, _BREAKS.split(text))))


def _telling(line: str) -> bool:
    return _made(line) or next(_parts(line), None) is not None


def _parts(line: str) -> Iterator[str]:
    """The parts of a line that are secrets by themselves: passwords by what stands before them, keys by their form."""
    assigned = _ASSIGNED.fullmatch(line)
    if assigned is not None and says(assigned[1]):
        value = assigned[2].strip("\"'")
        if LEAST <= len(value) <= WHOLE:
            yield value
    yield from (found for found in _PASSWORD.findall(line) if len(found) >= LEAST)
    for word in _BETWEEN.split(line):
        for part in _IN_URL.split(word) if "://" in word else (_NAMED.sub("", word, count=1),):
            if len(part) <= WHOLE and part != line and _made(part):
                yield part


def _cut(text: str) -> list[str]:
    """A text in pieces of `WHOLE` characters or fewer, telling lines each by itself."""
    if len(text) <= WHOLE:
        return [text]
    size = max(WHOLE, -(-len(text) // MOST))
    return [piece for run in _runs(text) for piece in _evenly(run, size)] or list(_evenly(text, size))


def _runs(text: str) -> Iterator[str]:
    """Lines that tell, and those between them; none of those that only say what follows."""
    run = ""
    for line in _BREAKS.split(text):
        if not line.startswith(_ARMOUR) and not _telling(line):
            run = f"{run}\n{line}"
            continue
        if len(run) > LEAST_RUN:
            yield run.strip(_BLANKS)
        run = ""
        if not line.startswith(_ARMOUR):
            yield line.strip(_BLANKS)
    if len(run) > LEAST_RUN:
        yield run.strip(_BLANKS)


def _evenly(text: str, size: int) -> Iterator[str]:
    parts = -(-len(text) // size)
    edges = [len(text) * part // parts for part in range(parts + 1)]
    yield from (text[first:last].strip(_BLANKS) for first, last in pairwise(edges))
