"""What a function returns that is not there yet: coroutines and generators, masked as they come."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Generator, Iterator
from typing import TYPE_CHECKING, Any

from smcp_security.adapters.tools.call import Call

if TYPE_CHECKING:
    from smcp_security.adapters.tools.masking import Masks


async def masked(masks: Masks | None, call: Call, value: Any) -> Any:
    """A returned value as it may be handed on; what is still to come is masked as it comes."""
    if masks is None:
        return value
    later = _later(masks, call, value)
    return await masks.masked(call, value) if later is None else later


def masked_now(masks: Masks | None, call: Call, value: Any) -> Any:
    """`masked` without an event loop."""
    if masks is None:
        return value
    later = _later(masks, call, value)
    return masks.masked_sync(call, value) if later is None else later


def _later(masks: Masks, call: Call, value: Any) -> Any:
    """To read it now would leave nothing for whoever called."""
    if inspect.isgenerator(value):
        return masked_steps(masks, call, value)
    if inspect.isasyncgen(value):
        return _items(masks, call, value)
    if inspect.isawaitable(value):
        return _awaited(masks, call, value)
    return masked_steps(masks, call, _each(value)) if isinstance(value, Iterator) else None


def _each(items: Iterator[Any]) -> Generator[Any, Any, None]:
    yield from items


def masked_steps(masks: Masks, call: Call, steps: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Each item of a generator by itself, and what it returns."""
    try:
        item = next(steps)
        while True:
            try:
                sent = yield masks.masked_sync(call, item)
            except GeneratorExit:
                steps.close()
                raise
            except BaseException as error:
                item = steps.throw(error)
            else:
                item = steps.send(sent)
    except StopIteration as end:
        return masks.masked_sync(call, end.value)


async def _items(masks: Masks, call: Call, items: AsyncGenerator[Any, Any]) -> AsyncGenerator[Any, Any]:
    try:
        async for item in items:
            yield await masks.masked(call, item)
    finally:
        await items.aclose()


async def _awaited(masks: Masks, call: Call, value: Awaitable[Any]) -> Any:
    return await masked(masks, call, await value)
