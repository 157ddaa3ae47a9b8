"""With `fsync: always` a verdict takes effect once its record is on the disk, and nobody else waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace as changed

from smcp_security import Decision, SMCPSecurityFramework
from smcp_security.audit import commits
from smcp_security.checks.custody import Given
from smcp_security.contexts import in_process
from smcp_security.opened import Opened
from tests.audit.disk import Disk
from tests.watched import HONEST, HOSTILE, POLICY, Arrange, Watcher, arranging, judge

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def plain() -> Iterator[SMCPSecurityFramework]:
    """One framework for all; what a test puts into it is taken out again."""
    with SMCPSecurityFramework(POLICY) as framework:
        yield framework


@pytest.fixture
def arrange(plain: SMCPSecurityFramework) -> Iterator[Arrange]:
    with arranging(plain) as arranged:
        yield arranged


def test_a_verdict_takes_effect_when_its_record_is_on_the_disk(arrange: Arrange) -> None:
    disk, watcher = Disk(), Watcher()
    security = arrange(watcher, disk=disk)
    assert judge(security, HONEST).allowed and not judge(security, HOSTILE).allowed
    assert disk.flushed == [1, 2] and len(watcher.verdicts) == 2


@pytest.mark.parametrize(("on_failure", "allowed"), [("deny", False), ("continue", True)])
def test_a_verdict_whose_record_is_not_kept_follows_the_policy(
    arrange: Arrange, on_failure: str, allowed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    disk, watcher = Disk(answers=False), Watcher()
    security = arrange(watcher, disk=disk, on_failure=on_failure)
    decision = judge(security, HONEST)
    assert decision.allowed is allowed
    assert [found.code for found in decision.findings] == ([] if allowed else ["SMCP002"])
    assert watcher.verdicts == [(decision.id, allowed, "process")]
    # The record that says "allowed" may get to the disk later: another one says that it was not.
    told = [(record["kind"], record.get("result")) for record in disk.records]
    assert told == [("decision", None), *([] if allowed else [("outcome", "refused")])]
    assert disk.records[-1]["id"] == decision.id
    assert "is not on the disk" in caplog.text


@pytest.mark.parametrize("error", [OSError(5, "text"), RuntimeError("cannot schedule new futures after shutdown")])
async def test_a_disk_that_raises_denies_in_every_way_of_asking(arrange: Arrange, error: Exception) -> None:
    disk = Disk()
    disk.breaks = error
    security = arrange(disk=disk)
    for decision in (judge(security, HONEST), await security.process_request(HONEST)):
        assert not decision.allowed and decision.findings[-1].code == "SMCP002"
    disk.breaks = None
    assert judge(security, HONEST).allowed


def test_a_disk_that_stays_away_does_not_fill_the_log(arrange: Arrange, caplog: pytest.LogCaptureFixture) -> None:
    security = arrange(disk=Disk(answers=False), on_failure="continue")
    for _ in range(16):
        judge(security, HONEST)
    assert caplog.text.count("is not on the disk") == 5


def test_a_refusal_stays_what_it_is_when_its_record_is_not_kept(
    arrange: Arrange,
) -> None:
    disk = Disk(answers=False)
    decision = judge(arrange(disk=disk), HOSTILE)
    assert not decision.allowed and "SMCP002" not in [found.code for found in decision.findings]
    assert [record["kind"] for record in disk.records] == ["decision"]


def test_who_is_refused_does_not_wait_for_a_disk_that_is_known_to_fail(
    arrange: Arrange,
) -> None:
    disk = Disk(answers=False)
    disk.healthy = False
    assert not judge(arrange(disk=disk), HOSTILE).allowed
    assert disk.flushed == []


def test_a_sink_that_takes_nothing_is_not_asked_to_keep_it(arrange: Arrange) -> None:
    disk = Disk()
    disk.full, disk.healthy = True, False
    decision = judge(arrange(disk=disk), HONEST)
    assert not decision.allowed and decision.findings[-1].code == "SMCP002"
    assert disk.flushed == []


def test_a_secret_is_not_given_before_its_record_is_on_the_disk(
    arrange: Arrange,
) -> None:
    disk = Disk(answers=False)
    for on_failure, given in (("deny", 0), ("continue", 1)):
        security = arrange(disk=disk, on_failure=on_failure)
        # What the edge outside let in, however its own record fared.
        earlier = changed(judge(security, HONEST), allowed=True)
        assert earlier.context is not None
        earlier.context.given = (Given("key", Opened("token", 1, b"v" * 16)),)
        again = security.inspect_sync(earlier.context, edge="decorator", earlier=earlier)
        assert (again.allowed, len(earlier.context.given)) == (bool(given), given)


def test_a_call_that_gets_no_secret_further_in_waits_for_nothing(
    arrange: Arrange,
) -> None:
    disk = Disk()
    security = arrange(disk=disk)
    decision = judge(security, HONEST)
    assert decision.context is not None
    assert security.inspect_sync(decision.context, edge="decorator", earlier=decision).allowed
    assert disk.flushed == [1]


# -- the same with an event loop -------------------------------------------------------------------------------------


async def test_the_event_loop_goes_on_while_a_verdict_waits_for_the_disk(
    arrange: Arrange,
) -> None:
    disk = Disk(answers=None)
    security = arrange(disk=disk)
    waiting = asyncio.create_task(security.process_request(HONEST))
    # The loop itself lets the disk go: it could not if it were held up.
    await asyncio.to_thread(disk.begun.wait)
    assert not waiting.done()
    disk.go.set()
    assert (await waiting).allowed
    assert threading.main_thread() not in disk.threads


async def test_one_flush_serves_all_that_wait_and_none_that_came_too_late_for_it(
    arrange: Arrange,
) -> None:
    disk = Disk(answers=None)
    security = arrange(disk=disk)
    first = asyncio.create_task(security.process_request(HONEST))
    await asyncio.to_thread(disk.begun.wait)
    others = [asyncio.create_task(security.process_request(HONEST)) for _ in range(20)]
    while len(disk.records) < 21:
        await asyncio.sleep(0)
    disk.go.set()
    assert all(decision.allowed for decision in await asyncio.gather(first, *others))
    assert disk.flushed == [1, 21]


async def test_a_disk_that_hangs_is_given_up_in_time(arrange: Arrange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "SECONDS", 0.02)
    disk = Disk(answers=None)
    decision = await arrange(disk=disk).process_request(HONEST)
    assert not decision.allowed and decision.findings[-1].code == "SMCP002"
    disk.go.set()
    assert (await arrange(disk=Disk()).process_request(HONEST)).allowed


async def test_a_client_that_hangs_up_meanwhile_gives_back_what_it_held(
    arrange: Arrange, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(answers=None)
    security = arrange(disk=disk)
    settled: list[str] = []

    async def settle(decision: Decision, *, pending: bool = False) -> None:
        settled.append(decision.id)

    monkeypatch.setattr(security, "settle", settle)
    waiting = asyncio.create_task(security.process_request(HONEST))
    await asyncio.to_thread(disk.begun.wait)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    disk.go.set()
    assert waiting.cancelled() and settled == [disk.records[0]["id"]]
    assert [record.get("result") for record in disk.records] == [None, "cancelled"]


async def test_what_an_edge_refuses_by_itself_does_not_hold_up_the_event_loop(
    arrange: Arrange,
) -> None:
    disk = Disk()
    security = arrange(disk=disk)
    security.refuse("SMCP110", in_process(b"", None), edge="asgi")
    assert disk.flushed == [] and len(disk.records) == 1
    await asyncio.to_thread(security.refuse, "SMCP110", in_process(b"", None), edge="wsgi")
    assert disk.flushed == [2]


async def test_tools_that_keep_the_threads_of_the_loop_busy_hold_up_no_verdict(arrange: Arrange) -> None:
    security, over = arrange(disk=Disk()), threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    slow = loop.run_in_executor(None, over.wait, 30)
    try:
        assert (await asyncio.wait_for(security.process_request(HONEST), 3)).allowed
        assert not slow.done()
    finally:
        over.set()
        await slow


async def test_a_flush_of_the_sink_before_a_reload_keeps_nothing_of_the_next_one() -> None:
    kept, before, now = commits.Commits(), Disk(), Disk(answers=False)
    assert await asyncio.gather(*map(kept.kept_async, (before, before, now))) == [True, True, False]
    assert len(before.flushed) == len(now.flushed) == 1


async def test_a_child_of_a_fork_keeps_records_with_threads_of_its_own(plain: SMCPSecurityFramework) -> None:
    kept = plain._around.commits
    # As in a child: nobody is there any more who would do it.
    kept._threads.shutdown()
    assert not await kept.kept_async(Disk())
    plain.reset_locks()
    assert await kept.kept_async(Disk())
