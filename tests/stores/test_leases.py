"""Slots that this process holds: renewed while their owner lives, given back when it is gone, quiet when idle."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from queue import Queue

import pytest

from smcp_security.checks.rung import Slot
from smcp_security.errors import StoreAway
from smcp_security.stores import leases
from smcp_security.stores.leases import Heartbeat, Leases

SOON = 10.0


class Owner:
    """Something that can be referred to weakly."""


class Remote:
    """Notes what it is told, in order."""

    def __init__(self) -> None:
        self.told: Queue[tuple[str, set[str]]] = Queue()
        self.away = False
        self.meanwhile: Callable[[], None] = lambda: None

    def renew(self, slots: Sequence[Slot]) -> None:
        self.told.put(("renew", {slot.holder for slot in slots}))
        self.meanwhile()
        if self.away:
            raise StoreAway("gone")

    def release(self, slots: Sequence[Slot]) -> None:
        self.told.put(("release", {slot.holder for slot in slots}))
        if self.away:
            raise StoreAway("gone")

    def next(self, kind: str) -> set[str]:
        """What it is told of this kind next."""
        ends = time.monotonic() + SOON
        while True:
            told, holders = self.told.get(timeout=max(0.01, ends - time.monotonic()))
            if told == kind:
                return holders


@pytest.fixture
def remote() -> Remote:
    return Remote()


@pytest.fixture
def heartbeat(remote: Remote) -> Iterator[Heartbeat]:
    made = Heartbeat(remote.renew, remote.release)
    yield made
    made.close()


def _slot(holder: str, ttl: float = 0.03) -> Slot:
    return Slot("k", 9, holder, ttl)


def test_all_that_is_held_is_renewed_together_again_and_again(remote: Remote, heartbeat: Heartbeat) -> None:
    owner = Owner()
    heartbeat.hold([_slot("a"), Slot("other", 9, "b", 30.0)], owner)
    heartbeat.hold([_slot("c")], owner)
    while remote.next("renew") != {"a", "b", "c"}:
        pass
    assert remote.next("renew") == {"a", "b", "c"}


def test_what_is_dropped_is_renewed_no_more(remote: Remote, heartbeat: Heartbeat) -> None:
    owner = Owner()
    heartbeat.hold([_slot("a")], owner)
    heartbeat.hold([_slot("b")], owner)
    heartbeat.drop([_slot("a")])
    while remote.next("renew") != {"b"}:
        pass
    assert remote.next("renew") == {"b"}


def test_slots_of_an_owner_that_is_gone_are_given_back(remote: Remote, heartbeat: Heartbeat) -> None:
    owner, other = Owner(), Owner()
    heartbeat.hold([_slot("a", 300.0)], owner)
    heartbeat.hold([_slot("b", 300.0)], other)
    del owner
    # At once, though the next renewal is minutes away.
    assert remote.next("release") == {"a"}


def test_an_owner_that_goes_after_its_slot_was_dropped_gives_nothing_back(remote: Remote, heartbeat: Heartbeat) -> None:
    owner, other = Owner(), Owner()
    heartbeat.hold([_slot("a")], owner)
    heartbeat.drop([_slot("a")])
    del owner
    heartbeat.hold([_slot("b")], other)
    del other
    assert remote.next("release") == {"b"}


def test_a_slot_that_is_dropped_while_it_is_renewed_is_given_back_again(remote: Remote, heartbeat: Heartbeat) -> None:
    """The release was overtaken by the renewal: without this the slot would be a ghost until it lapses."""
    owner, slot = Owner(), _slot("a")
    remote.meanwhile = lambda: heartbeat.drop([slot])
    heartbeat.hold([slot], owner)
    assert remote.next("release") == {"a"}


def test_renewing_goes_on_after_the_store_was_away(remote: Remote, heartbeat: Heartbeat) -> None:
    owner = Owner()
    remote.away = True
    heartbeat.hold([_slot("a")], owner)
    assert remote.next("renew") == remote.next("renew") == {"a"}
    remote.away = False
    assert remote.next("renew") == {"a"}


def test_closing_gives_back_what_is_still_held(remote: Remote, heartbeat: Heartbeat) -> None:
    owner = Owner()
    heartbeat.hold([_slot("a", 300.0)], owner)
    heartbeat.close()
    assert remote.next("release") == {"a"}
    heartbeat.hold([_slot("b")], owner)
    assert heartbeat._thread is None


def test_there_is_no_thread_before_the_first_slot(heartbeat: Heartbeat) -> None:
    assert heartbeat._thread is None
    heartbeat.hold([], Owner())
    assert heartbeat._thread is None


def test_a_thread_with_nothing_to_do_ends_and_the_next_slot_starts_another(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "IDLE_SECONDS", 0.01)
    heartbeat, owner = Heartbeat(remote.renew, remote.release), Owner()
    heartbeat.hold([_slot("a")], owner)
    first = heartbeat._thread
    heartbeat.drop([_slot("a")])
    assert first is not None
    first.join(SOON)
    assert not first.is_alive() and heartbeat._thread is None
    heartbeat.hold([_slot("b")], owner)
    assert remote.next("renew") == {"b"}
    heartbeat.close()


def test_a_child_after_a_fork_holds_nothing_of_its_parent(remote: Remote, heartbeat: Heartbeat) -> None:
    owner, other = Owner(), Owner()
    heartbeat.hold([_slot("parent", 300.0)], owner)
    before = heartbeat._leases
    heartbeat._lock.acquire()
    heartbeat.reset_lock()
    heartbeat.hold([_slot("child")], other)
    assert remote.next("renew") == {"child"}
    before.news.put(None)


def test_orphans_are_told_once() -> None:
    held, owner = Leases(), Owner()
    held.hold([_slot("a"), _slot("b")], owner)
    assert len(held) == 2 and held.orphans() == []
    del owner
    assert {slot.holder for slot in held.orphans()} == {"a", "b"}
    assert held.orphans() == [] and len(held) == 0
