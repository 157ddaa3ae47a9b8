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
from smcp_security.errors import SMCPDenied

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
    shown = function.__annotations__
    if guard.secrets is not None:
        shown = {name: hint for name, hint in shown.items() if name not in guard.secrets.names}
        guarded.__signature__ = guard.secrets.public  # type: ignore[attr-defined]
        guarded.__annotations__ = shown
    if not asks_context and (kind := context_class()) is not None:
        # SDK 2.x looks for its Context among the annotations, and for what a caller may give in the signature, which
        # stays the function's own.
        guarded.__annotations__ = {**shown, HIDDEN: kind}
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
        result, told = None, None
        try:
            result = guard.ready(call, function, args, kwargs)()
            if waits:
                result = await result
            result = await masked(call.masks, call, result)
        except BaseException as error:
            leave(entered)
            if (told := await _failed(guard, call, error)) is not None:
                result = None
                raise told from None
            raise
        finally:
            _alone(told)
        leave(entered)
        await guard.end(call, None)
        return result

    return guarded


async def _failed(guard: Guard, call: Call, error: BaseException) -> BaseException | None:
    """The call has ended with an error: the one to be raised in its place, None if it may be told as it is."""
    try:
        told = await masked_error(call.masks, call, error)
    except SMCPDenied as denied:
        told = denied
    finally:
        await guard.end(call, error)
    return _in_place_of(error, told, call)


def _failed_now(guard: Guard, call: Call, error: BaseException) -> BaseException | None:
    """`_failed` without an event loop."""
    try:
        told = masked_error_now(call.masks, call, error)
    except SMCPDenied as denied:
        told = denied
    finally:
        guard.end_sync(call, error)
    return _in_place_of(error, told, call)


def _in_place_of(error: BaseException, told: BaseException, call: Call) -> BaseException | None:
    """The error without the frames that it came through, which show what was masked or withheld."""
    if told is error and not (call.withheld and isinstance(error, SMCPDenied)):
        return None
    return told.with_traceback(None)


def _alone(told: BaseException | None) -> None:
    """Python adds to what is raised what is being handled, and that is what was masked."""
    if told is not None:
        told.__context__ = None


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
        result, told = None, None
        try:
            result = guard.ready(call, function, args, kwargs)()
            result = masked_now(call.masks, call, result)
        except BaseException as error:
            leave(entered)
            if (told := _failed_now(guard, call, error)) is not None:
                result = None
                raise told from None
            raise
        finally:
            _alone(told)
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
        return through(guard, call, guard.ready(call, function, args, kwargs)(), copy_context())

    return guarded


def _through(
    guard: Guard, call: Call, generator: Generator[Any, Any, Any], around: Context
) -> Generator[Any, Any, Any]:
    told = None
    try:
        steps = _within(around, call.here, generator)
        result = yield from steps if call.masks is None else masked_steps(call.masks, call, steps)
    except BaseException as error:
        if (told := _failed_now(guard, call, error)) is not None:
            raise told from None
        raise
    finally:
        _alone(told)
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
    steps, item, told = _Steps(call), None, None
    try:
        while True:
            try:
                item = await steps.take(generator.__anext__)
            except StopAsyncIteration:
                break
            yield item if call.masks is None else await call.masks.masked(call, item)
    except BaseException as error:
        await steps.take(generator.aclose)
        if (told := await _failed(guard, call, error)) is not None:
            item = None
            raise told from None
        raise
    finally:
        _alone(told)
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
