"""Counters of one process: GCRA, several at once, bounded. Thread-safe; `reset_lock` makes it fork-safe."""

from __future__ import annotations

from threading import Lock
from typing import Final

from smcp_security.checks.rung import Charge, Refusal, Spend

# About 20 MB when full; a key is dropped only when it is idle, so filling the store never resets a limit.
MAX_KEYS: Final = 100_000
_ROUNDING: Final = 1e-9


class MemoryStore:
    """The generic cell rate algorithm (ITU-T I.371): one number a key, the time at which it will be idle again."""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._idle_at: dict[str, float] = {}
        self._max_keys = max_keys
        self._lock = Lock()
        self._sweep_at = 0.0

    def reset_lock(self) -> None:
        """Call in the child after a fork: the lock may have been held by a thread that is gone."""
        self._lock = Lock()

    def spend(self, question: Spend, now: float) -> Refusal | None:
        """Charge all or none. `now` is seconds of a clock that never goes back; the answer names the longest wait."""
        charged: dict[str, float] = {}
        refusal: Refusal | None = None
        with self._lock:
            for place, charge in enumerate(question.charges):
                key = self._key(charge, now)
                base = charged.get(key) or self._idle_at.get(key, 0.0)
                charged[key] = idle_at = (base if base > now else now) + charge.cost * charge.interval
                wait = idle_at - now - charge.burst * charge.interval
                # A hair's breadth of rounding must not refuse the last unit of a burst.
                if wait > _ROUNDING and (refusal is None or wait > refusal.wait):
                    refusal = Refusal(place, wait)
            if refusal is None:
                self._idle_at.update(charged)
        return refusal

    def _key(self, charge: Charge, now: float) -> str:
        if charge.key in self._idle_at or len(self._idle_at) < self._max_keys:
            return charge.key
        self._drop_idle(now)
        # None is idle: newcomers share one bucket rather than push a busy one out.
        return charge.key if len(self._idle_at) < self._max_keys else charge.shared

    def _drop_idle(self, now: float) -> None:
        """A sweep costs milliseconds: at most one a second, however many newcomers ask for it."""
        if now < self._sweep_at:
            return
        self._sweep_at = now + 1.0
        self._idle_at = {key: idle_at for key, idle_at in self._idle_at.items() if idle_at > now}
