"""Which records of an audit somebody asks for. A look at the bytes of a line spares most of them the parser. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from smcp_security.audit.reading.opening import record_of
from smcp_security.audit.record import encode

KINDS: Final = (
    "decision", "outcome", "secret", "store", "lost", "open", "close", "checkpoint", "torn", "erased", "purged",
)  # fmt: skip
_AT: Final = b'"at":"'
_FOLLOWS: Final = (b'"kind":"outcome"', b'"kind":"secret"')
_ID: Final = b'"id":"'


@dataclass(frozen=True)
class Selection:
    """What a record must be to be taken; None, and the empty text, ask for nothing in particular.

    `people` are handles. `tool` is a name or a pattern with `*`. `since` (inclusive) and `until` (exclusive) are
    timestamps as records have them: they compare as text.
    """

    people: frozenset[str] | None = None
    tool: str | None = None
    code: str | None = None
    kind: str | None = None
    action: str | None = None
    id: str | None = None
    since: str = ""
    until: str = ""

    def may_take(self, line: bytes) -> bool:
        """False for a line that cannot be taken; no JSON is parsed for it."""
        return all(_any_of(each, line) for each in self.needles) and self._in_time(line)

    def may_hold(self, block: bytes) -> bool:
        """False for a block of lines that holds none to be taken."""
        return all(_any_of(each, block) for each in self.needles)

    def takes(self, record: Mapping[str, Any]) -> bool:
        """Whether this record is asked for."""
        at = record.get("at")
        return (
            (self.people is None or record.get("person") in self.people)
            and (self.tool is None or self._names(_tool(record)))
            and (self.code is None or self.code in record.get("codes", ()))
            and (self.kind is None or record.get("kind") == self.kind)
            and (self.action is None or record.get("action") == self.action)
            and (self.id is None or record.get("id") == self.id)
            and isinstance(at, str)
            and self.since <= at
            and (not self.until or at < self.until)
        )

    @cached_property
    def needles(self) -> tuple[tuple[bytes, ...], ...]:
        """What stands in each line that is taken: one text at least of every tuple."""
        found: list[tuple[bytes, ...]] = []
        if self.people is not None:
            found.append(tuple(_pair("person", handle) for handle in self.people))
        if self.tool is not None:
            beginning = self.tool.partition("*")[0]
            found.append(tuple(_pair(name, beginning, whole=beginning == self.tool) for name in ("target", "tool")))
        if self.code is not None:
            found.append((f'"{self.code}"'.encode(),))
        for name, value in (("kind", self.kind), ("action", self.action), ("id", self.id)):
            if value is not None:
                found.append((_pair(name, value),))
        return tuple(found)

    def _names(self, tool: str) -> bool:
        return bool(tool) and self._pattern.fullmatch(tool) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(".*".join(re.escape(part) for part in (self.tool or "").split("*")), re.DOTALL)

    def _in_time(self, line: bytes) -> bool:
        if not self.since and not self.until:
            return True
        at = _value(line, _AT)
        return self.since.encode() <= at and (not self.until or at < self.until.encode())


@dataclass
class Search:
    """Takes what a selection asks for out of blocks of lines, and if `related` what followed of each decision taken:
    its outcome and the secrets it got. `unread` counts lines that were looked at and are no records."""

    selection: Selection
    related: bool = True
    unread: int = 0
    _open: set[bytes] = field(default_factory=set)

    def records(self, blocks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
        """The records in the order of the lines, as they stand there."""
        for block in blocks:
            if self._open or self.selection.may_hold(block):
                yield from self._of_lines(block.splitlines())

    def _of_lines(self, lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
        for line in lines:
            follows = bool(self._open) and _any_of(_FOLLOWS, line) and _value(line, _ID) in self._open
            if not follows and not self.selection.may_take(line):
                continue
            record = record_of(line)
            if record is None:
                self.unread += 1
            elif follows or self.selection.takes(record):
                self._note(record)
                yield record

    def _note(self, record: Mapping[str, Any]) -> None:
        if not self.related:
            return
        id = str(record.get("id")).encode()
        if record["kind"] == "decision" and record.get("allowed") is True:
            self._open.add(id)
        elif record["kind"] == "outcome":
            self._open.discard(id)


def _tool(record: Mapping[str, Any]) -> str:
    """The tool that a call or a secret is for; empty for records of anything else."""
    if record.get("kind") == "secret":
        return str(record.get("tool", ""))
    return str(record.get("target", "")) if record.get("method") == "tools/call" else ""


def _any_of(needles: Iterable[bytes], octets: bytes) -> bool:
    # A generator would cost more than the search.
    for needle in needles:  # noqa: SIM110
        if needle in octets:
            return True
    return False


def _value(line: bytes, name: bytes) -> bytes:
    """The text of the first field of that name; quotes in other texts are escaped, so nothing else looks like it."""
    start = line.find(name) + len(name)
    return line[start : line.find(b'"', start)] if start >= len(name) else b""


def _pair(name: str, value: str, *, whole: bool = True) -> bytes:
    """`"name":"value"` as it stands in a line; without the last quote for a value that goes on."""
    pair = encode({name: value})[1:-2]
    return pair if whole else pair[:-1]
