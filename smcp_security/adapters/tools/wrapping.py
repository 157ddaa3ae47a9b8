"""Puts a guard before a function of any kind, so that every SDK sees exactly the undecorated one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextvars import Context, copy_context
from functools import lru_cache, partial
from typing import Any
from weakref import ref

from smcp_security.adapters.current import during
from smcp_security.adapters.sdk.registered import call_async, references_to
from smcp_security.adapters.sdk.requests import Host, context_class
from smcp_security.adapters.tools.annotations import read_parameters
from smcp_security.adapters.tools.call import Call
from smcp_security.adapters.tools.guard import HIDDEN, Guard
from smcp_security.adapters.tools.raised import masked_error, masked_error_now
from smcp_security.adapters.tools.stepping import masked, masked_now, masked_steps
from smcp_security.adapters.tools.surroundings import Here, enter, here_now, leave
from smcp_security.checks.demands import Demands

Function = Callable[..., Any]


def references_of(function: Function) -> int:
    """How many references there are to a function of this kind behind its guard, if nobody else knows it."""
    return _counted(_kind_of(function))


@lru_cache(maxsize=4)
def _counted(kind: Callable[[Function, Guard], Function]) -> int:
    bare: list[Function] = [lambda: None]
    guarded = kind(bare[0], Guard(Demands(""), read_parameters(bare[0]), None, named=True))
    [count] = references_to(bare)
    del guarded
    return count


def _kind_of(function: Function) -> Callable[[Function, Guard], Function]:
    if inspect.iscoroutinefunction(function):
        return _coroutine
    if inspect.isasyncgenfunction(function):
        return _later
    return _now if inspect.isgeneratorfunction(function) else _plain


def wrap(function: Function, guard: Guard, *, asks_context: bool) -> Function:
    """The function behind its guard. `asks_context`: it takes the SDK's context by itself."""
    guarded = _kind_of(function)(function, guard)
    if not asks_context and (kind := context_class()) is not None:
        # SDK 2.x looks for its Context among the annotations, and for what a caller may give in the signature, which
        # stays the function's own.
        guarded.__annotations__ = {**function.__annotations__, HIDDEN: kind}
    guard.faces.append(ref(guarded))
    return guarded


def _coroutine(function: Function, guard: Guard) -> Function:
    return _awaited(function, guard, waits=True)


def _awaited(function: Function, guard: Guard, *, waits: bool) -> Function:
    """What is asked is awaited before the function runs; `waits`: its result as well."""

    @functools.wraps(function)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        call = guard.call(args, kwargs)
        await guard.judge(call)
        entered = enter(call.here)
        try:
            result = function(*args, **kwargs)
            if waits:
                result = await result
            result = await masked(guard.masks, call, result)
        except BaseException as error:
            leave(entered)
            await _fail(guard, call, error)
            raise
        leave(entered)
        await guard.end(call, None)
        return result

    return guarded


async def _fail(guard: Guard, call: Call, error: BaseException) -> None:
    """The call has ended with an error. Raises the one to be told in its place, if it may not be told as it is."""
    try:
        told = await masked_error(guard.masks, call, error)
    finally:
        await guard.end(call, error)
    if told is not error:
        raise told from None


def _fail_now(guard: Guard, call: Call, error: BaseException) -> None:
    """`_fail` without an event loop."""
    try:
        told = masked_error_now(guard.masks, call, error)
    finally:
        guard.end_sync(call, error)
    if told is not error:
        raise told from None


def _plain(function: Function, guard: Guard) -> Function:
    # For SDK 1.x, which runs the function on its event loop.
    twin = _awaited(function, guard, waits=False)
    looked = False

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        nonlocal looked
        call = guard.call(args, kwargs)
        if call.around.host is Host.SDK1 and not looked:
            # Once: to look for who has registered it takes 20 ms, and a tool that another calls is asked for each time.
            looked = True
            call_async(guarded, twin)
        guard.judge_sync(call)
        entered = enter(call.here)
        try:
            result = masked_now(guard.masks, call, function(*args, **kwargs))
        except BaseException as error:
            leave(entered)
            _fail_now(guard, call, error)
            raise
        leave(entered)
        guard.end_sync(call, None)
        return result

    guard.faces.append(ref(twin))
    return guarded


def _now(function: Function, guard: Guard) -> Function:
    return _generator(function, guard, _through)


def _later(function: Function, guard: Guard) -> Function:
    return _generator(function, guard, _through_async)


def _generator(function: Function, guard: Guard, through: Callable[[Guard, Call, Any, Context], Any]) -> Function:
    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        call = guard.call(args, kwargs)
        guard.judge_sync(call)
        return through(guard, call, function(*args, **kwargs), copy_context())

    return guarded


def _through(
    guard: Guard, call: Call, generator: Generator[Any, Any, Any], around: Context
) -> Generator[Any, Any, Any]:
    try:
        steps = _within(around, call.here, generator)
        result = yield from steps if guard.masks is None else masked_steps(guard.masks, call, steps)
    except BaseException as error:
        _fail_now(guard, call, error)
        raise
    guard.end_sync(call, None)
    return result


def _within(around: Context, here: Here, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Each step of a generator where it was called from: whoever asks for its items may be elsewhere by then."""
    around.run(enter, here)
    step: Callable[[], Any] = partial(next, generator)
    while True:
        try:
            item = around.run(step)
        except StopIteration as end:
            return end.value
        try:
            step = partial(generator.send, (yield item))
        except GeneratorExit:
            around.run(generator.close)
            raise
        except BaseException as error:
            step = partial(generator.throw, error)


async def _through_async(
    guard: Guard, call: Call, generator: AsyncGenerator[Any, Any], around: Context
) -> AsyncGenerator[Any, Any]:
    steps = _Steps(call)
    try:
        while True:
            try:
                item = await steps.take(generator.__anext__)
            except StopAsyncIteration:
                break
            yield item if guard.masks is None else await guard.masks.masked(call, item)
    except BaseException as error:
        await steps.take(generator.aclose)
        await _fail(guard, call, error)
        raise
    await guard.end(call, None)


class _Steps:
    """Takes the steps of an async generator where it was called from: they run in the context of whoever waits."""

    def __init__(self, call: Call) -> None:
        self._exchange = call.around.exchange
        self._here: Here | None = call.here

    async def take(self, step: Callable[[], Awaitable[Any]]) -> Any:
        """Take one step. What it has entered and not left yet holds for the next."""
        entered = enter(self._here)
        try:
            with during(self._exchange):
                return await step()
        finally:
            self._here = here_now()
            leave(entered)
