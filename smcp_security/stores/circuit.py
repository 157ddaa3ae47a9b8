"""Whether the shared store is asked at all: while it is away by one caller a second alone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from enum import Enum
from threading import Lock
from typing import Final

from smcp_security.errors import StoreAway

PROBE_SECONDS: Final = 1.0
_log: Final = logging.getLogger("smcp_security.stores")


class Entry(Enum):
    """What a caller is let in for."""

    CALL = "call"
    PROBE = "probe"


class Circuit:
    """Opens at the first failure, closes at the first probe that succeeds. `on_change` is told "away" and "back"."""

    def __init__(self, on_change: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._on_change, self._clock = on_change, clock
        self._away = False
        self._silent = False
        self._probe_at = 0.0
        self._lock = Lock()

    @property
    def away(self) -> bool:
        """Whether the store counts as away."""
        return self._away

    def reset_lock(self) -> None:
        """Call in the child after a fork."""
        self._lock = Lock()

    def silence(self) -> None:
        """The store is closed: that it answers no more is no news."""
        self._silent = True

    def enter(self) -> Entry | None:
        """Whether to ask the store; None: do without it, at once."""
        if not self._away:
            return Entry.CALL
        with self._lock:
            now = self._clock()
            if now < self._probe_at:
                return None
            self._probe_at = now + PROBE_SECONDS
        return Entry.PROBE

    def failed(self, error: StoreAway) -> None:
        """The store did not answer."""
        with self._lock:
            changed, self._away = not self._away, True
            self._probe_at = self._clock() + PROBE_SECONDS
        if changed and not self._silent:
            _log.error("%s; limits are counted by each process alone, what needs the store is denied", error)
            self._on_change("away")

    def passed(self, entry: Entry) -> None:
        """The store answered. A call that began before it went away proves nothing."""
        if entry is not Entry.PROBE:
            return
        with self._lock:
            changed, self._away = self._away, False
        if changed and not self._silent:
            _log.warning("the store answers again; limits are shared again")
            self._on_change("back")
