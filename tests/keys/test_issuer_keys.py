"""When an issuer's keys are fetched: shared, not too often, in the background, and how long an old copy counts."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from smcp_security.checks.rung import VerificationKey
from smcp_security.errors import Unavailable
from smcp_security.keys.issuer_keys import FRESH_FOR, RETRY_FIRST, RETRY_LAST, UNKNOWN_EVERY, Copy, IssuerKeys
from tests.keys.issuer import Clock, jwks

DAY = 86_400.0


class Site:
    """What the issuer publishes, how often it was asked, and a gate that can hold its answer back."""

    def __init__(self) -> None:
        self.body: bytes | Exception = jwks("a")
        self.count = 0
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)

    def get(self) -> bytes:
        self.count += 1
        self.entered.release()
        assert self.gate.wait(20)
        if isinstance(self.body, Exception):
            raise self.body
        return self.body

    def down(self) -> None:
        """From now on it does not answer."""
        self.body = Unavailable("idp.example: answers with status 500 instead of 200")


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.gate.set()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(site: Site, clock: Clock) -> IssuerKeys:
    return IssuerKeys("https://idp.example", site.get, timeout=5, max_stale=DAY, clock=clock)


def names(found: object) -> list[str]:
    assert isinstance(found, list | tuple)
    assert all(isinstance(each, VerificationKey) for each in found)
    return [each.kid for each in found]


def settled(keys: IssuerKeys) -> None:
    """Wait for what is being fetched in the background."""
    if keys._errand is not None:
        keys._errand.wait()


def test_nothing_is_fetched_before_somebody_asks(keys: IssuerKeys, site: Site) -> None:
    assert keys.thumbprints() is None
    assert site.count == 0


def test_a_key_is_fetched_once_and_then_known(keys: IssuerKeys, site: Site) -> None:
    for _ in range(3):
        assert names(keys.fetch("a")) == ["a"]
        assert names(keys.fetch("")) == ["a"]
    assert site.count == 1
    assert keys.thumbprints() == {keys.fetch("a")[0].thumbprint}


def test_an_unknown_name_makes_the_set_be_fetched_anew(keys: IssuerKeys, site: Site) -> None:
    keys.fetch("a")
    site.body = jwks("a", "b")
    assert names(keys.fetch("b")) == ["b"]
    assert names(keys.fetch("a")) == ["a"]
    assert site.count == 2


def test_a_storm_of_unknown_names_costs_one_fetch_a_minute(keys: IssuerKeys, site: Site, clock: Clock) -> None:
    keys.fetch("a")
    for number in range(50):
        assert names(keys.fetch(f"made-up-{number}")) == []
    assert site.count == 2
    clock.now += UNKNOWN_EVERY - 0.1
    assert names(keys.fetch("x")) == []
    assert site.count == 2
    clock.now += 0.2
    assert names(keys.fetch("x")) == []
    assert names(keys.fetch("y")) == []
    assert site.count == 3
    assert names(keys.fetch("a")) == ["a"]


def test_a_first_question_for_an_unknown_name_costs_one_fetch(keys: IssuerKeys, site: Site) -> None:
    assert names(keys.fetch("x")) == []
    assert site.count == 1


def test_keys_without_a_name_serve_tokens_of_any_name(keys: IssuerKeys, site: Site) -> None:
    site.body = jwks("a").replace(b'"kid": "a"', b'"kid": ""')
    assert names(keys.fetch("whatever")) == [""]
    assert names(keys.fetch("")) == [""]


def test_an_old_set_serves_on_while_it_is_renewed_beside_the_requests(
    keys: IssuerKeys, site: Site, clock: Clock
) -> None:
    keys.fetch("a")
    clock.now += FRESH_FOR + 1
    site.body = jwks("b")
    site.gate.clear()
    for _ in range(3):
        assert names(keys.fetch("a")) == ["a"]
    site.gate.set()
    settled(keys)
    assert site.count == 2
    assert names(keys.fetch("b")) == ["b"]
    # Withdrawn is withdrawn: an unknown name like any other.
    assert names(keys.fetch("a")) == []


def test_a_set_that_nobody_used_for_long_is_renewed_before_it_serves(
    keys: IssuerKeys, site: Site, clock: Clock
) -> None:
    keys.fetch("a")
    clock.now += 2 * FRESH_FOR
    site.body = jwks("b")
    assert names(keys.fetch("a")) == []
    assert site.count == 2


def test_a_withdrawn_key_loses_its_thumbprint(keys: IssuerKeys, site: Site, clock: Clock) -> None:
    before = keys.fetch("a")[0].thumbprint
    site.body = jwks("b")
    keys.fetch("b")
    after = keys.thumbprints()
    assert after is not None
    assert before not in after
    clock.now += FRESH_FOR
    keys.fetch("b")
    settled(keys)
    assert keys.thumbprints() is after, "the same object while nothing has changed"


def test_the_last_good_copy_counts_while_the_issuer_is_down_and_no_longer(
    keys: IssuerKeys, site: Site, clock: Clock
) -> None:
    keys.fetch("a")
    site.down()
    for age in (FRESH_FOR, 2 * FRESH_FOR, DAY / 2, DAY - FRESH_FOR, DAY):
        clock.now = 1000 + age
        assert names(keys.fetch("a")) == ["a"]
        settled(keys)
        assert keys.thumbprints() is not None
    clock.now = 1000 + DAY + 1
    with pytest.raises(Unavailable, match=r"idp\.example"):
        keys.fetch("a")
    assert keys.thumbprints() is None
    site.body = jwks("a")
    clock.now += RETRY_LAST
    assert names(keys.fetch("a")) == ["a"]
    assert keys.thumbprints() is not None


@pytest.mark.parametrize("max_stale", [0, 30, 60, 600])
def test_a_short_tolerance_is_a_short_time_between_fetches(site: Site, clock: Clock, max_stale: float) -> None:
    keys = IssuerKeys("https://idp.example", site.get, timeout=5, max_stale=max_stale, clock=clock)
    keys.fetch("a")
    site.down()
    clock.now += max(60, max_stale) - 1
    assert names(keys.fetch("a")) == ["a"]
    clock.now += 2
    with pytest.raises(Unavailable):
        keys.fetch("a")


def test_a_failing_issuer_is_asked_again_after_pauses_that_grow(keys: IssuerKeys, site: Site, clock: Clock) -> None:
    site.down()
    pauses = []
    for _ in range(7):
        with pytest.raises(Unavailable):
            keys.fetch("a")
        count, began = site.count, clock.now
        while site.count == count:
            clock.now += 1
            with pytest.raises(Unavailable):
                keys.fetch("a")
        pauses.append(clock.now - began)
    assert (pauses[0], pauses[-1]) == (RETRY_FIRST, RETRY_LAST)
    assert pauses == sorted(pauses)


def test_a_name_that_is_unknown_while_the_issuer_is_down_is_no_proof_of_a_bad_token(
    keys: IssuerKeys, site: Site, clock: Clock
) -> None:
    keys.fetch("a")
    site.down()
    with pytest.raises(Unavailable):
        keys.fetch("b")
    with pytest.raises(Unavailable):
        keys.fetch("b")
    assert site.count == 2
    assert names(keys.fetch("a")) == ["a"]


def test_after_an_outage_an_unknown_name_is_unknown_again(keys: IssuerKeys, site: Site, clock: Clock) -> None:
    site.down()
    with pytest.raises(Unavailable):
        keys.fetch("a")
    site.body = jwks("a")
    clock.now += RETRY_FIRST
    assert names(keys.fetch("a")) == ["a"]
    assert names(keys.fetch("b")) == []


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"keys": 1}'])
def test_an_answer_that_is_no_set_leaves_the_good_one_in_place(
    keys: IssuerKeys, site: Site, clock: Clock, body: bytes
) -> None:
    keys.fetch("a")
    site.body = body
    clock.now += FRESH_FOR
    keys.fetch("a")
    settled(keys)
    assert site.count == 2
    assert names(keys.fetch("a")) == ["a"]


def test_a_set_without_keys_withdraws_them_all(keys: IssuerKeys, site: Site, clock: Clock) -> None:
    keys.fetch("a")
    site.body = b'{"keys": []}'
    clock.now += 2 * FRESH_FOR
    assert names(keys.fetch("a")) == []
    assert keys.thumbprints() == frozenset()


# -- many callers ----------------------------------------------------------------------------------------------------


def test_many_threads_share_one_fetch(keys: IssuerKeys, site: Site) -> None:
    site.gate.clear()
    with ThreadPoolExecutor(16) as threads:
        waiting = [threads.submit(keys.fetch, "a") for _ in range(16)]
        assert site.entered.acquire(timeout=20)
        site.gate.set()
        assert [names(each.result()) for each in waiting] == [["a"]] * 16
    assert site.count == 1


def run(check: Callable[[], object]) -> None:
    """Run an asynchronous check on a loop of its own, which must not hang."""
    asyncio.run(asyncio.wait_for(check(), 20))  # type: ignore[arg-type]


def test_many_tasks_share_one_fetch_and_the_event_loop_goes_on(keys: IssuerKeys, site: Site) -> None:
    async def check() -> None:
        site.gate.clear()
        tasks = [asyncio.ensure_future(keys.fetch_async("a")) for _ in range(16)]  # type: ignore[arg-type]
        for _ in range(100):
            await asyncio.sleep(0)
        assert not any(task.done() for task in tasks)
        site.gate.set()
        assert [names(found) for found in await asyncio.gather(*tasks)] == [["a"]] * 16
        # What is known needs no turn of the loop.
        assert names(keys.fetch_async("a")) == ["a"]

    run(check)
    assert site.count == 1


def test_a_task_that_is_cancelled_leaves_the_fetch_to_the_others(keys: IssuerKeys, site: Site) -> None:
    async def check() -> None:
        site.gate.clear()
        gone, stays = (asyncio.ensure_future(keys.fetch_async("a")) for _ in range(2))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        site.gate.set()
        assert names(await stays) == ["a"]

    run(check)
    assert site.count == 1


def test_an_event_loop_that_ends_leaves_the_fetch_to_the_next_one(keys: IssuerKeys, site: Site) -> None:
    async def abandon() -> None:
        task = asyncio.ensure_future(keys.fetch_async("a"))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        task.cancel()

    async def check() -> None:
        site.gate.set()
        assert names(await keys.fetch_async("a")) == ["a"]  # type: ignore[misc]

    site.gate.clear()
    run(abandon)
    run(check)
    assert site.count == 1


def test_nobody_waits_for_a_fetch_that_hangs_past_its_time(site: Site, clock: Clock) -> None:
    keys = IssuerKeys("https://idp.example", site.get, timeout=-1, max_stale=DAY, clock=clock)
    site.gate.clear()
    for _ in range(3):
        with pytest.raises(Unavailable):
            keys.fetch("a")
    assert site.count == 1
    site.gate.set()
    settled_set(keys)
    assert names(keys.fetch("a")) == ["a"]
    # And when it hangs again, the old copy serves on.
    site.gate.clear()
    clock.now += 3 * FRESH_FOR
    assert names(keys.fetch("a")) == ["a"]
    with pytest.raises(Unavailable):
        keys.fetch("b")
    assert site.count == 2


def settled_set(keys: IssuerKeys) -> None:
    """Wait until a fetch that is overdue has arrived after all."""
    assert keys._errand is not None
    keys._errand._future.result(20)


def test_after_a_fork_what_the_parent_was_fetching_is_fetched_anew(keys: IssuerKeys, site: Site) -> None:
    site.gate.clear()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(keys.fetch, "a")
        assert site.entered.acquire(timeout=20)
        keys.reset_lock()
        site.gate.set()
        assert names(keys.fetch("a")) == ["a"]
        assert names(waiting.result()) == ["a"]
    assert site.count == 2


# -- what is logged --------------------------------------------------------------------------------------------------


def test_outages_and_left_out_keys_are_logged_once_with_what_to_know(
    keys: IssuerKeys, site: Site, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "smcp_security.keys")
    site.down()
    for _ in range(10):
        with pytest.raises(Unavailable):
            keys.fetch("a")
    assert [record.getMessage() for record in caplog.records] == [
        "the keys of https://idp.example cannot be fetched: idp.example: answers with status 500 instead of 200; "
        "next attempt in 5 s"
    ]
    caplog.clear()
    site.body = jwks("a", "b").replace(b'"sig"', b'"enc"', 1)
    clock.now += RETRY_FIRST
    keys.fetch("b")
    assert [record.getMessage() for record in caplog.records] == [
        "the keys of https://idp.example can be fetched again",
        "the keys of https://idp.example: 1",
        "a key of https://idp.example is left out: not for signatures",
    ]


def test_a_fault_that_nobody_foresaw_is_a_failure_without_its_text(
    keys: IssuerKeys, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.body = RuntimeError("secret")
    with pytest.raises(RuntimeError):
        keys.fetch("a")
    with pytest.raises(Unavailable):
        keys.fetch("a")
    assert site.count == 1
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


def test_a_copy_tells_its_age_and_whether_others_are_due_and_do_not_come(
    keys: IssuerKeys, site: Site, clock: Clock
) -> None:
    assert keys.copy() is None
    keys.fetch("a")
    clock.now += 60
    assert keys.copy() == Copy(60.0, False)
    site.down()
    clock.now += FRESH_FOR
    keys.fetch("a")
    settled(keys)
    assert keys.copy() == Copy(60.0 + FRESH_FOR, True)
    assert site.count == 2
