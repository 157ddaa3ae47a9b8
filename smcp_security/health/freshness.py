"""Whether a file still says what it said when it was read: the policy in force, the lock file it is held to."""

from __future__ import annotations

import os
from hashlib import sha256
from threading import Lock
from typing import Final

READ_MAX: Final = 16 * 1024 * 1024
"""The largest of them is a lock file."""

# Without O_NONBLOCK the name of a pipe would stall whoever reads it. Windows has neither of the two.
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)

Stamp = tuple[int, ...]


class Original:
    """A file as it was read. Read again only when its stamp has changed; a copy put in its place is the same file."""

    def __init__(self, path: str, digest: str | None = None) -> None:
        """`digest` is the SHA-256 of what was read; left out, that of what is there now."""
        self.path = os.path.abspath(path)
        self._lock = Lock()
        self._stamp: Stamp | None = None
        self._digest = ""
        self._now = ""
        self._look()
        self._digest = self._now if digest is None else digest

    def reset_lock(self) -> None:
        """Call in the child after a fork."""
        self._lock = Lock()

    @property
    def changed(self) -> bool:
        """Whether another file is there now, or none that can be read."""
        with self._lock:
            self._look()
            return self._now != self._digest

    def _look(self) -> None:
        stamp = _stamp_of(self.path)
        if stamp is None or stamp != self._stamp:
            self._stamp, self._now = stamp, _digest_of(self.path)


def _stamp_of(path: str) -> Stamp | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _digest_of(path: str) -> str:
    """Of a file that cannot be read, no digest."""
    try:
        with open(os.open(path, _FLAGS), "rb") as file:
            return sha256(file.read(READ_MAX + 1)).hexdigest()
    except (OSError, ValueError):
        return ""
