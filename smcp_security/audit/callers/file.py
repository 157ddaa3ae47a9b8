"""The file of callers on disk: read as it grows, appended to under its lock, replaced as a whole. Knows no keys.

Each change holds the advisory lock of the file itself. Whoever gets the lock looks whether the file is still the one
at the path: it may have been replaced meanwhile, and then the lock is of a file that is no more.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shlex
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from smcp_security.audit.callers.lines import END, HEADER_START
from smcp_security.errors import AuditDamaged, PolicyError

if sys.platform != "win32":
    import fcntl

OWNER_ONLY: Final = 0o600
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
# Without O_NONBLOCK the name of a pipe would stall whoever opens it.
_FLAGS: Final = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | os.O_APPEND
_READ_AT_ONCE: Final = 1 << 20


class CallersFile:
    """The file at `path`; a link is followed once, now. For one thread at a time, and one process."""

    def __init__(self, path: str) -> None:
        self.path = os.path.realpath(path)
        self._fd = -1
        self._writable = self._locked = False
        self._offset = 0

    def __del__(self) -> None:
        self.drop()

    def close(self) -> None:
        """Let the file go; the next use opens it again and reads it from the start."""
        self._unlock()
        self.drop()

    def drop(self) -> None:
        """Let the file go, but not its lock: that may be of the parent of this process, by the same descriptor."""
        fd, self._fd = self._fd, -1
        self._locked = False
        if fd >= 0:
            with suppress(OSError):
                os.close(fd)

    def make(self, header: bytes) -> None:
        """Make the file with this first line, unless there is one. Raises `OSError`; `PolicyError` for another file."""
        self._open(os.O_RDWR | os.O_CREAT)
        with self.exclusive():
            start = os.pread(self._fd, _READ_AT_ONCE, 0)
            if b"\n" in start:
                return
            # A process that was killed while it made the file leaves it empty or a piece of its header.
            if not (HEADER_START.startswith(start) or start.startswith(HEADER_START)):
                raise PolicyError(f"audit.callers: {self.path} is another file; name one that is not there yet")
            os.ftruncate(self._fd, 0)
            self._write(header, 0)
            os.fsync(self._fd)
            sync_folder(self.path)

    def news(self) -> tuple[bool, bytes]:
        """Whether it is another file than at the last call, and its whole lines since then; of another file, all.

        Raises `OSError` if it is gone; `AuditDamaged` if it was cut, or its last line break was changed.
        """
        if self._fd < 0 or not self._still_there():
            self._open(os.O_RDWR)
        anew = self._offset == 0
        size = os.fstat(self._fd).st_size
        if size == self._offset:
            return anew, b""
        data = self._read(self._offset) if size > self._offset else b""
        end = data.rfind(b"\n") + 1
        # What follows the last line break is being written, or was by a process that was killed: no more than a line.
        if size < self._offset or END in data[end:-1]:
            self.close()
            raise AuditDamaged(f"{self.path}: its end is cut off or changed; put back a copy of the file")
        self._offset += end
        return anew, data[:end]

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """While it is entered no other process writes, and the open file is the one at the path."""
        while True:
            if self._fd < 0 or not self._writable:
                self._open(os.O_RDWR, fall_back=False)
            self._lock()
            if self._still_there():
                break
            self.close()
        try:
            yield
        finally:
            self._unlock()

    def append(self, line: bytes) -> None:
        """Add a line, or nothing. Only within `exclusive`, after `news`. Raises `OSError`."""
        if os.fstat(self._fd).st_size > self._offset:
            # Of a process that was killed: nothing was sealed with a key that it had not written out.
            os.ftruncate(self._fd, self._offset)
        self._write(line, self._offset)
        self._offset += len(line)

    def sync(self) -> None:
        """Put it on the disk. Raises `OSError`."""
        if self._fd >= 0:
            os.fsync(self._fd)

    def replace(self, lines: Iterable[bytes]) -> None:
        """Put another file with these lines in its place, durably, or leave it. Only within `exclusive`."""
        before = os.fstat(self._fd)
        draft = f"{self.path}.{secrets.token_hex(6)}.new"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
            with open(os.open(draft, flags, OWNER_ONLY), "wb") as file:
                file.writelines(lines)
                file.flush()
                _keep_owner(file.fileno(), before)
                os.fsync(file.fileno())
            os.replace(draft, self.path)
        finally:
            with suppress(OSError):
                os.unlink(draft)
        self.close()
        sync_folder(self.path)

    def sweep_drafts(self) -> None:
        """Remove what a killed `replace` left: it has keys. Only within `exclusive`. Raises `OSError`."""
        folder, name = os.path.split(self.path)
        draft = re.compile(re.escape(name) + r"\.[0-9a-f]{12}\.new")
        with os.scandir(folder) as found:
            left = [each.path for each in found if draft.fullmatch(each.name)]
        for path in left:
            os.unlink(path)

    def lines(self) -> Iterator[bytes]:
        """All whole lines."""
        data = self._read(0)
        return (line + b"\n" for line in data.split(b"\n")[:-1])

    def _open(self, flags: int, *, fall_back: bool = True) -> None:
        self.close()
        self._offset = 0
        try:
            self._fd, self._writable = os.open(self.path, flags | _FLAGS, OWNER_ONLY), True
        except IsADirectoryError:
            raise PolicyError(f"audit.callers: {self.path} is a folder; name a file in it") from None
        except OSError as error:
            if not fall_back or error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise
            # Who only reads the audit needs no more.
            self._fd, self._writable = os.open(self.path, os.O_RDONLY | _FLAGS), False
        try:
            _check(self.path, os.fstat(self._fd))
        except PolicyError:
            self.close()
            raise

    def _still_there(self) -> bool:
        try:
            return os.path.samestat(os.stat(self.path, follow_symlinks=False), os.fstat(self._fd))
        except FileNotFoundError:
            self.close()
            raise

    def _lock(self) -> None:
        if sys.platform != "win32":
            fcntl.flock(self._fd, fcntl.LOCK_EX)
        self._locked = True

    def _unlock(self) -> None:
        if self._locked and sys.platform != "win32":
            # Not left to closing: a child that was forked meanwhile has the same descriptor.
            fcntl.flock(self._fd, fcntl.LOCK_UN)
        self._locked = False

    def _read(self, offset: int) -> bytes:
        pieces = []
        while piece := os.pread(self._fd, _READ_AT_ONCE, offset):
            pieces.append(piece)
            offset += len(piece)
        return b"".join(pieces)

    def _write(self, line: bytes, end: int) -> None:
        written = 0
        try:
            while written < len(line):
                written += os.write(self._fd, line[written:])
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._fd, end)
            raise


def sync_folder(path: str) -> None:
    """Put the name of a new file on the disk. Raises `OSError`."""
    if sys.platform == "win32":
        return
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _keep_owner(draft: int, before: os.stat_result) -> None:
    """The server that reads the file may run as another user than the operator who erases somebody."""
    made = os.fstat(draft)
    if (before.st_uid, before.st_gid) != (made.st_uid, made.st_gid):
        os.fchown(draft, before.st_uid, before.st_gid)
    os.fchmod(draft, stat.S_IMODE(before.st_mode))


def _check(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise PolicyError(f"audit.callers: {path} is not a regular file; name a file with audit.callers")
    if status.st_nlink > 1:
        raise PolicyError(
            f"audit.callers: {path} has another name (a hard link), under which erased keys would live on; remove it"
        )
    if sys.platform == "win32":
        return
    if os.geteuid() not in (0, status.st_uid) and status.st_uid != 0:
        raise PolicyError(
            f"audit.callers: {path} belongs to user {status.st_uid}, and this process runs as user {os.geteuid()};"
            " change the owner of the file, or run this as that user"
        )
    if status.st_mode & _OTHERS:
        raise PolicyError(
            f"audit.callers: {path} has mode {stat.S_IMODE(status.st_mode):04o}, which lets others read the keys of"
            f" the callers; run: chmod 600 {shlex.quote(path)}"
        )
