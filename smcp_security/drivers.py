"""The two drivers: one runs a ladder to its end without an event loop, one with. They differ in one `await`.

An answer that fails is thrown into the rung that asked, so that the traceback names it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from smcp_security.checks.rung import Question, Run

T = TypeVar("T")

# An event loop keeps no task alive by itself.
_RUNNING: Final[set[asyncio.Task[None]]] = set()


def drive(run: Run[T], answer: Callable[[Question], object]) -> T:
    """Run to the end, each question answered by `answer`. Raises what a rung raises."""
    step: Callable[[Any], Question] = run.send
    given: object = None
    try:
        while True:
            question = step(given)
            try:
                step, given = run.send, answer(question)
            except Exception as error:
                step, given = run.throw, error
    except StopIteration as end:
        result: T = end.value
        return result


async def drive_async(run: Run[T], answer: Callable[[Question], object]) -> T:
    """`drive` where an answer may be awaitable. What memory knows is answered without a turn of the event loop."""
    step: Callable[[Any], Question] = run.send
    given: object = None
    try:
        while True:
            question = step(given)
            try:
                reply = answer(question)
                step, given = run.send, await reply if isinstance(reply, Awaitable) else reply
            except Exception as error:
                step, given = run.throw, error
    except StopIteration as end:
        result: T = end.value
        return result


def to_its_end(work: Coroutine[Any, Any, None]) -> Awaitable[None]:
    """What runs to its end, even if the task that waits for it is cancelled: a client hung up, a time limit passed."""
    try:
        task = asyncio.get_running_loop().create_task(work)
    except RuntimeError:  # an event loop of another kind
        return work
    _RUNNING.add(task)
    task.add_done_callback(_RUNNING.discard)
    return asyncio.shield(task)
