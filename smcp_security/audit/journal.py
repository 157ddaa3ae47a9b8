"""The audit file on disk: opening it, appending whole lines, noticing its rotation. Must not import threads.

Several processes may append to one file: each append holds the file's advisory lock, so no line is torn, also where
a write comes back short or the file system does not append atomically.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager

if sys.platform != "win32":
    import fcntl

OWNER_ONLY = 0o600


class Journal:
    """One file, opened on the first append and again after it was renamed or deleted. For one thread of one process."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = -1
        self._regular = False
        self._torn = False

    def append(self, lines: bytes) -> None:
        """Write whole lines at the end, or nothing.

        Raises `OSError` when the file cannot be opened or written; then the lines can be offered again.
        """
        self._reopen_if_replaced()
        with self._locked():
            if self._ends_within_a_line():
                lines = b"\n" + lines
            self._write(lines)
            self._torn = False

    def close(self) -> None:
        """Let the file go; the next append opens it again. Releases no lock that another process shares."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def _reopen_if_replaced(self) -> None:
        if self._fd >= 0 and not self._still_there():
            self.close()
        if self._fd < 0:
            self._open()

    def _still_there(self) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._fd))
        except FileNotFoundError:
            return False

    def _open(self) -> None:
        # A pipe or device is opened for writing alone: as a reader of our own pipe we would never see it break.
        # Python opens every file close-on-exec (PEP 446).
        access = os.O_RDWR if self._is_file_or_missing() else os.O_WRONLY
        self._fd = os.open(self.path, access | os.O_APPEND | os.O_CREAT, OWNER_ONLY)
        self._regular = stat.S_ISREG(os.fstat(self._fd).st_mode)
        self._torn = False

    def _is_file_or_missing(self) -> bool:
        try:
            return stat.S_ISREG(os.stat(self.path).st_mode)
        except FileNotFoundError:
            return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if sys.platform == "win32" or not self._regular:
            yield
            return
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _ends_within_a_line(self) -> bool:
        """True after a writer died in the middle of a line: that fragment must not swallow the next record."""
        if not self._regular:
            return self._torn
        size = os.fstat(self._fd).st_size
        if size == 0:
            return False
        os.lseek(self._fd, size - 1, os.SEEK_SET)
        return os.read(self._fd, 1) != b"\n"

    def _write(self, lines: bytes) -> None:
        written = 0
        try:
            while written < len(lines):
                written += os.write(self._fd, lines[written:] if written else lines)
        except OSError:
            self._take_back(written)
            raise

    def _take_back(self, written: int) -> None:
        """Remove the beginning of a batch whose rest did not fit. The lock is held, so the end of the file is ours."""
        if not written:
            return
        self._torn = True
        if self._regular:
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
