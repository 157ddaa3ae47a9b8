"""JSON lines as bytes: cut a stream at its line feeds, holding no more than one line under the cap. Pure.

Only a line feed ends a message (basic/transports, "stdio"). A carriage return before it is a blank of JSON; one within
a line never gets further, since what goes on is the canonical bytes of what was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """How much of a line there is. One over the cap comes in pieces: its head, the rest of it, and its end.

    What is cut off by the end of the stream is no message, and nobody knows what it would have been.
    """

    WHOLE = "whole"
    HEAD = "head"
    REST = "rest"
    END = "end"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Line:
    """One line, or a piece of one; without its line feed."""

    raw: bytes
    part: Part = Part.WHOLE


class LineReader:
    """Cuts a stream into lines. Holds at most one unfinished line of `limit` bytes."""

    __slots__ = ("_held", "_limit", "_over")

    def __init__(self, limit: int) -> None:
        self._held = bytearray()
        self._limit = limit
        self._over = False

    def feed(self, data: bytes) -> list[Line]:
        """The lines that end in `data`, and what there is of one over the cap."""
        first, *others = data.split(b"\n")
        if not others:
            return self._grown(first)
        lines = self._ended(first)
        for raw in others[:-1]:
            lines += self._ended(raw)
        return lines + self._grown(others[-1])

    def end(self) -> list[Line]:
        """What the end of the stream leaves: the end of a line over the cap, or a line cut off."""
        held, over = bytes(self._held), self._over
        self._held.clear()
        self._over = False
        if over:
            return [Line(b"", Part.END)]
        return [Line(held, Part.CUT)] if held.strip() else []

    def _ended(self, raw: bytes) -> list[Line]:
        """A line whose last bytes are `raw`."""
        if self._over:
            self._over = False
            return [Line(raw, Part.END)]
        whole = bytes(self._held) + raw
        self._held.clear()
        if len(whole) > self._limit:
            return [Line(whole, Part.HEAD), Line(b"", Part.END)]
        return [Line(whole)]

    def _grown(self, raw: bytes) -> list[Line]:
        """`raw` belongs to a line that has not ended."""
        if not raw:
            return []
        if self._over:
            return [Line(raw, Part.REST)]
        self._held += raw
        if len(self._held) <= self._limit:
            return []
        head = bytes(self._held)
        self._held.clear()
        self._over = True
        return [Line(head, Part.HEAD)]
