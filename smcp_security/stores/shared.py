"""A shared store and what is done without it: limits are counted alone, the rest is refused, and it is tried again.

While the store is away each of `workers` processes gives out its part: a rate of `rate / workers` with a burst of
`burst // workers`, at least one and at least what one call costs; a budget of `limit // workers`; `limit // workers`
slots, at least one. So an outage of `t` seconds lets through at most `workers * max(1, cost, burst // workers)` units
and `rate * t`, on top of what the store gave out. The store is never told what was counted alone;
it counts on in the next outage.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence

from smcp_security.checks.rung import AskStanding, Charge, Draw, Question, Release, Settle, Slot, Spend, Standing
from smcp_security.errors import StoreAway
from smcp_security.stores.circuit import Circuit, Entry
from smcp_security.stores.leases import Heartbeat
from smcp_security.stores.memory import MemoryStore
from smcp_security.stores.redis import RedisStore
from smcp_security.stores.snapshot import Snapshot


class _Nobody:
    """An owner of slots that is gone at once."""


class SharedStore:
    """`remote` while it answers. `on_change` is told "away" and "back", from the thread that notices."""

    def __init__(
        self,
        remote: RedisStore,
        workers: int,
        on_change: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._remote, self._workers = remote, workers
        self._alone = MemoryStore(clock=clock)
        self._circuit = Circuit(on_change, clock)
        self._snapshot = Snapshot(clock)
        self._heartbeat = Heartbeat(self._renew, self._release)

    @property
    def away(self) -> bool:
        """Whether the store counts as away."""
        return self._circuit.away

    def answer(self, question: Question) -> object:
        """Answer a question, blocking for as long as the store may take. Raises `StoreAway`."""
        if type(question) is AskStanding:
            return Standing(self.standing_names())
        self._given_back(question)
        entry = self._circuit.enter()
        if entry is None:
            return self._answer_alone(question)
        try:
            reply = self._remote.answer(question)
        except StoreAway as error:
            self._circuit.failed(error)
            return self._answer_alone(question)
        self._circuit.passed(entry)
        return reply

    def answer_async(self, question: Question) -> object:
        """Answer a question at once while the store is away, else an awaitable."""
        if type(question) is AskStanding:
            return self._standing_async()
        self._given_back(question)
        entry = self._circuit.enter()
        return self._answer_alone(question) if entry is None else self._answer_awaited(question, entry)

    def hold(self, slots: Sequence[Slot], owner: object) -> None:
        """Renew the slots until they are released or the owner is no more."""
        self._heartbeat.hold(slots, owner)
        if self._circuit.away:
            self._alone.hold(slots, owner)

    def lapse(self, slots: Sequence[Slot]) -> None:
        """Renew the slots no more."""
        self._heartbeat.drop(slots)
        self._alone.lapse(slots)

    def standing_names(self) -> frozenset[str]:
        """The revoked names, at most five seconds old. Raises `StoreAway`."""
        asked_at = self._snapshot.due()
        entry = None if asked_at is None else self._circuit.enter()
        if asked_at is not None and entry is not None:
            try:
                found = self._remote.standing(self._snapshot.version)
            except StoreAway as error:
                self._circuit.failed(error)
            else:
                self._circuit.passed(entry)
                self._snapshot.keep(found, asked_at)
        return self._snapshot.usable()

    def standing_names_async(self) -> frozenset[str] | Awaitable[frozenset[str]]:
        """The same for an event loop; at once while the snapshot is fresh."""
        asked_at = self._snapshot.due()
        return self._snapshot.usable() if asked_at is None else self._renewed_names(asked_at)

    def revoke(self, name: str, seconds: float | None = None) -> None:
        """From now on `name` does not count here, and in other processes within five seconds. Raises `StoreAway`."""
        self._remote.revoke(name, seconds)
        self._snapshot.forget()

    def restore(self, name: str) -> bool:
        """`name` counts again. False if it was not revoked. Raises `StoreAway`."""
        known = self._remote.restore(name)
        self._snapshot.forget()
        return known

    def revoked(self) -> frozenset[str]:
        """The revoked names, as the store has them now. Raises `StoreAway`."""
        return self._remote.standing(b"").names or frozenset()

    async def revoke_async(self, name: str, seconds: float | None = None) -> None:
        """`revoke` for an event loop."""
        await self._remote.revoke_async(name, seconds)
        self._snapshot.forget()

    async def restore_async(self, name: str) -> bool:
        """`restore` for an event loop."""
        known = await self._remote.restore_async(name)
        self._snapshot.forget()
        return known

    async def revoked_async(self) -> frozenset[str]:
        """`revoked` for an event loop."""
        return (await self._remote.standing_async(b"")).names or frozenset()

    def reset_lock(self) -> None:
        """Call in the child after a fork: connections, the thread and the slots are the parent's."""
        for part in (self._remote, self._alone, self._circuit, self._snapshot, self._heartbeat):
            part.reset_lock()

    def close(self) -> None:
        """Give back what is held, and close all connections."""
        self._heartbeat.close()
        self._circuit.silence()
        self._remote.close()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _given_back(self, question: Question) -> None:
        """A slot may have been taken while the store was away, and given back when it is there, or the other way."""
        if type(question) is Release:
            self._heartbeat.drop(question.slots)
            self._alone.answer(question)

    def _answer_alone(self, question: Question) -> object:
        if type(question) is Spend:
            return self._alone.spend(share_of(question, self._workers))
        if type(question) in (Settle, Release):
            return self._alone.answer(question)
        raise StoreAway("the store is away")

    async def _answer_awaited(self, question: Question, entry: Entry) -> object:
        try:
            reply = await self._remote.answer_async(question)
        except StoreAway as error:
            self._circuit.failed(error)
            return self._answer_alone(question)
        except BaseException:
            if type(question) is Spend:
                # Whoever asked was cancelled, and the slots may be taken: who is no more gives them back.
                self._heartbeat.hold(question.slots, _Nobody())
            raise
        self._circuit.passed(entry)
        return reply

    async def _standing_async(self) -> Standing:
        names = self.standing_names_async()
        return Standing(names if isinstance(names, frozenset) else await names)

    async def _renewed_names(self, asked_at: float) -> frozenset[str]:
        entry = self._circuit.enter()
        if entry is not None:
            try:
                found = await self._remote.standing_async(self._snapshot.version)
            except StoreAway as error:
                self._circuit.failed(error)
            else:
                self._circuit.passed(entry)
                self._snapshot.keep(found, asked_at)
        return self._snapshot.usable()

    def _renew(self, slots: Sequence[Slot]) -> None:
        self._background(lambda: self._remote.renew(slots))

    def _release(self, slots: Sequence[Slot]) -> None:
        self._alone.answer(Release(slots))
        self._background(lambda: self._remote.release(slots))

    def _background(self, work: Callable[[], None]) -> None:
        entry = self._circuit.enter()
        if entry is None:
            raise StoreAway("the store is away")
        try:
            work()
        except StoreAway as error:
            self._circuit.failed(error)
            raise
        self._circuit.passed(entry)


def share_of(question: Spend, workers: int) -> Spend:
    """The part of one of `workers` processes. A call that costs more than its part may pass when nothing else did."""
    charges = [
        Charge(
            charge.key, charge.interval * workers, max(1, min(charge.cost, charge.burst), charge.burst // workers),
            charge.shared, charge.cost,
        )
        for charge in question.charges
    ]  # fmt: skip
    draws = [Draw(draw.key, draw.limit // workers, draw.cost, draw.ends, draw.shared) for draw in question.draws]
    slots = [
        Slot(slot.key, max(1, slot.limit // workers), slot.holder, slot.ttl, slot.shared) for slot in question.slots
    ]
    return Spend(charges, question.local, draws, slots)
