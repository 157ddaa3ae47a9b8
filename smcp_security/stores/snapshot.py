"""The revoked names as this process last saw them: never older than five seconds when they are used."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

from smcp_security.errors import StoreAway
from smcp_security.stores.calls import Revoked

OLDEST: Final = 5.0
# One asker renews it from here on, and the others use what is there.
AGING: Final = 2.0


class Snapshot:
    """A set of names, its version, and when it was asked for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._names: frozenset[str] = frozenset()
        self._asked_at = float("-inf")
        self._next_at = float("-inf")
        self.version = b""
        self._lock = Lock()

    def reset_lock(self) -> None:
        """Call in the child after a fork."""
        self._lock = Lock()

    def usable(self) -> frozenset[str]:
        """The names. Raises `StoreAway` where they are too old."""
        if self._clock() - self._asked_at > OLDEST:
            raise StoreAway("what has been revoked is not known: the store is away")
        return self._names

    def due(self) -> float | None:
        """When the asker begins to renew it, for `keep`; None where it is fresh, or another one is at it."""
        now = self._clock()
        if now < self._next_at:
            return None
        with self._lock:
            if now < self._next_at:
                return None
            # Past the oldest age nobody can use it: everybody asks.
            self._next_at = min(now + AGING, max(now, self._asked_at + OLDEST))
        return now

    def keep(self, found: Revoked, asked_at: float) -> None:
        """What the store said to a question of `asked_at`. The object stays the same while the names do."""
        with self._lock:
            if asked_at < self._asked_at:
                return
            if found.names is not None:
                self.version = found.version
                self._names = self._names if found.names == self._names else found.names
            self._asked_at = asked_at
            self._next_at = asked_at + AGING

    def forget(self) -> None:
        """The next asker waits for the store."""
        with self._lock:
            self._asked_at = self._next_at = float("-inf")
            self.version = b""
