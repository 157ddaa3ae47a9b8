"""One input: its text, what it is, what it says and where. Pure; `inputs.py` reads the files."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

from smcp_security.lint.finding import Edit, Span
from smcp_security.lint.json_document import line_starts, looks_like_json
from smcp_security.policy.model import Policy
from smcp_security.policy.places import Path, Places

Kind = Literal["policy", "lock", "tools", "client"]

_QUOTED: Final = re.compile(r'"(?:[^"\\\r\n]|\\.)*"|\'(?:[^\'\r\n]|\'\')*\'')
# A plain scalar of one line: to a comment, to a colon with a blank, or to what ends it inside brackets. Of a long one
# the beginning will do.
_PLAIN: Final = re.compile(r"(?:(?!\s#|:(?:\s|$))[^\r\n]){1,400}")
_PLAIN_IN_FLOW: Final = re.compile(r"(?:(?!\s#|:(?:\s|$|[,\[\]{}]))[^\r\n,\[\]{}]){1,400}")
_COLLECTION_MAX: Final = 2_000


@dataclass(frozen=True)
class Fault:
    """What keeps the file from being loaded, and where."""

    line: int
    column: int
    problem: str


@dataclass(frozen=True)
class Known:
    """Definitions of tools that the server has, by name, and the file that says so."""

    source: str
    tools: Mapping[str, Any]


@dataclass(frozen=True)
class Document:
    """What rules look at. `value` is None where the text does not parse, `policy` where the loader refuses it."""

    name: str
    text: str
    kind: Kind
    value: Any = None
    places: Places = field(default_factory=lambda: Places(""))
    policy: Policy | None = None
    faults: tuple[Fault, ...] = ()
    known: Known | None = None

    @cached_property
    def starts(self) -> list[int]:
        """The offset at which each line begins."""
        return line_starts(self.text)

    @cached_property
    def is_json(self) -> bool:
        """Whether it is written as JSON."""
        return looks_like_json(self.text)

    def line(self, number: int) -> str:
        """The line of that number, from 1, without its end; "" if there is none."""
        if not 1 <= number <= len(self.starts):
            return ""
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        return self.text[self.starts[number - 1] : end].rstrip("\r\n\x85\u2028\u2029")

    def offset(self, line: int, column: int) -> int:
        """The offset of a line and column, both from 1."""
        if line > len(self.starts):
            return len(self.text)
        return min(self.starts[max(line, 1) - 1] + max(column, 1) - 1, len(self.text))

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of an offset."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def covering(self, start: int, end: int) -> Span:
        """The span of the characters from `start` to `end`."""
        return Span(*self.place(start), *self.place(end))

    def span(self, path: Path, *, key: bool = False) -> Span:
        """Where the value at `path`, or its key, is written; the nearest value around it if it is not."""
        place = self.places.of_key(path) if key else self.places.of_value(path)
        line, column = place if isinstance(place, tuple) else (1, 1)
        start = self.offset(line, column)
        return self.covering(start, max(self.scalar_end(start, flow=self._in_flow(path)), start))

    def scalar(self, path: Path) -> str:
        """The value at `path` as it is spelt, quotes and all; of lists and maps the first line of it."""
        span = self.span(path)
        return self.text[self.offset(span.line, span.column) : self.offset(span.end_line, span.end_column)]

    def written(self, path: Path) -> bool:
        """Whether the file has this value itself."""
        return path in self.places.values

    def scalar_end(self, start: int, *, flow: bool = True) -> int:
        """Where what begins at `start` ends on its line. In a flow (between brackets) commas and brackets end it."""
        quoted = _QUOTED.match(self.text, start)
        if quoted is not None:
            return quoted.end()
        if self.text[start : start + 1] in ("[", "{"):
            return self._collection_end(start)
        plain = (_PLAIN_IN_FLOW if flow else _PLAIN).match(self.text, start)
        return start if plain is None else start + len(plain.group().rstrip())

    def _collection_end(self, start: int) -> int:
        """Behind the bracket that closes this one, or the end of the line."""
        line = self.place(start)[0]
        end = min(self.starts[line - 1] + len(self.line(line)), start + _COLLECTION_MAX)
        depth, at = 0, start
        while at < end:
            quoted = _QUOTED.match(self.text, at) if self.text[at - 1 : at] in tuple(" [{,:") else None
            if quoted is not None:
                at = quoted.end()
                continue
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(self.text[at], 0)
            at += 1
            if depth == 0:
                return at
        return end

    def _in_flow(self, path: Path) -> bool:
        """Whether what holds the value at `path` is written in brackets."""
        place = self.places.values.get(path[:-1]) if path else None
        if not isinstance(place, tuple):
            return self.is_json
        start = self.offset(*place)
        return self.text[start : start + 1] in ("[", "{")

    def following(self, offset: int) -> int:
        """Where the next key or value begins behind an offset, or the end of the text."""
        at = bisect_right(self._beginnings, offset)
        return self._beginnings[at] if at < len(self._beginnings) else len(self.text)

    @cached_property
    def _beginnings(self) -> list[int]:
        places = (*self.places.keys.values(), *self.places.values.values())
        return sorted({self.offset(*place) for place in places if isinstance(place, tuple)})

    def scalars(self) -> Iterator[tuple[Path, Any]]:
        """Every value that is no list and no map, with its path, in the order of the file."""
        for path in self.places.values:
            value = self.at(path)
            if not isinstance(value, dict | list):
                yield path, value

    @cached_property
    def plain_scalars(self) -> list[tuple[Path, str]]:
        """Every scalar of a YAML file that has no quotes, as it is spelt."""
        if self.is_json:
            return []
        spelt = ((path, self.scalar(path)) for path, value in self.scalars() if value is not None)
        return [(path, text) for path, text in spelt if text and text[0] not in "\"'|>"]

    def at(self, path: Path) -> Any:
        """What the file says at `path`; None if nothing."""
        value = self.value
        for segment in path:
            if isinstance(value, dict):
                value = value.get(segment)
            elif isinstance(value, list) and isinstance(segment, int) and segment < len(value):
                value = value[segment]
            else:
                return None
        return value

    def replaced(self, path: Path, text: str) -> Edit:
        """The edit that writes `text` in place of the scalar at `path`."""
        span = self.span(path)
        return Edit(self.offset(span.line, span.column), self.offset(span.end_line, span.end_column), text)


def edited(text: str, edits: Sequence[Edit]) -> str:
    """`text` with edits that do not overlap."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text
