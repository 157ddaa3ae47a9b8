"""Server-sent events (WHATWG HTML, 9.2) as bytes: cut a stream into whole events, read their data, write them anew.

Pure. Lines end in CRLF, LF or CR; an event ends at a blank line. What is not rewritten goes on byte for byte, but for
byte order marks before an event.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# U+FEFF, and the three characters that some parsers take for its bytes in decoded text.
_MARKS: Final = re.compile(rb"(?:\xef\xbb\xbf|\xc3\xaf\xc2\xbb\xc2\xbf)*+")
# A CR at the very end of what was read is a line end: a LF that follows it is an empty line of the next event.
_END: Final = rb"(?:\r\n|\n|\r(?!\n))"
_BLANK: Final = re.compile(_END + _END)
# What nobody judges, at the beginning of an event: comment lines, blank lines, whole events without data or a name.
# Possessive: what is given back on the way would be remembered, at 300 bytes a line.
_SILENT: Final = re.compile(
    rb"(?::[^\r\n]*+" + _END + rb"|(?:(?!data|event|[\xef\xc3])[^\r\n]++" + _END + rb")*+" + _END + rb")++"
)


_FEW_LINES: Final = 8
# SDKs write a UUID or a counter there, before the data.
_LONGEST_PLACE: Final = 1_000


class Part(StrEnum):
    """How much of an event there is. One over the cap comes in pieces: its head, the rest of it, and its end."""

    WHOLE = "whole"
    HEAD = "head"
    REST = "rest"
    END = "end"


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `raw` is all of it with its blank line; `data` is None where it has none (a comment, a ping).

    Of events without data several may come as one, and a comment without its blank line.
    """

    raw: bytes
    data: bytes | None
    name: str = ""
    part: Part = Part.WHOLE


class EventReader:
    """Cuts a stream into events. Holds at most one unfinished event of `limit` bytes."""

    __slots__ = ("_at_event", "_held", "_limit", "_scanned", "within")

    def __init__(self, limit: int) -> None:
        self._held = bytearray()
        self._scanned = 0
        self._limit = limit
        self._at_event = True
        self.within = False
        """Whether the last piece that was given out ended within an event over the cap."""

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes, and the pieces of one over the cap."""
        held = self._held
        held += chunk
        events: list[Event] = []
        start = 0
        if b"\n" in chunk or b"\r" in chunk:
            start = 0 if self.within else self._silent(0, events)
            blanks = _BlankLines(held)
            while (end := blanks.end(max(self._scanned, start))) >= 0:
                events += self._cut(held[start:end])
                self._at_event, self._scanned, self.within = True, 0, False
                start = self._silent(end, events)
            del held[:start]
        if self.within or len(held) > self._limit:
            self._pass_piece(events)
        # The last three bytes may be the beginning of a blank line.
        self._scanned = max(0, len(held) - 3)
        return events

    def _cut(self, piece: bytearray) -> tuple[Event, ...]:
        if self.within:
            return (Event(bytes(piece), None, part=Part.END),)
        raw = _unmarked(piece)
        if len(raw) > self._limit:
            return (Event(raw, None, part=Part.HEAD), Event(b"", None, part=Part.END))
        return (read_event(raw),)

    def _pass_piece(self, events: list[Event]) -> None:
        """Hold no more of an event over the cap than may be the beginning of its end."""
        piece = self._held[:-3]
        if piece:
            del self._held[:-3]
            head = Event(_unmarked(piece), None, part=Part.HEAD)
            events.append(Event(bytes(piece), None, part=Part.REST) if self.within else head)
            self.within = True

    def _silent(self, start: int, events: list[Event]) -> int:
        """Take what nobody judges in one go; where it ends. A stream of pings costs next to nothing, and none waits.

        Looked for once at each event, and at a comment with each line: with every chunk, an event that trickles in
        would cost its square.
        """
        held = self._held
        if start == len(held) or not (self._at_event or held.startswith(b":", start)):
            return start
        self._at_event = False
        run = _SILENT.match(held, start)
        if run is None:
            return start
        events.append(Event(run.group(), None))
        self._at_event = run.end() == len(held)
        return run.end()


class _BlankLines:
    """Looks for blank lines in what was read, from front to back.

    Of an event of few lines it looks at their ends alone: the pattern reads every byte, ten times slower.
    """

    __slots__ = ("_carriage", "_held", "_line")

    def __init__(self, held: bytearray) -> None:
        self._held = held
        self._line = self._carriage = -1

    def end(self, start: int) -> int:
        """Where the first blank line from `start` on ends; -1 if there is none."""
        for _ in range(_FEW_LINES):
            if (place := self._next(start)) == len(self._held):
                return -1
            if (blank := _BLANK.match(self._held, place)) is not None:
                return blank.end()
            start = place + 1
        blank = _BLANK.search(self._held, start)
        return -1 if blank is None else blank.end()

    def _next(self, start: int) -> int:
        held = self._held
        if self._line < start:
            found = held.find(b"\n", start)
            self._line = found if found >= 0 else len(held)
        if self._carriage < start:
            found = held.find(b"\r", start)
            self._carriage = found if found >= 0 else len(held)
        return min(self._line, self._carriage)


def _unmarked(raw: bytearray) -> bytes:
    """An event without byte order marks before it.

    A client takes one off at the beginning of the stream, and any event may become the first: by a mark before it
    that was taken off here, or by events before it that were not passed on.
    """
    marks = _MARKS.match(raw)
    return bytes(raw[marks.end() :] if marks else raw)


def read_event(raw: bytes) -> Event:
    """Read the data and the name of one whole event."""
    if b"data" not in raw and b"event" not in raw:
        return Event(raw, None)
    data: list[bytes] = []
    name = ""
    for line in _lines(raw):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ").decode("utf-8", "replace")
    return Event(raw, b"\n".join(data) if data else None, name)


def _lines(raw: bytes) -> list[bytes]:
    """What stands between line ends of any kind."""
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return raw.split(b"\n")


def with_data(event: Event, data: bytes) -> bytes:
    """The event with other data: its name, id and retry lines stay, in LF form."""
    lines = [line for line in _lines(event.raw) if line and _field_of(line) != b"data"]
    lines += [b"data: " + part for part in data.split(b"\n")]
    return b"\n".join(lines) + b"\n\n"


def beside_data(raw: bytes) -> bytes:
    """The lines of an event besides its data; nothing where they say no more than that it is a message."""
    lines = [line for line in _lines(raw) if line and _field_of(line) != b"data"]
    return b"" if lines in ([], [b"event: message"]) else b"\n".join(lines)


def _field_of(line: bytes) -> bytes:
    """The field that some client may take the line for: one that comes first loses its byte order marks."""
    marks = _MARKS.match(line)
    return line[marks.end() if marks else 0 :].partition(b":")[0]


def message_event(data: bytes, place: bytes = b"") -> bytes:
    """A `message` event of our own; with the `place` of one that it stands for, a client resumes behind it."""
    return place + b"event: message\ndata: " + data + b"\n\n"


def place_of(head: bytes) -> bytes:
    """The `id` line in the beginning of an event, in LF form; empty if there is none."""
    for line in _lines(head[:_LONGEST_PLACE]):
        field, _, value = line.partition(b":")
        if field == b"data":
            break
        if field == b"id":
            return b"id:" + value + b"\n"
    return b""
