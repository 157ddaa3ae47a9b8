"""Two drivers, one behaviour: questions answered in order, failures thrown into the rung that asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from smcp_security.checks.rung import Question, ReadBody, Run
from smcp_security.drivers import drive, drive_async, to_its_end

pytestmark = pytest.mark.anyio


class _Store(Exception):
    """A store that fails."""


def _asking(*limits: int) -> Run[list[object]]:
    answers = []
    for limit in limits:
        answers.append((yield ReadBody(limit)))
    return answers


def _recovering() -> Run[str]:
    try:
        yield ReadBody(1)
    except _Store:
        recovered: str = yield ReadBody(2)
        return recovered
    return "no failure"


async def _both(make: Callable[[], Run[Any]], answer: Callable[[Question], object]) -> tuple[Any, Any]:
    """What each driver makes of a run; an exception counts as its type."""

    async def later(question: Question) -> object:
        await anyio.lowlevel.checkpoint()
        return answer(question)

    results: list[Any] = []
    try:
        results.append(drive(make(), answer))
    except Exception as error:
        results.append(type(error))
    try:
        results.append(await drive_async(make(), later))
    except Exception as error:
        results.append(type(error))
    return results[0], results[1]


def _limit(question: Question) -> object:
    assert isinstance(question, ReadBody)
    return question.limit


def _fail_first(question: Question) -> object:
    assert isinstance(question, ReadBody)
    if question.limit == 1:
        raise _Store
    return "recovered"


async def test_a_run_without_questions_ends_at_once() -> None:
    assert await _both(_asking, _limit) == ([], [])


async def test_questions_are_answered_in_order() -> None:
    assert await _both(lambda: _asking(3, 1, 2), _limit) == ([3, 1, 2], [3, 1, 2])


async def test_none_is_an_answer_like_any_other() -> None:
    assert await _both(lambda: _asking(1, 2), lambda question: None) == ([None, None], [None, None])


async def test_a_failing_store_throws_into_the_rung_that_asked() -> None:
    assert await _both(_recovering, _fail_first) == ("recovered", "recovered")


async def test_a_failure_that_the_rung_does_not_expect_comes_out() -> None:
    assert await _both(lambda: _asking(1), _fail_first) == (_Store, _Store)


async def test_the_traceback_of_a_failure_names_the_rung() -> None:
    with pytest.raises(_Store) as failure:
        drive(_asking(1), _fail_first)
    assert "_asking" in [entry.name for entry in failure.traceback]


async def test_a_store_that_raises_stop_iteration_does_not_end_the_run() -> None:
    def stop(question: Question) -> object:
        raise StopIteration("forged verdict")

    assert await _both(lambda: _asking(1), stop) == (RuntimeError, RuntimeError)


async def test_a_rung_that_raises_comes_out() -> None:
    def broken() -> Run[None]:
        yield ReadBody(1)
        raise ValueError

    assert await _both(broken, _limit) == (ValueError, ValueError)


async def test_cancelling_an_answer_closes_the_run_and_is_not_swallowed() -> None:
    closed: list[bool] = []

    def patient() -> Run[None]:
        try:
            yield ReadBody(1)
        finally:
            closed.append(True)

    async def never(question: Question) -> object:
        await anyio.sleep_forever()
        return None

    run = patient()
    with anyio.move_on_after(0.01) as patience:
        await drive_async(run, never)
    run.close()
    assert patience.cancelled_caught and closed == [True]


async def test_work_goes_to_its_end_though_whoever_waits_for_it_is_cancelled() -> None:
    begun, gate, done = anyio.Event(), anyio.Event(), anyio.Event()

    async def work() -> None:
        begun.set()
        await gate.wait()
        done.set()

    async with anyio.create_task_group() as group:

        async def wait() -> None:
            await to_its_end(work())

        group.start_soon(wait)
        await begun.wait()
        group.cancel_scope.cancel()
    assert not done.is_set()
    gate.set()
    with anyio.fail_after(10):
        await done.wait()


async def test_work_that_is_not_cancelled_is_waited_for() -> None:
    done: list[int] = []

    async def work() -> None:
        await anyio.lowlevel.checkpoint()
        done.append(1)

    await to_its_end(work())
    assert done == [1]


def test_work_goes_on_without_the_usual_event_loop() -> None:
    done: list[int] = []

    async def work() -> None:
        done.append(1)

    async def outer() -> None:
        await to_its_end(work())

    with pytest.raises(StopIteration):
        outer().send(None)
    assert done == [1]
