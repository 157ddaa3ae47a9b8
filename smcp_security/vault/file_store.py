"""A vault in a file: replaced as a whole, one writer at a time, and beside it a mark of what was written last."""

from __future__ import annotations

import errno
import fcntl
import os
import shlex
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from smcp_security.errors import VaultError
from smcp_security.keys.replacement import replace_file, sweep_drafts
from smcp_security.vault.document import BYTES_MAX

LOCK_WAIT: Final = 10.0
MARK_MAX: Final = 4096
_REFUSED: Final = stat.S_IWGRP | stat.S_IRWXO
_SETTLED: Final = 0.05
"""Seconds after which what is replaced once more shows another time of change or another inode."""
_READ: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW

Signature = tuple[int, ...]


class FileStore:
    """The file at `path`, with `.mark` and `.lock` beside it. A link is followed anew each time: mounts swap theirs.

    Owner alone, or a group that reads: one who may write it could put back an older copy, and names of secrets are
    not sealed.
    """

    def __init__(self, path: str, *, lock_wait: float = LOCK_WAIT) -> None:
        """Touches nothing. Raises `VaultError` for what is no file name."""
        # What a terminal would obey has no place in an error.
        self.name = path if path.isprintable() else repr(path)
        self._lock_wait = lock_wait
        try:
            self._given = os.path.abspath(path)
            os.path.realpath(self._given)
        except (OSError, ValueError):
            raise VaultError(f"{self.name}: not a file name") from None

    def __repr__(self) -> str:
        return f"FileStore({self.name!r})"

    @property
    def _path(self) -> str:
        return os.path.realpath(self._given)

    def read(self) -> bytes | None:
        """All of it; None if there is no file."""
        return self._read(self._path, self.name, BYTES_MAX)

    def write(self, data: bytes) -> None:
        """Replace the file, durably, or leave it as it is. Raises `VaultError`."""
        real = self._path
        for each in (real, f"{real}.mark"):
            sweep_drafts(each)
        try:
            replace_file(real, data)
        except OSError as error:
            raise self._unwritable(error) from None

    def read_mark(self) -> bytes | None:
        """What is beside the file; None if nothing is."""
        return self._read(f"{self._path}.mark", f"{self.name}.mark", MARK_MAX)

    def write_mark(self, data: bytes) -> bool:
        """Put it beside the file. Where that fails, an older mark stays, which says less and nothing wrong."""
        real = self._path
        try:
            replace_file(f"{real}.mark", data, like=real)
        except OSError:
            return False
        return True

    def signature(self) -> Signature | None:
        """Of the file as it lies there; None if it was changed a moment ago, or is not there."""
        try:
            status = os.stat(self._given)
        except OSError:
            return None
        if abs(time.time() - status.st_ctime) < _SETTLED:
            return None
        return (
            status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode,
        )  # fmt: skip

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """While it is entered, no other process or thread writes. Raises `VaultError` if it takes too long."""
        try:
            # A file of its own: the other one is replaced.
            lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            self._wait_for(lock)
            yield
        finally:
            os.close(lock)

    def _wait_for(self, lock: int) -> None:
        ends = time.monotonic() + self._lock_wait
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > ends:
                    raise VaultError(
                        f"{self.name}: another process has held {self.name}.lock for {self._lock_wait:g} s; wait until"
                        " it is done, or end it"
                    ) from None
                # Often: whoever writes in a loop leaves only short gaps.
                time.sleep(0.002)
            except OSError as error:
                raise self._unwritable(error) from None

    def _read(self, path: str, name: str, most: int) -> bytes | None:
        try:
            # Without O_NONBLOCK the name of a pipe would stall whoever reads it.
            file = os.open(path, _READ)
            try:
                _check(name, os.fstat(file), most)
                return _all_of(file, most + 1)
            finally:
                os.close(file)
        except FileNotFoundError:
            return None
        except PermissionError:
            raise VaultError(f"{name}: this process may not read it; change its owner or mode") from None
        except OSError as error:
            raise VaultError(f"{name}: cannot be read ({error.strerror}); name the file of the vault") from None

    def _unwritable(self, error: OSError) -> VaultError:
        advice = "run this as the owner of the file and of its folder"
        if isinstance(error, FileNotFoundError):
            advice = "make its folder first"
        elif isinstance(error, IsADirectoryError | NotADirectoryError):
            advice = "name the file of the vault"
        elif error.errno == errno.EBUSY:
            advice = "mount its folder, not the file alone: it is replaced as a whole"
        elif error.errno in _FULL:
            advice = "make room on its disk; what was there is still there"
        return VaultError(f"{self.name}: cannot be written ({error.strerror}); {advice}")


_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def _all_of(file: int, most: int) -> bytes:
    # Only closed by us: `open` leaves a folder's descriptor behind when it refuses it.
    with open(file, "rb", closefd=False) as stream:
        return stream.read(most)


def _check(name: str, status: os.stat_result, most: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise VaultError(f"{name}: not a regular file; name the file of the vault")
    if status.st_mode & _REFUSED:
        raise VaultError(f"{name}: others may write it, or read the names in it; run: chmod g-w,o= {shlex.quote(name)}")
    if status.st_size > most:
        raise VaultError(f"{name}: larger than {most // 1024:,} KiB; is this the right file?")
