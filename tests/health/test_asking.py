"""Questions that may never be answered: each has an end, none is asked twice at once, and answers count for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import anyio
import pytest

from smcp_security.errors import StoreAway, Unavailable
from smcp_security.health.asking import LINE_MAX, REMEMBERED, Asker, Question

PATIENCE = 10.0
ABOUT = object()


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Gate:
    """A look that hangs until it is let through, and counts how often it was begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.entered = threading.Semaphore(0)
        self.let = threading.Event()

    def __call__(self) -> str:
        self.begun += 1
        self.entered.release()
        assert self.let.wait(PATIENCE)
        return "through"


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.let.set()


def raising(error: Exception) -> Callable[[], str]:
    def ask() -> str:
        raise error

    return ask


def asked(ask: Callable[[], str], deadline: float = PATIENCE) -> tuple[bool, str]:
    [answer] = Asker().ask(ABOUT, [Question("store", ask)], deadline)
    return answer.ok, answer.detail


def test_what_answers_is_told_in_its_own_words() -> None:
    assert asked(lambda: "in memory") == (True, "in memory")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StoreAway("the store is away"), "the store is away"),
        (Unavailable("two\nlines"), "two lines"),
        (OSError(28, "No space left on device", "/var/log/secret-name"), "No space left on device"),
    ],
)
def test_what_fails_is_told_in_one_line(error: Exception, told: str) -> None:
    assert asked(raising(error)) == (False, told)


def test_a_long_error_is_cut_off() -> None:
    assert len(asked(raising(Unavailable("x" * 1000)))[1]) == LINE_MAX


def test_an_error_that_nobody_foresaw_fails_its_part_and_tells_nothing_of_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda raised: None)
    assert asked(raising(KeyError("token"))) == (False, "it cannot be asked")


def test_what_hangs_has_no_answer_within_the_deadline(gate: Gate) -> None:
    assert asked(gate, 0.01) == (False, "no answer within 0.01 s")


def test_what_hangs_holds_up_no_other_part(gate: Gate) -> None:
    hanging, other = Asker().ask(ABOUT, [Question("store", gate), Question("audit", lambda: "fine")], 0.01)
    assert (hanging.ok, other.ok, other.detail) == (False, True, "fine")


def test_what_hangs_is_not_begun_again_however_often_it_is_asked_for(gate: Gate) -> None:
    asker = Asker()
    for _ in range(200):
        asker.ask(ABOUT, [Question("store", gate)], 0.01)
    assert gate.begun == 1


def test_nobody_waits_for_what_is_past_its_deadline() -> None:
    clock, gate = Clock(), Gate()
    asker = Asker(clock)
    asker.ask(ABOUT, [Question("store", gate)], 0.0)
    clock.now += 3600
    [answer] = asker.ask(ABOUT, [Question("store", gate)], PATIENCE)
    gate.let.set()
    assert (answer.ok, answer.detail, answer.seconds) == (False, "no answer within 10 s", 3600)


def test_what_hung_and_comes_back_is_asked_again_and_answers(gate: Gate) -> None:
    asker = Asker()
    asker.ask(ABOUT, [Question("store", gate)], 0.0)
    gate.let.set()
    [answer] = asker.ask(ABOUT, [Question("store", gate)], PATIENCE)
    assert (answer.ok, answer.detail) == (True, "through")


def test_an_answer_counts_for_a_second_and_no_longer() -> None:
    clock, told = Clock(), iter("abc")
    asker = Asker(clock)

    def ask() -> str:
        return next(told)

    def now() -> str:
        return asker.ask(ABOUT, [Question("store", ask)], PATIENCE)[0].detail

    assert (now(), now()) == ("a", "a")
    clock.now += REMEMBERED - 0.01
    assert now() == "a"
    clock.now += 0.01
    assert (now(), now()) == ("b", "b")


def test_what_was_found_of_another_policy_does_not_count() -> None:
    asker = Asker()
    asker.ask(object(), [Question("store", lambda: "before")], PATIENCE)
    assert asker.ask(ABOUT, [Question("store", lambda: "after")], PATIENCE)[0].detail == "after"


def test_callers_that_come_while_it_is_asked_share_the_one_answer(gate: Gate) -> None:
    asker, found = Asker(), []

    def come() -> None:
        found.extend(asker.ask(ABOUT, [Question("store", gate)], PATIENCE))

    callers = [threading.Thread(target=come) for _ in range(8)]
    for caller in callers:
        caller.start()
    assert gate.entered.acquire(timeout=PATIENCE)
    gate.let.set()
    for caller in callers:
        caller.join(PATIENCE)
    assert (gate.begun, [answer.detail for answer in found]) == (1, ["through"] * 8)


def test_an_event_loop_goes_on_while_a_part_is_waited_for(gate: Gate) -> None:
    asker, went_on = Asker(), []

    async def go_on() -> None:
        went_on.append(await anyio.to_thread.run_sync(lambda: gate.entered.acquire(timeout=PATIENCE)))
        gate.let.set()

    async def main() -> str:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(go_on)
            [answer] = await asker.ask_async(ABOUT, [Question("store", gate)], PATIENCE)
        return answer.detail

    assert (anyio.run(main), went_on) == ("through", [True])


def test_an_event_loop_that_is_gone_is_not_called_by_what_comes_late(
    gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    asker = Asker()

    async def main() -> bool:
        [answer] = await asker.ask_async(ABOUT, [Question("store", gate)], 0.01)
        return answer.ok

    assert not anyio.run(main)
    gate.let.set()
    [late] = asker.ask(ABOUT, [Question("store", gate)], PATIENCE) if _settles(asker) else []
    assert (late.detail, caplog.records) == ("through", [])


def _settles(asker: Asker) -> bool:
    """Once the look is over: the next one begins another, or finds this one's answer."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if all(look.found.done() for look in asker._looks.values()):
            return True
    return False


def test_a_forked_child_does_not_wait_for_what_its_parent_asks(gate: Gate) -> None:
    asker = Asker()
    asker.ask(ABOUT, [Question("store", gate)], 0.0)
    asker.reset()
    assert asker.ask(ABOUT, [Question("store", lambda: "mine")], PATIENCE)[0].detail == "mine"
