"""Workers that hammer one limit, and a server that is killed, frozen and started again under their hands."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from smcp_security.checks.rung import AskStanding, Charge, Claim, Question, Release, Slot, Spend
from smcp_security.errors import StoreAway
from smcp_security.stores.shared import SharedStore
from smcp_security.stores.store import open_remote
from tests.architecture.source import ROOT
from tests.stores.conftest import PATIENCE
from tests.stores.keyserver import KeyServer
from tests.stores.test_redis import AGES

TRIES = 2000


class Fleet:
    """Worker processes at one limit."""

    def __init__(self, server: KeyServer, namespace: str, *, burst: int, interval: float, tries: int) -> None:
        arguments = [server.url, namespace, "4", str(burst), str(interval), str(tries)]
        self.workers = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.stores.worker", *arguments, kind],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for kind in ("sync", "sync", "async", "async")
        ]  # fmt: skip
        for worker in self.workers:
            assert worker.stdout is not None and worker.stdout.readline() == "ready\n"

    def go(self) -> None:
        """All begin."""
        for worker in self.workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()

    def ended(self) -> tuple[int, list[str]]:
        """How often they were let through in all, and what else they said."""
        said = [line for worker in self.workers for line in worker.communicate()[0].splitlines()]
        return sum(int(line.split()[1]) for line in said if line.startswith("passed")), [
            line for line in said if not line.startswith("passed")
        ]


@pytest.mark.real
def test_four_workers_at_one_limit_never_get_one_call_too_many(valkey: KeyServer, namespace: str) -> None:
    fleet = Fleet(valkey, namespace, burst=1234, interval=AGES, tries=TRIES)
    fleet.go()
    assert fleet.ended() == (1234, [])


@pytest.mark.real
def test_four_workers_never_get_more_than_burst_and_rate_allow(valkey: KeyServer, namespace: str) -> None:
    fleet = Fleet(valkey, namespace, burst=50, interval=0.01, tries=TRIES)
    began = time.monotonic()
    fleet.go()
    passed, said = fleet.ended()
    assert said == []
    assert 50 <= passed <= 50 + (time.monotonic() - began) / 0.01


@pytest.mark.real
def test_a_server_that_is_killed_under_load_costs_no_more_than_is_promised(victim: KeyServer, namespace: str) -> None:
    """What the store gave out before, the parts of four workers, and what the store gives out that has forgotten."""
    fleet = Fleet(victim, namespace, burst=400, interval=AGES, tries=TRIES)
    fleet.go()
    victim.kill()
    victim.start()
    passed, said = fleet.ended()
    assert 100 <= passed <= 400 + 4 * 100 + 400
    assert set(said) <= {"away", "back"}


# -- four workers in one process, on a clock that the test moves on ----------------------------------------------------


class Worker:
    """A worker's store, and what it said."""

    def __init__(self, server: KeyServer, namespace: str, *, timeout: float = PATIENCE, workers: int = 4) -> None:
        # The clock stands still until the test moves it, however long a server takes to start.
        self.said, self.ahead, began = list[str](), 0.0, time.monotonic()
        remote = open_remote(server.url, namespace, timeout)
        self.store = SharedStore(remote, workers, self.said.append, lambda: began + self.ahead)

    def spend(self, question: Question) -> Any:
        """The answer."""
        return self.store.answer(question)


@contextmanager
def _workers(count: int, server: KeyServer, namespace: str, **settings: Any) -> Iterator[list[Worker]]:
    workers = [Worker(server, namespace, **settings) for _ in range(count)]
    yield workers
    for worker in workers:
        worker.store.close()


def _passed(worker: Worker, question: Spend) -> int:
    return sum(worker.spend(question) is None for _ in range(30))


def test_limits_survive_the_death_of_the_server_and_are_shared_again_after_it(
    victim: KeyServer, namespace: str
) -> None:
    question = Spend([Charge("k", AGES, 40)])
    with _workers(4, victim, namespace) as workers:
        assert [worker.spend(question) for worker in workers] == [None] * 4
        victim.kill()
        assert [_passed(worker, question) for worker in workers] == [10] * 4
        assert all(worker.said == ["away"] for worker in workers)
        victim.start()
        # Nobody has tried yet.
        assert workers[0].spend(question) is not None
        for worker in workers:
            worker.ahead += 1.0
        assert sum(_passed(worker, question) for worker in workers) == 40
        assert all(worker.said == ["away", "back"] for worker in workers)


def test_what_one_worker_revokes_the_others_know_in_time(valkey: KeyServer, namespace: str) -> None:
    with _workers(2, valkey, namespace) as [one, other]:
        assert other.store.standing_names() == frozenset()
        one.store.revoke("key:a")
        assert one.store.standing_names() == {"key:a"}
        other.ahead += 2.0
        assert other.store.standing_names() == {"key:a"}
        one.store.restore("key:a")
        other.ahead += 2.0
        assert other.store.standing_names() == frozenset()


def test_what_needs_the_store_is_denied_while_it_is_dead(victim: KeyServer, namespace: str) -> None:
    with _workers(1, victim, namespace) as [worker]:
        assert worker.spend(Claim("session", "ann", 60.0)) == "ann"
        worker.store.revoke("key:a")
        assert worker.store.standing_names() == {"key:a"}
        victim.kill()
        for question in (Claim("session", "ann", 60.0), Claim("session", "", 60.0)):
            with pytest.raises(StoreAway):
                worker.spend(question)
        for change in (
            worker.store.revoked,
            lambda: worker.store.revoke("key:b"),
            lambda: worker.store.restore("key:a"),
        ):
            with pytest.raises(StoreAway):
                change()
        assert worker.store.standing_names() == {"key:a"}
        worker.ahead += 5.1
        with pytest.raises(StoreAway):
            worker.spend(AskStanding())
        assert worker.spend(Release([Slot("k", 1, "a", 30.0)])) is None


def test_a_frozen_server_stalls_the_calls_in_flight_alone(victim: KeyServer, namespace: str) -> None:
    question = Spend([Charge("k", AGES, 400)])

    async def run(worker: Worker) -> None:
        assert await cast(Awaitable[object], worker.store.answer_async(question)) is None
        victim.freeze()
        flying = [
            asyncio.ensure_future(cast(Awaitable[object], worker.store.answer_async(question))) for _ in range(20)
        ]
        turns = 0
        while not all(task.done() for task in flying):
            turns += 1
            await asyncio.sleep(0.001)
        # The event loop went on meanwhile; and from now on nobody waits, but for one a second.
        assert turns > 10 and [task.result() for task in flying] == [None] * 20
        assert [worker.store.answer_async(question) for _ in range(50)] == [None] * 50
        worker.ahead += 1.0
        probe = worker.store.answer_async(question)
        assert [worker.store.answer_async(question) for _ in range(20)] == [None] * 20
        assert await cast(Awaitable[object], probe) is None
        assert worker.said == ["away"]
        victim.thaw()
        worker.ahead += 1.0
        assert await cast(Awaitable[object], worker.store.answer_async(Claim("session", "ann", 60.0))) == "ann"
        assert worker.said == ["away", "back"]

    with _workers(1, victim, namespace, timeout=0.1) as [worker]:
        asyncio.run(run(worker))


def test_a_late_reply_of_a_frozen_server_is_read_by_nobody(victim: KeyServer, namespace: str) -> None:
    """The reply to a call that was given up arrives all the same, on a connection that must not be used again."""
    with _workers(1, victim, namespace, timeout=0.1) as [worker]:
        assert worker.spend(Claim("session", "ann", 60.0)) == "ann"
        victim.freeze()
        with pytest.raises(StoreAway):
            worker.spend(Claim("session", "ann", 60.0))
        victim.thaw()
        worker.ahead += 1.0
        assert worker.spend(Spend([Charge("k", AGES, 1)])) is None
        assert worker.spend(Claim("other", "", 60.0)) == ""
        assert worker.said == ["away", "back"]


def test_slots_of_a_worker_that_died_come_back_and_those_of_others_stay(valkey: KeyServer, namespace: str) -> None:
    class Owner:
        pass

    owner = Owner()
    with _workers(2, valkey, namespace) as [dead, alive]:
        slots = [Slot("k", 2, holder, 0.3) for holder in ("dead", "alive")]
        for worker, slot in zip((dead, alive), slots, strict=True):
            assert worker.spend(Spend(slots=[slot])) is None
            worker.store.hold([slot], owner)
        # As a process does that is killed: its thread is gone, and nobody releases.
        dead.store._heartbeat._leases.news.put(None)
        another = Spend(slots=[Slot("k", 2, "another", 60.0)])
        assert alive.spend(another) is not None
        for _ in range(300):
            if alive.spend(another) is None:
                break
            time.sleep(0.01)
        else:
            raise AssertionError("the slot of the dead worker did not come back")
        assert alive.spend(Spend(slots=[Slot("k", 2, "third", 60.0)])) is not None


def test_slots_are_there_again_after_the_server_has_forgotten_them(victim: KeyServer, namespace: str) -> None:
    class Owner:
        pass

    owner, slot = Owner(), Slot("k", 1, "a", 0.3)
    with _workers(1, victim, namespace) as [worker]:
        assert worker.spend(Spend(slots=[slot])) is None
        worker.store.hold([slot], owner)
        victim.kill()
        victim.start()
        # Renewed sooner or later, though the server knew nothing of it.
        for _ in range(500):
            found = worker.store._remote.answer(Spend(slots=[Slot("k", 1, "b", 0.001)]))
            if found is not None:
                break
            time.sleep(0.01)
        assert found is not None
