"""Server-sent events (WHATWG HTML, 9.2) as bytes: cut a stream into whole events, read their data, write them anew.

Pure. Lines end in CRLF, LF or CR; an event ends at a blank line. What is not rewritten goes on byte for byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_BOM: Final = b"\xef\xbb\xbf"
# The end of a line and a blank line after it. A CR at the very end of what was read may be half of a CRLF.
_BLANK: Final = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE: Final = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `raw` is all of it with its blank line; `data` is None where it has none (a comment, a ping)."""

    raw: bytes
    data: bytes | None
    name: str = ""


class EventTooLarge(Exception):
    """One event is larger than the cap; nothing of it may be passed on. `before` came whole in the same chunk."""

    def __init__(self, before: list[Event]) -> None:
        super().__init__("an event is larger than the cap")
        self.before = before


class EventReader:
    """Cuts a stream into events. Holds at most one unfinished event of `limit` bytes."""

    __slots__ = ("_held", "_limit", "_scanned", "_started")

    def __init__(self, limit: int) -> None:
        self._held = bytearray()
        self._scanned = 0
        self._limit = limit
        self._started = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes. Raises `EventTooLarge`; the reader is of no use afterwards."""
        held = self._held
        held += chunk
        if not self._started:
            if len(held) < len(_BOM) and _BOM.startswith(held):
                return []
            self._started = True
            if held.startswith(_BOM):
                del held[: len(_BOM)]
        events: list[Event] = []
        start = 0
        while (blank := _BLANK.search(held, max(self._scanned, start))) is not None and not _split_crlf(held, blank):
            self._bound(blank.end() - start, events)
            events.append(read_event(bytes(held[start : blank.end()])))
            start, self._scanned = blank.end(), 0
        del held[:start]
        self._bound(len(held), events)
        # The last three bytes may be the beginning of a blank line.
        self._scanned = max(0, len(held) - 3)
        return events

    def finish(self) -> list[Event]:
        """The event that the end of the stream completes: a CR at the very end is a whole line end after all."""
        held = bytes(self._held)
        self._held.clear()
        return [read_event(held)] if _BLANK.search(held) is not None else []

    def _bound(self, size: int, before: list[Event]) -> None:
        if size > self._limit:
            raise EventTooLarge(before)


def _split_crlf(held: bytearray, blank: re.Match[bytes]) -> bool:
    """Whether the blank line ends in a CR that the next byte may turn into a CRLF."""
    return blank.end() == len(held) and held.endswith(b"\r")


def read_event(raw: bytes) -> Event:
    """Read the data and the name of one whole event."""
    if b"data" not in raw and b"event" not in raw:
        return Event(raw, None)
    data: list[bytes] = []
    name = ""
    for line in _LINE.split(raw):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ").decode("utf-8", "replace")
    return Event(raw, b"\n".join(data) if data else None, name)


def with_data(event: Event, data: bytes) -> bytes:
    """The event with other data: its name, id and retry lines stay, in LF form."""
    lines = [line for line in _LINE.split(event.raw) if line and line.partition(b":")[0] != b"data"]
    lines += [b"data: " + part for part in data.split(b"\n")]
    return b"\n".join(lines) + b"\n\n"


def message_event(data: bytes) -> bytes:
    """A `message` event of our own."""
    return b"event: message\ndata: " + data + b"\n\n"
