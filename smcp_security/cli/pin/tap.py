"""Every answer of a server as it came, beside the official client. What the client makes of it loses keys that it does
not know, and tools whose annotations it refuses; a lock must hold both."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self

from mcp.types import JSONRPCRequest, JSONRPCResponse

from smcp_security.cli.pin.ending import Ending


class Tap:
    """A transport for `mcp.Client` around another one. `answers` are the results so far, by method.

    `ending` is told when the other one has started and when it ends.
    """

    def __init__(self, transport: AbstractAsyncContextManager[Any], ending: Ending | None = None) -> None:
        self.answers: dict[str, list[dict[str, Any]]] = {}
        self._transport = transport
        self._ending = ending
        self._asked: dict[int | str, str] = {}

    async def __aenter__(self) -> tuple[Any, Any]:
        read, write = await self._transport.__aenter__()
        if self._ending is not None:
            self._ending.begin()
        return _Reading(read, self), _Writing(write, self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if self._ending is not None:
            self._ending.rest()
        return await self._transport.__aexit__(kind, error, trace)

    def sent(self, item: Any) -> None:
        """Remember what a request asks for."""
        if isinstance(item.message, JSONRPCRequest):
            self._asked[item.message.id] = item.message.method

    def came(self, item: Any) -> None:
        """Keep a result; a copy, because the client corrects it in place."""
        message = getattr(item, "message", None)
        if isinstance(message, JSONRPCResponse) and (method := self._asked.pop(message.id, None)):
            self.answers.setdefault(method, []).append(copy.deepcopy(message.result))


class _Stream:
    """One direction of a transport, delegated."""

    def __init__(self, stream: Any, tap: Tap) -> None:
        self._stream = stream
        self._tap = tap

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *ending: Any) -> bool | None:
        left: bool | None = await self._stream.__aexit__(*ending)
        return left


class _Reading(_Stream):
    async def receive(self) -> Any:
        item = await self._stream.receive()
        self._tap.came(item)
        return item

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        item = await self._stream.__anext__()
        self._tap.came(item)
        return item


class _Writing(_Stream):
    async def send(self, item: Any, /) -> None:
        self._tap.sent(item)
        await self._stream.send(item)
