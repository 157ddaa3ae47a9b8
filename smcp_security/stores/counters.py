"""What one process counts: rates by GCRA, budgets and slots. Bounded, without a clock; the store that owns them locks.

Each `weigh` plans without changing anything and says what does not fit; `take` makes the plan true. Only what is idle
is dropped: where nothing is, newcomers share one counter, so that filling the store never resets one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from smcp_security.checks.rung import Charge, Draw, Refusal, Slot

_ROUNDING: Final = 1e-9
# A sweep costs milliseconds: at most one a second, however many newcomers ask for it.
SWEEP_SECONDS: Final = 1.0
# The end of a window is told by the wall clock, which may be set back a little.
_SPARE: Final = 60.0


def worse(refusal: Refusal | None, place: int, wait: float) -> Refusal:
    """The refusal with the longer wait, the first one of equals."""
    return refusal if refusal is not None and wait <= refusal.wait else Refusal(place, wait)


class Rates:
    """The generic cell rate algorithm (ITU-T I.371): one number a key, the time at which it will be idle again."""

    def __init__(self, most: int) -> None:
        self.idle_at: dict[str, float] = {}
        self._most = most
        self._sweep_at = 0.0

    def weigh(self, charges: Sequence[Charge], now: float) -> tuple[dict[str, float], Refusal | None]:
        """What the charges would make of their keys, and which of them has to wait longest."""
        plan: dict[str, float] = {}
        refusal: Refusal | None = None
        for place, charge in enumerate(charges):
            key = self._key(charge, now)
            base = plan.get(key) or self.idle_at.get(key, 0.0)
            plan[key] = idle_at = (base if base > now else now) + charge.cost * charge.interval
            wait = idle_at - now - charge.burst * charge.interval
            # A hair's breadth of rounding must not refuse the last unit of a burst.
            if wait > _ROUNDING:
                refusal = worse(refusal, place, wait)
        return plan, refusal

    def take(self, plan: Mapping[str, float]) -> None:
        """Make a plan true."""
        self.idle_at.update(plan)

    def _key(self, charge: Charge, now: float) -> str:
        if charge.key in self.idle_at or len(self.idle_at) < self._most:
            return charge.key
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            self.idle_at = {key: idle_at for key, idle_at in self.idle_at.items() if idle_at > now}
        return charge.key if len(self.idle_at) < self._most else charge.shared


class _Used(NamedTuple):
    units: int
    ends: float


class Budgets:
    """What was used of each budget in its window."""

    def __init__(self, most: int) -> None:
        self._used: dict[str, _Used] = {}
        self._most = most
        self._sweep_at = 0.0

    def __len__(self) -> int:
        return len(self._used)

    def weigh(self, draws: Sequence[Draw], now: float, first: int) -> tuple[dict[str, _Used], Refusal | None]:
        """What the draws would make of their keys, and which of them does not fit. Places count from `first`."""
        plan: dict[str, _Used] = {}
        refusal: Refusal | None = None
        for place, draw in enumerate(draws, first):
            used = self._after(draw, now, plan)
            if used > draw.limit:
                refusal = worse(refusal, place, draw.ends)
        return plan, refusal

    def settle(self, draws: Sequence[Draw], now: float) -> None:
        """Take what was used already, whether it fits or not."""
        plan: dict[str, _Used] = {}
        for draw in draws:
            self._after(draw, now, plan)
        self.take(plan)

    def take(self, plan: Mapping[str, _Used]) -> None:
        """Make a plan true."""
        self._used.update(plan)

    def _after(self, draw: Draw, now: float, plan: dict[str, _Used]) -> int:
        key = self._key(draw, now)
        before = plan.get(key) or self._used.get(key)
        units = draw.cost + (before.units if before is not None and before.ends > now else 0)
        plan[key] = _Used(units, now + draw.ends + _SPARE)
        return units

    def _key(self, draw: Draw, now: float) -> str:
        if draw.key in self._used or len(self._used) < self._most:
            return draw.key
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            self._used = {key: used for key, used in self._used.items() if used.ends > now}
        return draw.key if len(self._used) < self._most else draw.shared


class Slots:
    """Who holds which slots, and until when."""

    def __init__(self, most: int) -> None:
        self._holders: dict[str, dict[str, float]] = {}
        self._most = most
        self._sweep_at = 0.0

    def __len__(self) -> int:
        return len(self._holders)

    def weigh(
        self, slots: Sequence[Slot], now: float, first: int
    ) -> tuple[dict[str, dict[str, float]], Refusal | None]:
        """Who would hold the slots, and which of them is not free. When one will be is nobody's to know: wait 0."""
        plan: dict[str, dict[str, float]] = {}
        refusal: Refusal | None = None
        for place, slot in enumerate(slots, first):
            key = self._key(slot, now)
            taken, held = plan.setdefault(key, {}), self._live(key, now)
            others = len(held.keys() | taken.keys())
            if slot.holder not in held and slot.holder not in taken and others >= slot.limit:
                refusal = worse(refusal, place, 0.0)
            taken[slot.holder] = now + slot.ttl
        return plan, refusal

    def take(self, plan: Mapping[str, Mapping[str, float]]) -> None:
        """Make a plan true."""
        for key, holders in plan.items():
            self._holders.setdefault(key, {}).update(holders)

    def keep(self, slots: Iterable[Slot]) -> None:
        """They lapse no more: this process holds them until they are released, and they die with it."""
        for slot in slots:
            for key in (slot.key, slot.shared):
                if slot.holder in self._holders.get(key, ()):
                    self._holders[key][slot.holder] = float("inf")

    def lapse(self, slots: Iterable[Slot], now: float) -> None:
        """They lapse with their time from now."""
        for slot in slots:
            for key in (slot.key, slot.shared):
                if slot.holder in self._holders.get(key, ()):
                    self._holders[key][slot.holder] = now + slot.ttl

    def release(self, slots: Iterable[Slot]) -> None:
        """Give slots back, under whichever key they were counted."""
        for slot in slots:
            for key in (slot.key, slot.shared):
                holders = self._holders.get(key)
                if holders is not None and holders.pop(slot.holder, None) is not None and not holders:
                    del self._holders[key]

    def _live(self, key: str, now: float) -> dict[str, float]:
        held = self._holders.get(key)
        if held is None:
            return {}
        for holder in [holder for holder, ends in held.items() if ends <= now]:
            del held[holder]
        return held

    def _key(self, slot: Slot, now: float) -> str:
        if slot.key in self._holders or len(self._holders) < self._most:
            return slot.key
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            self._holders = {key: held for key in list(self._holders) if (held := self._live(key, now))}
        return slot.key if len(self._holders) < self._most else slot.shared
