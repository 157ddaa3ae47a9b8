"""Reading the audit as it grows, line by line and across rotations. Never writes; for one thread."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from smcp_security.audit.ship.citation import GENESIS, cited, cited_in, citing
from smcp_security.audit.ship.pieces import Piece, behind, pieces, renamed
from smcp_security.audit.ship.position import Position, line_hash

if sys.platform != "win32":
    import fcntl


_MORE: Final = 256 * 1024
"""Bytes read at once of a line that is longer than was asked for."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some lines as they are in the file, without their line breaks, and the place behind the last one."""

    lines: Sequence[bytes]
    end: Position
    continues: bool = True
    """False if they do not follow what was sent before: lines were removed, or the file was replaced."""


class Trail:
    """Where the reader is in an audit. `position` None: before the oldest line that is there."""

    def __init__(self, path: str, position: Position | None = None) -> None:
        self.path = path
        self.position = position
        self._fd = -1
        self._safe = 0
        self._strayed = False

    def read(self, most_lines: int, most_bytes: int) -> Stretch | None:
        """The lines that come next, at least one; None if there is none yet. Stays where it is: see `move`.

        A line longer than `most_bytes` comes alone. Raises `OSError`.
        """
        while (position := self._enter()) is not None:
            finished = not self._is_written()
            data = self._data(position.offset, most_bytes, finished=finished)
            if data:
                return self._stretch(position, data, most_lines)
            if not finished or not self._go_on(position):
                return None
        return None

    def move(self, position: Position | None) -> None:
        """Go on from `position`."""
        if position is None or self.position is None or position.inode != self.position.inode:
            self.close()
        self.position = position
        self._strayed = False

    def lag(self) -> int:
        """Bytes that have not been read. Raises `OSError`."""
        found, position = pieces(self.path), self.position
        lag = behind(found, position)
        if self._fd >= 0 and position is not None and all(piece.inode != position.inode for piece in found):
            # Removed, or renamed by another tool: the rest of it is still to be had.
            lag += max(os.fstat(self._fd).st_size - position.offset, 0)
        return lag

    def close(self) -> None:
        """Let the file go; the next read finds it again."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    # -- finding the file --------------------------------------------------------------------------------------------

    def _enter(self) -> Position | None:
        """The position, with its file open and proved to be the one it speaks of; None if there is no file yet."""
        position = self.position
        if self._fd >= 0 and position is not None:
            if self._proves(position):
                return position
            self.close()
        return self._locate(position)

    def _locate(self, position: Position | None) -> Position | None:
        found = pieces(self.path)
        if position is not None and position.offset:
            for path in self._candidates(found, position):
                if self._open(path) and self._proves(position):
                    inode = os.fstat(self._fd).st_ino
                    number = next((piece.number for piece in found if piece.inode == inode), position.number)
                    return self._at(Position(inode, number, position.offset, position.length, position.hash))
            self.close()
            self._strayed = True
        elif position is not None and all(piece.inode != position.inode for piece in found):
            aside = citing(renamed(self.path, position.inode), position.hash or GENESIS)
            if aside is not None and self._enter_renamed(aside, position.number, position.hash):
                return self.position
        later = [piece for piece in found if position is None or piece.number >= position.number]
        return self._begin(later[0], position) if later else None

    def _candidates(self, found: Sequence[Piece], position: Position) -> list[str]:
        """First what has the inode, then what a restored copy may be; each is still to be proved."""
        same = [piece.path for piece in found if piece.inode == position.inode]
        return [*same, *renamed(self.path, position.inode), *(piece.path for piece in reversed(found))]

    def _begin(self, piece: Piece, before: Position | None) -> Position | None:
        if not self._open(piece.path) or os.fstat(self._fd).st_ino != piece.inode:
            self.close()  # rotated this very moment
            return None
        return self._at(Position(piece.inode, piece.number, hash=before.hash if before else ""))

    def _go_on(self, position: Position) -> bool:
        """Enter the file after this one, which is read to its end; false if there is none."""
        found = pieces(self.path)
        here = next((index for index, piece in enumerate(found) if piece.inode == position.inode), None)
        later = found[here + 1 :] if here is not None else [p for p in found if p.number >= position.number]
        if not later:
            return False
        cites = cited_in(later[0].path)
        if position.hash and cites not in ("", position.hash):
            # Put aside by another tool, under a name that says nothing of the order.
            path = citing(renamed(self.path), position.hash)
            if path is not None:
                return self._enter_renamed(path, later[0].number, position.hash)
            if cites is None and len(later) == 1:
                return False  # nothing in it yet that would say what it follows
        return self._begin(later[0], position) is not None

    def _enter_renamed(self, path: str, number: int, last: str) -> bool:
        if not self._open(path):
            return False
        self._at(Position(os.fstat(self._fd).st_ino, number, hash=last))
        return True

    def _at(self, position: Position) -> Position:
        self.position = position
        return position

    def _open(self, path: str) -> bool:
        self.close()
        try:
            self._fd = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        self._safe = 0
        return True

    def _proves(self, position: Position) -> bool:
        """Whether the last line that was sent stands before the position."""
        if not position.offset:
            return True
        line = os.pread(self._fd, position.length, position.offset - position.length)
        return len(line) == position.length and position.follows(line)

    def _is_written(self) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._fd))
        except FileNotFoundError:
            return False

    def _settled_size(self) -> int:
        """The size while nobody is writing: what a failed write takes back again must not be sent."""
        if sys.platform == "win32":
            return os.fstat(self._fd).st_size
        try:
            fcntl.flock(self._fd, fcntl.LOCK_SH)
        except OSError:  # a file system without locks
            return os.fstat(self._fd).st_size
        try:
            return os.fstat(self._fd).st_size
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    # -- taking lines ------------------------------------------------------------------------------------------------

    def _data(self, offset: int, most: int, *, finished: bool) -> bytes:
        if data := self._whole_lines(offset, most):
            return data
        # The lock is asked for only when everything that was there has been read.
        self._safe = self._settled_size()
        data = self._whole_lines(offset, most)
        if data or not finished:
            return data
        # What a writer that was killed has left, in a file that nobody will end with a line break any more.
        return os.pread(self._fd, max(self._safe - offset, 0), offset)

    def _stretch(self, position: Position, data: bytes, most_lines: int) -> Stretch:
        lines = (data.splitlines(keepends=True) if b"\r" not in data else _split(data))[:most_lines]
        end = Position(
            position.inode,
            position.number,
            position.offset + sum(map(len, lines)),
            len(lines[-1]),
            line_hash(lines[-1]),
        )
        return Stretch([line.removesuffix(b"\n") for line in lines], end, self._continues(position, lines[0]))

    def _whole_lines(self, offset: int, most: int) -> bytes:
        """What begins at `offset` up to the last line break within `most` bytes, or the first one after them."""
        data = os.pread(self._fd, max(min(most, self._safe - offset), 0), offset)
        end = data.rfind(b"\n") + 1
        while not end and offset + len(data) < self._safe:
            more = os.pread(self._fd, min(_MORE, self._safe - offset - len(data)), offset + len(data))
            if not more:
                return b""
            end = more.find(b"\n") + 1
            end += len(data) if end else 0
            data += more
        return data[:end]

    def _continues(self, position: Position, first: bytes) -> bool:
        if self._strayed:
            return False
        if position.offset or not position.hash:
            return True
        return cited(first) in ("", position.hash)


def _split(data: bytes) -> list[bytes]:
    """Only a line feed ends a line; `splitlines` would take a carriage return for one."""
    *lines, rest = data.split(b"\n")
    return [line + b"\n" for line in lines] + ([rest] if rest else [])
