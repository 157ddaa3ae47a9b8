"""What is wrong with a log, collected as it is read: places, faults, what later lines say of earlier ones. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from smcp_security.audit.proving.report import Fault, Place, Report, Wrong
from smcp_security.audit.reading.log import Block, LogFile
from smcp_security.audit.reading.shape import Line, read_line

MOST: Final = 10_000
"""Faults that are kept; the rest is counted."""

_NOWHERE: Final = Block(LogFile(""), 1, 0, ())


class Findings:
    """Where the verification stands in the log, and the faults so far."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.block = _NOWHERE
        self.files: list[str] = []
        self.here = 0
        """Faults in the file that is being read."""
        self._settled_from = -1
        self._before: tuple[Place, bytes] | None = None

    def enter(self, block: Block) -> None:
        """A block begins."""
        if block.number == 1:
            self.report.files += 1
            self.files.append(block.file.path)
            self.report.first_file = self.report.first_file or block.file.path
            self.here = 0
        self.block = block

    def leave(self, block: Block) -> None:
        """It ends."""
        self.report.lines += len(block.lines)
        if block.lines:
            self._before = self.place(block.number + len(block.lines) - 1), block.lines[-1]

    def since_first(self) -> int:
        """Lines looked at since the first fault, up to the end of a block; -1 without a fault."""
        return -1 if self._settled_from < 0 else self.report.lines - self._settled_from

    def place(self, number: int) -> Place:
        """Where the line of this number stands in the block that is being read."""
        lines = self.block.lines[: number - self.block.number]
        return Place(self.block.file.path, number, self.block.offset + sum(map(len, lines)) + len(lines))

    def before(self, number: int) -> tuple[Place, bytes]:
        """Where the line before that one stands, and what it says."""
        index = number - self.block.number - 1
        if index >= 0 or self._before is None:
            return self.place(max(number - 1, 1)), self.block.lines[index] if index >= 0 else b""
        return self._before

    @property
    def end(self) -> Place:
        """Where the last line stands that was read."""
        return Place(self.block.file.path, 1, 0) if self._before is None else self._before[0]

    @property
    def last_line(self) -> bytes:
        """What the last line says that was read."""
        return b"" if self._before is None else self._before[1]

    def add(self, wrong: Wrong, detail: str, place: Place, whose: Line | tuple[str, int] | None = None) -> int:
        """Note a fault, of a line or of a record of a stream; its number."""
        if len(self.report.faults) >= MOST:
            self.report.more += 1
            return MOST - 1
        self.report.faults.append(Fault(place, wrong, detail, *_claimed(whose)))
        self.here += 1
        if self._settled_from < 0:
            self._settled_from = self.report.lines + place.line - self.block.number
        return len(self.report.faults) - 1

    def add_of(self, wrong: Wrong, detail: str, line: tuple[Place, bytes]) -> int:
        """Note a fault of a line that was read before."""
        return self.add(wrong, detail, line[0], read_line(line[1]))

    def correct(self, index: int, wrong: Wrong, detail: str) -> None:
        """A later line shows what a fault really is."""
        self.report.faults[index] = replace(self.report.faults[index], wrong=wrong, detail=detail)

    def put(self, index: int, wrong: Wrong, detail: str, number: int) -> None:
        """A later line shows that a fault is that of the line before `number`."""
        place, text = self.before(number)
        self.report.faults[index] = Fault(place, wrong, detail, *_claimed(read_line(text)))

    def note(self, text: str) -> None:
        """What is no fault, and yet to be told."""
        self.report.notes.append(text)


def _claimed(whose: Line | tuple[str, int] | None) -> tuple[str, int | None]:
    if isinstance(whose, Line):
        return whose.stream.decode(), whose.seq
    return whose or ("", None)
