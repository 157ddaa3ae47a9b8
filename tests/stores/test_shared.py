"""What is done while the shared store is away, by a clock and a remote of the test's own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from threading import Event
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.checks.rung import AskStanding, Charge, Claim, Draw, Question, Refusal, Release, Settle, Slot, Spend
from smcp_security.errors import StoreAway
from smcp_security.stores.calls import Revoked
from smcp_security.stores.redis import RedisStore
from smcp_security.stores.shared import SharedStore, share_of
from tests.stores.test_snapshot import Clock


class Remote:
    """Stands for the server: answers, or is away."""

    def __init__(self) -> None:
        self.away = False
        self.asked: list[object] = []
        self.names: frozenset[str] = frozenset()

    def answer(self, question: Question) -> object:
        self.asked.append(question)
        if self.away:
            raise StoreAway("gone")
        return "theirs" if type(question) is Claim else None

    async def answer_async(self, question: Question) -> object:
        return self.answer(question)

    def standing(self, version: bytes) -> Revoked:
        self.asked.append(version)
        if self.away:
            raise StoreAway("gone")
        return Revoked(b"1", None if version == b"1" else self.names)

    async def standing_async(self, version: bytes) -> Revoked:
        return self.standing(version)

    def revoke(self, name: str, seconds: float | None) -> None:
        self.names |= {name}

    def renew(self, slots: Sequence[Slot]) -> None:
        self.answer(Release(slots))

    release = renew

    def reset_lock(self) -> None:
        """There is none."""

    def close(self) -> None:
        """There is nothing."""


class Scene:
    """A shared store, its remote, its clock, and what it said."""

    def __init__(self, workers: int = 4) -> None:
        self.remote, self.clock, self.said = Remote(), Clock(), list[str]()
        self.store = SharedStore(cast(RedisStore, self.remote), workers, self.said.append, self.clock)

    def spend(self, *charges: Charge, slots: Sequence[Slot] = (), draws: Sequence[Draw] = ()) -> Any:
        return self.store.answer(Spend(charges, False, draws, slots))


CHARGE = Charge("k", 1.0, 8)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_while_the_store_answers_nothing_is_counted_here(scene: Scene) -> None:
    assert [scene.spend(CHARGE) for _ in range(50)] == [None] * 50
    assert scene.said == [] and len(scene.remote.asked) == 50


def test_while_the_store_is_away_each_worker_gives_out_its_part(scene: Scene) -> None:
    scene.remote.away = True
    given = [scene.spend(CHARGE) for _ in range(3)]
    # A burst of 8 among 4 workers is 2, and a unit a second is one in four seconds.
    assert given == [None, None, Refusal(0, pytest.approx(4.0))]
    scene.clock.now += 4.0
    assert scene.spend(CHARGE) is None and scene.spend(CHARGE) is not None


def test_going_away_and_coming_back_are_told_once_each(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.remote.away = True
    for _ in range(5):
        scene.spend(CHARGE)
    scene.remote.away = False
    scene.clock.now += 1.0
    for _ in range(5):
        scene.spend(CHARGE)
    assert scene.said == ["away", "back"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


def test_while_the_store_is_away_one_caller_a_second_tries_it(scene: Scene) -> None:
    scene.remote.away = True
    for _ in range(30):
        scene.spend(CHARGE)
        scene.clock.now += 0.1
    assert 2 <= len(scene.remote.asked) <= 4


def test_one_outage_after_another_gives_no_fresh_burst(scene: Scene) -> None:
    given = 0
    for _ in range(10):
        scene.remote.away = True
        given += sum(scene.spend(CHARGE) is None for _ in range(5))
        scene.remote.away = False
        scene.clock.now += 1.0
        scene.spend(CHARGE)
    assert given <= 2 + 10 / 4


def test_a_call_that_began_before_the_outage_does_not_end_it(scene: Scene) -> None:
    """A slow answer that arrives after another call has timed out says nothing of the present."""

    async def run() -> None:
        late = scene.store.answer_async(Spend([CHARGE]))
        scene.remote.away = True
        scene.spend(CHARGE)
        scene.remote.away = False
        await cast(Any, late)

    asyncio.run(run())
    assert scene.said == ["away"] and scene.store.away


@pytest.mark.parametrize("question", [Claim("k", "ann", 60.0), Claim("k", "", 60.0), AskStanding()])
def test_what_needs_the_store_is_refused_at_once_while_it_is_away(scene: Scene, question: Question) -> None:
    scene.remote.away = True
    scene.spend(CHARGE)
    asked = len(scene.remote.asked)
    with pytest.raises(StoreAway):
        scene.store.answer(question)
    with pytest.raises(StoreAway):
        asyncio.run(_awaited(scene.store, question))
    assert len(scene.remote.asked) == asked


async def _awaited(store: SharedStore, question: Question) -> object:
    reply = store.answer_async(question)
    return await reply if asyncio.iscoroutine(reply) else reply


def test_while_the_store_is_away_an_event_loop_is_answered_without_a_turn(scene: Scene) -> None:
    scene.remote.away = True
    scene.spend(CHARGE)
    assert scene.store.answer_async(Spend([CHARGE])) is None


def test_a_failure_on_an_event_loop_is_counted_like_any_other(scene: Scene) -> None:
    scene.remote.away = True
    assert asyncio.run(_awaited(scene.store, Spend([CHARGE]))) is None
    assert scene.said == ["away"]
    scene.remote.away = False
    scene.clock.now += 1.0
    assert asyncio.run(_awaited(scene.store, Spend([CHARGE]))) is None
    assert scene.said == ["away", "back"]


def test_names_seen_a_moment_ago_count_while_the_store_is_away(scene: Scene) -> None:
    scene.remote.names = frozenset({"key:a"})
    assert scene.store.standing_names() == {"key:a"}
    scene.remote.away = True
    scene.clock.now += 4.5
    assert scene.store.standing_names() == {"key:a"}
    scene.clock.now += 1.0
    with pytest.raises(StoreAway):
        scene.store.standing_names()
    scene.remote.away = False
    scene.clock.now += 1.0
    assert scene.store.standing_names() == {"key:a"}


def test_what_this_process_revokes_counts_here_at_once(scene: Scene) -> None:
    assert scene.store.standing_names() == frozenset()
    scene.store.revoke("key:a")
    assert scene.store.standing_names() == {"key:a"}


def test_a_slot_taken_alone_is_given_back_alone(scene: Scene) -> None:
    scene.remote.away = True
    slots = [Slot("k", 4, holder, 30.0) for holder in "abc"]
    assert scene.spend(slots=slots[:1]) is None
    assert scene.spend(slots=slots[1:2]) == Refusal(0, 0.0)
    scene.remote.away = False
    scene.clock.now += 1.0
    scene.store.answer(Release(slots[:1]))
    scene.remote.away = True
    assert scene.spend(slots=slots[2:]) is None


def test_what_is_settled_alone_is_taken_from_the_part_of_this_process(scene: Scene) -> None:
    scene.remote.away = True
    draw = Draw("k", 400, 50, 600.0)
    assert scene.spend(draws=[draw]) is None
    assert scene.store.answer(Settle([draw])) is None
    assert scene.spend(draws=[Draw("k", 400, 1, 600.0)]) == Refusal(0, 600.0)


def test_a_call_that_costs_more_than_the_part_passes_when_nothing_else_did() -> None:
    [charge] = share_of(Spend([Charge("k", 1.0, 8, cost=5)]), 4).charges
    assert (charge.burst, charge.interval, charge.cost) == (5, 4.0, 5)
    [charge] = share_of(Spend([Charge("k", 1.0, 8, cost=9)]), 4).charges
    assert charge.burst < charge.cost


@settings(max_examples=50)
@given(
    st.integers(1, 64),
    st.integers(1, 1000),
    st.floats(0.001, 10),
    st.lists(st.tuples(st.floats(0, 3), st.integers(0, 63)), max_size=60),
)
def test_all_workers_together_keep_the_bound_of_an_outage(
    workers: int, burst: int, interval: float, steps: list[tuple[float, int]]
) -> None:
    scenes = [Scene(workers) for _ in range(workers)]
    for scene in scenes:
        scene.remote.away = True
    passed, elapsed = 0, 0.0
    for pause, place in steps:
        elapsed += pause
        scene = scenes[place % workers]
        scene.clock.now = 1000.0 + elapsed
        passed += scene.spend(Charge("k", interval, burst)) is None
    assert passed <= workers * max(1, burst // workers) + elapsed / interval + 1e-6


def test_a_child_after_a_fork_has_locks_of_its_own(scene: Scene) -> None:
    locked = [scene.store._circuit._lock, scene.store._snapshot._lock, scene.store._heartbeat._lock]
    for lock in locked:
        lock.acquire()
    scene.store.reset_lock()
    scene.remote.away = True
    assert scene.spend(CHARGE) is None and scene.said == ["away"]
    scene.store.close()


def test_a_closed_store_makes_no_alarm(scene: Scene) -> None:
    """A reload closes the store of before while calls still run."""
    scene.store.close()
    scene.remote.away = True
    assert scene.spend(CHARGE) is None
    assert scene.said == []


def test_slots_of_a_caller_that_was_cancelled_meanwhile_are_given_back() -> None:
    slot = Slot("s", 1, "holder", 30.0)
    given_back = Event()

    class Waiting(Remote):
        async def answer_async(self, question: Question) -> object:
            self.asked.append(question)
            await asyncio.Event().wait()
            return None

        def release(self, slots: Sequence[Slot]) -> None:
            assert list(slots) == [slot]
            given_back.set()

    async def hang_up(store: SharedStore) -> None:
        task = asyncio.ensure_future(_awaited(store, Spend(slots=[slot])))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    store = SharedStore(cast(RedisStore, Waiting()), 4, lambda _: None)
    asyncio.run(hang_up(store))
    assert given_back.wait(10)
    store.close()
