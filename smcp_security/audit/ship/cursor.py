"""The file that says how far one destination is served, and whose lock says which process serves it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Final

import msgspec

from smcp_security.audit.ship.position import Position

if sys.platform != "win32":
    import fcntl

_OWNER_ONLY: Final = 0o600
_WIDTH: Final = 1024
"""Bytes of the file, always: it is written in place, because who replaces it would lose the lock."""

_REASON_LENGTH: Final = 200
_LARGEST: Final = 2**48
"""More than any file has bytes or any audit has lines; a number beyond it was not written by us."""

_LONGEST: Final = 2**31
"""Bytes of one line."""


class Mark(msgspec.Struct, frozen=True):
    """What the file holds. `destination` is a hash: another destination has not got what this one has."""

    destination: str
    position: Position | None = None
    skipped: int = 0
    sent_at: float | None = None
    problem: str = ""


@dataclass(slots=True)
class Cursor:
    """One cursor file. `mark` is what is known of it: read when the lead is taken, then only written."""

    path: str
    mark: Mark
    _fd: int = -1

    @property
    def leads(self) -> bool:
        """Whether this process has the lock."""
        return self._fd >= 0

    def lead(self) -> bool:
        """Take the lock if nobody has it, and read how far the one before came. Raises `OSError`."""
        if self._fd >= 0:
            return True
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), _OWNER_ONLY)
        if not _locked(fd) or not _is_at(fd, self.path):
            os.close(fd)
            return False
        self._fd = fd
        self._take_over(_parsed(os.pread(fd, _WIDTH, 0)))
        return True

    def save(self, mark: Mark) -> bool:
        """Write down `mark`; false if the file is another one by now, and the lead with it lost. Raises `OSError`."""
        if not _is_at(self._fd, self.path):
            self.release()
            return False
        self.mark = _bounded(mark)
        os.pwrite(self._fd, msgspec.json.encode(self.mark).ljust(_WIDTH - 1) + b"\n", 0)
        return True

    def seen(self) -> Mark:
        """What the process that leads has written there; our own mark where nothing can be read."""
        mark = self._written()
        return mark if mark is not None and mark.destination == self.mark.destination else self.mark

    def serves_another(self) -> bool:
        """Whether the process that leads sends to another destination, so that nobody sends to this one."""
        mark = self._written()
        return mark is not None and mark.destination != self.mark.destination

    def release(self) -> None:
        """Let another process take the lead. In a forked child this does not take it from the parent."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def _written(self) -> Mark | None:
        try:
            with open(self.path, "rb") as file:
                return _parsed(file.read(_WIDTH))
        except OSError:
            return None

    def _take_over(self, found: Mark | None) -> None:
        if found is not None and found.destination == self.mark.destination:
            self.mark = found


def _bounded(mark: Mark) -> Mark:
    """With a problem that fits into the file."""
    if len(mark.problem) <= _REASON_LENGTH and mark.problem.isascii():
        return mark
    return msgspec.structs.replace(mark, problem=mark.problem.encode("ascii", "replace")[:_REASON_LENGTH].decode())


def _locked(fd: int) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


def _parsed(data: bytes) -> Mark | None:
    try:
        mark = msgspec.json.decode(data, type=Mark)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return mark if 0 <= mark.skipped <= _LARGEST and _plausible(mark.position) else None


def _plausible(position: Position | None) -> bool:
    """Whether a file can be asked for it; whether it fits the audit is for the trail to prove."""
    return position is None or 0 <= position.length <= min(position.offset, _LONGEST) <= position.offset <= _LARGEST
