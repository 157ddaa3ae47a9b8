"""The store of one process: counters, claims, slots and revocations. Bounded, thread-safe, and fork-safe."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Final

from smcp_security.checks.rung import AskStanding, Claim, Question, Refusal, Release, Settle, Slot, Spend, Standing
from smcp_security.errors import StoreAway
from smcp_security.stores.counters import SWEEP_SECONDS, Budgets, Rates, Slots, worse
from smcp_security.stores.leases import Leases

# Of each kind. Rates take about 20 MB when full.
MAX_KEYS: Final = 100_000


class MemoryStore:
    """Answers the questions of a store from this process alone.

    `clock` tells seconds and never goes back. Raises `StoreAway` for a claim when `max_keys` are held by others:
    forgetting one would give a session away.
    """

    def __init__(self, max_keys: int = MAX_KEYS, clock: Callable[[], float] = time.monotonic) -> None:
        self._rates, self._budgets, self._slots = Rates(max_keys), Budgets(max_keys), Slots(max_keys)
        self._claims: dict[str, tuple[str, float]] = {}
        self._revoked: dict[str, float] = {}
        self._names: frozenset[str] = frozenset()
        self._lapses_at = float("inf")
        self._leases = Leases()
        self._max_keys = max_keys
        self._clock = clock
        self._sweep_at = 0.0
        self._lock = Lock()
        self._answers: dict[type[Question], Callable[[Any], object]] = {
            Spend: self.spend,
            Settle: self._settle,
            Release: self._release,
            Claim: self._claim,
            AskStanding: lambda _: Standing(self.standing_names()),
        }

    def answer(self, question: Question) -> object:
        """The answer to a question that a store is asked."""
        return self._answers[type(question)](question)

    def answer_async(self, question: Question) -> object:
        """The same: memory is never waited for."""
        return self._answers[type(question)](question)

    def reset_lock(self) -> None:
        """Call in the child after a fork: the lock may be held by a thread that is gone; the slots are the parent's."""
        self._lock = Lock()
        self._slots = Slots(self._max_keys)
        self._leases.reset()

    def close(self) -> None:
        """There is nothing to let go."""

    def spend(self, question: Spend, now: float | None = None) -> Refusal | None:
        """Take all or none; the answer names what has to wait longest. `now` in place of the clock."""
        now = self._clock() if now is None else now
        with self._lock:
            charged, refusal = self._rates.weigh(question.charges, now)
            if not question.draws and not question.slots:
                if refusal is None:
                    self._rates.take(charged)
                return refusal
            self._slots.release(self._leases.orphans())
            drawn, short = self._budgets.weigh(question.draws, now, len(question.charges))
            taken, full = self._slots.weigh(question.slots, now, len(question.charges) + len(question.draws))
            for found in (short, full):
                refusal = refusal if found is None else worse(refusal, found.place, found.wait)
            if refusal is None:
                self._rates.take(charged)
                self._budgets.take(drawn)
                self._slots.take(taken)
        return refusal

    def hold(self, slots: Sequence[Slot], owner: object) -> None:
        """The slots are held until they are released or the owner is no more."""
        with self._lock:
            self._leases.hold(slots, owner)
            self._slots.keep(slots)

    def lapse(self, slots: Sequence[Slot]) -> None:
        """The slots end with their time, or are released before."""
        with self._lock:
            self._leases.drop(slots)
            self._slots.lapse(slots, self._clock())

    def standing_names(self) -> frozenset[str]:
        """The revoked names; the same object while none is added or lapses."""
        with self._lock:
            return self._current_names()

    def standing_names_async(self) -> frozenset[str]:
        """The same: memory is never waited for."""
        return self.standing_names()

    def revoked(self) -> frozenset[str]:
        """The revoked names."""
        return self.standing_names()

    def revoke(self, name: str, seconds: float | None = None) -> None:
        """From now on `name` does not count, for `seconds` or for ever."""
        with self._lock:
            self._revoked[name] = ends = float("inf") if seconds is None else self._clock() + seconds
            self._lapses_at = min(self._lapses_at, ends)
            self._names = frozenset(self._revoked)

    def restore(self, name: str) -> bool:
        """`name` counts again. False if it was not revoked."""
        with self._lock:
            known = self._revoked.pop(name, None) is not None
            self._names = frozenset(self._revoked)
        return known

    async def revoke_async(self, name: str, seconds: float | None = None) -> None:
        """`revoke` for an event loop."""
        self.revoke(name, seconds)

    async def restore_async(self, name: str) -> bool:
        """`restore` for an event loop."""
        return self.restore(name)

    async def revoked_async(self) -> frozenset[str]:
        """`revoked` for an event loop."""
        return self.revoked()

    def _current_names(self) -> frozenset[str]:
        # Asked for at every message: all of the names are looked at only when one of them lapses.
        if self._lapses_at < float("inf") and self._lapses_at <= (now := self._clock()):
            self._revoked = {name: ends for name, ends in self._revoked.items() if ends > now}
            self._names = frozenset(self._revoked)
            self._lapses_at = min(self._revoked.values(), default=float("inf"))
        return self._names

    def _settle(self, question: Settle) -> None:
        with self._lock:
            self._budgets.settle(question.draws, self._clock())

    def _release(self, question: Release) -> None:
        with self._lock:
            self._leases.drop(question.slots)
            self._slots.release(question.slots)

    def _claim(self, question: Claim) -> str:
        with self._lock:
            now = self._clock()
            owner, ends = self._claims.get(question.key, ("", 0.0))
            if ends <= now:
                owner = ""
            if not question.value or owner not in ("", question.value) or not (owner or question.begin):
                return owner
            if question.key not in self._claims:
                self._make_room(now)
            self._claims[question.key] = (question.value, now + question.ttl)
            return question.value

    def _make_room(self, now: float) -> None:
        if len(self._claims) >= self._max_keys and now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            self._claims = {key: claim for key, claim in self._claims.items() if claim[1] > now}
        if len(self._claims) >= self._max_keys:
            raise StoreAway("no room for another claim: too many are held by others")
