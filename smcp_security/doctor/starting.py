"""The lifespan of an ASGI application, run without a server: up to its start, then to its end."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from smcp_security.doctor.loading import Unloadable, own_error, told

_SCOPE: Final = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}
_OF_ASGI: Final = 3


def is_asgi(app: Any) -> bool:
    """Whether it takes scope, receive and send: WSGI has two parameters, and no coroutine."""
    if any(inspect.iscoroutinefunction(each) for each in (app, inspect.getattr_static(type(app), "__call__", None))):
        return True
    try:
        parameters = list(inspect.signature(app).parameters.values())
    except (TypeError, ValueError):
        return False
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in kinds for parameter in parameters) == _OF_ASGI


@asynccontextmanager
async def running(app: Any, say: Callable[[str], None]) -> AsyncIterator[None]:
    """While it lasts, the application is up. `say` hears of each phase as it begins.

    An application that does not know of lifespans is up at once, as servers have it. Raises `Unloadable`, or an
    error of ours.
    """
    lifespan = _Lifespan(app)
    say("startup")
    await lifespan.start()
    yield
    # Not after an error: the process ends then.
    say("shutdown")
    await lifespan.end()


class _Lifespan:
    def __init__(self, app: Any) -> None:
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._ending = asyncio.Event()
        self._asked = False
        self._task = asyncio.ensure_future(app({**_SCOPE, "state": {}}, self._receive, self._told.put))

    async def start(self) -> None:
        message = await self._next()
        if message is None:
            self._check(refused=False)
        elif message["type"] == "lifespan.startup.failed":
            await asyncio.wait([self._task])
            self._check(refused=True)

    async def end(self) -> None:
        self._ending.set()
        await asyncio.wait([self._task])
        # Asked for, so that an error is not told again when the task is forgotten.
        if not self._task.cancelled():
            self._task.exception()

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "lifespan.startup"}
        await self._ending.wait()
        return {"type": "lifespan.shutdown"}

    async def _next(self) -> dict[str, Any] | None:
        """What the application says next; None if it ends without a word."""
        heard = asyncio.create_task(self._told.get())
        await asyncio.wait([heard, self._task], return_when=asyncio.FIRST_COMPLETED)
        if heard.done():
            return heard.result()
        heard.cancel()
        return None

    def _check(self, *, refused: bool) -> None:
        """What the end of an application that did not start means: without a word, it knows of no lifespan."""
        error = None if self._task.cancelled() else self._task.exception()
        own = own_error(error)
        if own is not None:
            raise own
        if error is not None and not isinstance(error, Exception):
            raise error
        if refused:
            how = "it said so" if error is None else told(error)
            raise Unloadable(
                f"the application does not start: {how}; start it by itself to see all of the error"
            ) from error
