"""One end of a pipe each: what is still to be written, never more of it than the pipe takes at once.

Our own stdin and stdout are left as they are: other processes may share them, and would share their being non-blocking.
"""

from __future__ import annotations

import os
import select
from typing import Final

HIGH: Final = 1024 * 1024
"""Bytes that may wait for one reader before its source is read no further."""
AT_ONCE: Final = 64 * 1024


class Sink:
    """A file descriptor and what waits to be written to it. `gone` once nobody reads there any more."""

    __slots__ = ("_own", "_slice", "_waiting", "_watch", "fd", "gone")

    def __init__(self, fd: int, *, blocking: bool) -> None:
        self.fd = fd
        self.gone = False
        self._waiting = bytearray()
        self._own = 0
        # What a pipe takes without blocking once it says that it is ready.
        self._slice = select.PIPE_BUF if blocking else AT_ONCE
        self._watch = select.poll() if blocking else None
        if self._watch is not None:
            self._watch.register(fd, select.POLLOUT)

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether the other side should say no more for now."""
        return len(self._waiting) >= HIGH

    @property
    def crowded(self) -> bool:
        """Whether so much waits that was not passed on but said by us that its cause should pause."""
        return self._own >= HIGH

    def put(self, data: bytes, *, own: bool = False) -> None:
        """Have `data` written in its turn. `own`: it comes from us, and not from the other side."""
        if data and not self.gone:
            self._waiting += data
            self._own += len(data) if own else 0

    def flush(self) -> None:
        """Write what can be written without waiting."""
        while self._waiting and not self.gone:
            try:
                if self._watch is not None and not self._ready():
                    return
                with memoryview(self._waiting) as view:
                    written = os.write(self.fd, view[: self._slice])
                del self._waiting[:written]
            except BlockingIOError:
                return
            except OSError:  # EPIPE, EIO of a terminal that went away
                self.close()
        self._own = 0

    def close(self) -> None:
        """Write nothing more."""
        self.gone = True
        self._waiting.clear()

    def _ready(self) -> bool:
        events = self._watch.poll(0) if self._watch is not None else []
        if any(event & (select.POLLERR | select.POLLNVAL) for _, event in events):
            self.close()
        return bool(events) and not self.gone


def read(fd: int) -> bytes | None:
    """What there is to read now; b"" at the end, None if there is nothing."""
    try:
        return os.read(fd, AT_ONCE)
    except BlockingIOError:
        return None
    except OSError:  # EIO of a terminal that went away
        return b""
