"""How far the lines were sent, as a value that survives a restart. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two lines of the audit.

    `inode` finds the file again after it was renamed; `length` bytes before `offset` is the last line that was sent,
    whose `hash` proves that the file is still the one that was read. `number` is the segment's, and of the file that is
    written the one that it will get.
    """

    inode: int
    number: int
    offset: int = 0
    length: int = 0
    hash: str = ""

    def follows(self, line: bytes) -> bool:
        """Whether `line`, with its line break, is the one that was sent last."""
        return line_hash(line) == self.hash


def line_hash(line: bytes) -> str:
    """The hash by which the next line cites this one; its line break does not count."""
    return hashlib.sha256(line.removesuffix(b"\n")).hexdigest()
