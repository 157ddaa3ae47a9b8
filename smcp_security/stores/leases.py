"""Which slots this process holds, and the thread that renews them: those of a process that died lapse by themselves."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from threading import Lock, Thread, current_thread
from typing import Final, TypeAlias

from smcp_security.checks.rung import Slot
from smcp_security.errors import StoreAway

# With nothing to renew for this long the thread ends; the next slot starts another.
IDLE_SECONDS: Final = 60.0
# While the store is away, renewing is tried this often.
RETRY_SECONDS: Final = 1.0

_Key: TypeAlias = tuple[str, str]


class Leases:
    """Slots, each with a weak reference to what holds it: where that is gone, the slot is an orphan."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all, as in the child after a fork: the slots are the parent's."""
        # The queue alone may be touched by the garbage collector, which may run inside of any lock.
        self.news: SimpleQueue[tuple[Slot, ...] | None] = SimpleQueue()
        self._held: dict[_Key, tuple[Slot, object]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, slots: Sequence[Slot], owner: object) -> None:
        """From now on the slots are held as long as `owner` lives."""
        lost, news = tuple(slots), self.news

        def orphaned(_: object) -> None:
            news.put(lost)

        reference = weakref.ref(owner, orphaned)
        self._held.update(((slot.key, slot.holder), (slot, reference)) for slot in slots)

    def drop(self, slots: Iterable[Slot]) -> None:
        """They are held no more, and their owner is nobody's concern."""
        for slot in slots:
            self._held.pop((slot.key, slot.holder), None)

    def live(self) -> list[Slot]:
        """The slots that are held."""
        return [slot for slot, _ in list(self._held.values())]

    def holds(self, slot: Slot) -> bool:
        """Whether the slot is held."""
        return (slot.key, slot.holder) in self._held

    def orphans(self) -> list[Slot]:
        """The slots whose owner is gone since the last time; they are held no more."""
        lost: list[Slot] = []
        while not self.news.empty():
            lost += self.news.get() or ()
        self.drop(lost)
        return lost


class Heartbeat:
    """One daemon thread that renews what this process holds, every third of the shortest life of a slot.

    `renew` and `release` may block for the time limit of the store, and raise `StoreAway`.
    """

    def __init__(self, renew: Callable[[Sequence[Slot]], None], release: Callable[[Sequence[Slot]], None]) -> None:
        self._renew, self._release = renew, release
        self._leases = Leases()
        self._closed = False
        self._lock = Lock()
        self._thread: Thread | None = None
        self._period = IDLE_SECONDS

    def hold(self, slots: Sequence[Slot], owner: object) -> None:
        """Renew the slots until they are dropped; release them if `owner` is collected before."""
        with self._lock:
            if self._closed or not slots:
                return
            self._leases.hold(slots, owner)
            period = min(slot.ttl for slot in slots) / 3
            sooner, self._period = period < self._period, min(self._period, period)
            if self._thread is None:
                self._thread = Thread(target=self._run, args=(self._leases,), name="smcp-leases", daemon=True)
                self._thread.start()
            elif sooner:
                self._leases.news.put(())

    def drop(self, slots: Iterable[Slot]) -> None:
        """Renew the slots no more."""
        with self._lock:
            self._leases.drop(slots)

    def reset_lock(self) -> None:
        """Call in the child after a fork: the thread is not there, and the slots are the parent's."""
        self._lock = Lock()
        self._thread = None
        self._leases = Leases()

    def close(self) -> None:
        """Stop the thread, and give back what is still held."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
            left = self._leases.live()
            self._leases.news.put(None)
        if thread is not None and thread is not current_thread():
            thread.join()
        if left:
            self._quietly(self._release, left)

    def _run(self, leases: Leases) -> None:
        beat_at = time.monotonic() + self._period
        while True:
            idle = len(leases) == 0
            try:
                news = leases.news.get(timeout=IDLE_SECONDS if idle else max(0.0, beat_at - time.monotonic()))
            except Empty:
                if idle and self._ended(leases):
                    return
                beat_at = time.monotonic() + self._beat(leases)
                continue
            if news is None:
                return
            if news:
                self._let_go(news, leases)
            beat_at = min(beat_at, time.monotonic() + self._period)

    def _ended(self, leases: Leases) -> bool:
        with self._lock:
            if len(leases) or not leases.news.empty() or self._thread is not current_thread():
                return self._thread is not current_thread()
            self._thread = None
        return True

    def _beat(self, leases: Leases) -> float:
        """Renew all, and say when to come again."""
        live = leases.live()
        if live and not self._quietly(self._renew, live):
            return min(RETRY_SECONDS, self._period)
        # What was released while it was renewed is there again.
        self._quietly(self._release, [slot for slot in live if not leases.holds(slot)])
        return self._period

    def _let_go(self, slots: Sequence[Slot], leases: Leases) -> None:
        with self._lock:
            leases.drop(slots)
        self._quietly(self._release, slots)

    def _quietly(self, work: Callable[[Sequence[Slot]], None], slots: Sequence[Slot]) -> bool:
        """Whether it was done: where the store is away, slots lapse by themselves."""
        if not slots:
            return True
        try:
            work(slots)
        except StoreAway:
            return False
        return True
