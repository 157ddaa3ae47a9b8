"""A local file that is read again when it changes: the one way in which keys and secrets get here from a disk.

A look at the file costs a `stat`, and at most one a second. While what changed cannot be read, nothing is known.
"""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Awaitable, Callable
from threading import Lock
from typing import Final, Generic, TypeVar

from smcp_security.errors import KeyFileError, SMCPError, Unavailable
from smcp_security.keys.errand import Errand

T = TypeVar("T")

FILE_MAX: Final = 1024 * 1024
LOOK_EVERY: Final = 1.0
_SETTLED: Final = 2.0
"""Seconds after which a file that is written again shows another time of change, on every file system in use."""
_READING: Final = 60.0

_log: Final = logging.getLogger("smcp_security.keys")

Signature = tuple[int, ...]
_CHANGED: Final = 4
"""Where the time of change stands in a signature, in nanoseconds."""


def read_file(path: str) -> bytes:
    """The bytes of a key file.

    Raises:
        KeyFileError: unreadable, over 1 MiB, not a regular file, or one that others may write.
    """
    try:
        # Without O_NONBLOCK the name of a pipe would stall whoever reads it.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            _check(path, os.fstat(descriptor))
            with open(descriptor, "rb", closefd=False) as file:
                data = file.read(FILE_MAX + 1)
        finally:
            # Not by `open`: one that refuses a folder leaves the descriptor behind, and it is looked at each second.
            os.close(descriptor)
    except FileNotFoundError:
        raise KeyFileError(f"{path}: no such file; a relative name counts from the current directory") from None
    except PermissionError:
        raise KeyFileError(f"{path}: this process may not read it; change its owner or mode") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise KeyFileError(f"{path!r}: cannot be read ({reason})") from None
    if len(data) > FILE_MAX:
        raise KeyFileError(f"{path}: larger than 1 MiB; is this the right file?")
    return data


def _check(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError(f"{path}: not a regular file; name the file that holds the keys")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise KeyFileError(f"{path}: others than its owner may write it; run: chmod go-w {path}")


def parsed(parse: Callable[[bytes, str], T]) -> Callable[[str], T]:
    """A reader of key files: what `parse` makes of the bytes."""
    return lambda path: parse(read_file(path), path)


class Watched(Generic[T]):
    """What `read` makes of a file, now. Thread-safe."""

    def __init__(
        self,
        path: str,
        read: Callable[[str], T],
        clock: Callable[[], float] = time.monotonic,
        *,
        fault: type[SMCPError] = KeyFileError,
        effect: str = "credentials are refused",
        log: logging.Logger = _log,
    ) -> None:
        """Reads the file. Raises what `read` does; `fault` is what it raises for a file that cannot be used.

        `effect` is what the log says to come of such a file.
        """
        self._path = path
        self._make = read
        self._clock = clock
        self._expected = fault
        self._effect = effect
        self._log = log
        self._lock = Lock()
        self._reading: Errand[None] | None = None
        self._fault = ""
        self._value, self._signature = self._read()
        self._looked = clock()

    def reset_lock(self) -> None:
        """Call in the child after a fork."""
        self._lock = Lock()
        self._reading = None

    def current(self) -> T:
        """What the file says. Raises `Unavailable` while it cannot be read."""
        reading = self._look()
        if reading is not None:
            reading.wait()
        return self._known()

    def current_async(self) -> T | Awaitable[T]:
        """`current`; awaitable only when the file has changed."""
        reading = self._look()
        return self._known() if reading is None else self._known_after(reading)

    def glance(self) -> T | None:
        """What was read last, without waiting for what has changed since; None while it cannot be read."""
        self._look()
        return None if self._fault else self._value

    async def _known_after(self, reading: Errand[None]) -> T:
        await reading.wait_async()
        return self._known()

    def _known(self) -> T:
        if self._fault:
            raise Unavailable(f"{self._path} cannot be used")
        return self._value

    def _look(self) -> Errand[None] | None:
        """The reading to wait for: one that has just begun because the file changed, or is still going on."""
        # In this order: the time of the look is noted after the reading has begun.
        if self._clock() - self._looked < LOOK_EVERY and not self._is_being_read():
            return None
        with self._lock:
            if self._is_being_read():
                return self._reading
            begun = None
            if self._clock() - self._looked >= LOOK_EVERY and _signature_of(self._path) != self._signature:
                # On a thread: thousands of keys take a second to parse.
                begun = self._reading = Errand(self._reread, _READING)
            self._looked = self._clock()
            return begun

    def _is_being_read(self) -> bool:
        reading = self._reading
        return reading is not None and not reading.done

    def _reread(self) -> None:
        try:
            value, signature = self._read()
        except self._expected as error:
            self._failed(str(error))
        except Exception:
            # What is known may no longer be true, whatever went wrong.
            self._failed(f"{self._path}: cannot be parsed")
            raise
        else:
            self._value, self._signature = value, signature
            if self._fault:
                self._log.warning("%s can be used again", self._path)
            self._fault = ""

    def _failed(self, fault: str) -> None:
        self._signature = ()
        if fault != self._fault:
            self._log.error("%s until this is mended: %s", self._effect, fault)
        self._fault = fault

    def _read(self) -> tuple[T, Signature]:
        before = _signature_of(self._path)
        value = self._make(self._path)
        # What changed a moment ago may change again without a sign: it is read once more. So is what changed meanwhile.
        settled = before is not None and abs(time.time() - before[_CHANGED] / 1e9) > _SETTLED
        return value, before if before is not None and settled and before == _signature_of(self._path) else ()


def _signature_of(path: str) -> Signature | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode)
