"""The open file at a path, its lock, and whole lines or nothing at its end. Must not know what a line says."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

if sys.platform != "win32":
    import fcntl

OWNER_ONLY: Final = 0o600


class HeldFile:
    """One file, opened when it is needed and again after it was renamed or deleted. For one thread at a time."""

    def __init__(self, path: str) -> None:
        self.path: Final = path
        self.fd = -1
        self.regular = False
        self.torn = False

    @contextmanager
    def locked(self, left: Callable[[], None], found: Callable[[], None]) -> Iterator[None]:
        """Hold the lock of the file that is at the path now. Processes are kept apart, and no line is torn.

        `left` is called, with its lock held, when a file is let go because it is no longer at the path; `found` when
        another was opened. Raises `OSError`.
        """
        while True:
            if self.fd < 0:
                self._open()
                found()
            try:
                self._lock()
                if self._still_there():
                    break
                left()
            except BaseException:
                self.close()
                raise
            self.close()
        try:
            yield
        finally:
            self._unlock()

    def size(self) -> int:
        """Bytes of the file. Raises `OSError`."""
        return os.fstat(self.fd).st_size if self.regular else 0

    def write(self, data: bytes, *, sync: bool) -> None:
        """Put `data` at the end, on the disk itself with `sync`, or leave the file as it was.

        Raises `OSError`; `torn` says then whether the beginning could not be taken back.
        """
        self.torn, written = False, 0
        try:
            while written < len(data):
                written += os.write(self.fd, data[written:] if written else data)
            if sync:
                self.sync()
        except OSError:
            self._take_back(written)
            raise

    def sync(self) -> None:
        """Put on the disk what was written. Raises `OSError`."""
        if self.regular and self.fd >= 0:
            os.fsync(self.fd)

    def put_aside(self, path: str) -> None:
        """Give the file another name, for good; the next use opens a new one. Raises `OSError`."""
        os.rename(self.path, path)
        self._unlock()
        self.close()
        sync_directory(path)

    def close(self) -> None:
        """Let the file go, and its lock with it; the next use opens it again."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            os.close(fd)

    def _open(self) -> None:
        # A pipe or device is opened for writing alone: as a reader of our own pipe we would never see it break.
        # Python opens every file close-on-exec (PEP 446).
        access = os.O_RDWR if self._is_file_or_missing() else os.O_WRONLY
        self.fd = os.open(self.path, access | os.O_APPEND | os.O_CREAT, OWNER_ONLY)
        self.regular = stat.S_ISREG(os.fstat(self.fd).st_mode)

    def _is_file_or_missing(self) -> bool:
        try:
            return stat.S_ISREG(os.stat(self.path).st_mode)
        except FileNotFoundError:
            return True

    def _still_there(self) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self.fd))
        except FileNotFoundError:
            return False

    def _take_back(self, written: int) -> None:
        """Remove the beginning of lines whose rest did not fit. The lock is held, so the end of the file is ours."""
        if not written:
            return
        self.torn = True
        if self.regular:
            with suppress(OSError):
                os.ftruncate(self.fd, os.fstat(self.fd).st_size - written)
                self.torn = False

    def _lock(self) -> None:
        if sys.platform != "win32" and self.regular:
            fcntl.flock(self.fd, fcntl.LOCK_EX)

    def _unlock(self) -> None:
        if sys.platform != "win32" and self.regular and self.fd >= 0:
            fcntl.flock(self.fd, fcntl.LOCK_UN)


def sync_directory(path: str) -> None:
    """Put the names in the directory of `path` on the disk, where its file system can."""
    with suppress(OSError):
        fd = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
