"""The two streams of one connection of a server on the MCP SDK 1.x, judged message by message.

A refused request is answered here and never reaches the server. Of what the server says, an answer is judged as the
answer to its request, and everything else as said to whoever asked last.
"""

from __future__ import annotations

from copy import copy
from importlib import import_module
from types import TracebackType
from typing import Any, Final

from smcp_security import answers
from smcp_security.adapters.current import Exchange
from smcp_security.adapters.sdk.guard import Guard, Passage, Wire, body_of, bytes_of, refusal

_Key = tuple[str, str | int]
_REFUSED: Final = {"code": answers.WITHHELD, "message": "The server's question was withheld."}


class Ways:
    """What both directions of one connection know: the requests that are being served."""

    def __init__(self, guard: Guard, out: Any) -> None:
        self._guard = guard
        self._out = out
        # An exchange stands for a request that an edge further out answers for.
        self._open: dict[_Key, Passage | Exchange] = {}
        self._last: Passage | Exchange | None = None

    async def admit(self, item: Any) -> Any:
        """What the server gets of one item of its stream; None for nothing."""
        if not hasattr(item, "message"):
            return item  # what the transport could not read
        message = _dump(item.message)
        request = getattr(item.metadata, "request_context", None)
        outer = self._guard.outer(message, request)
        if outer is not None:
            self._serve(message, outer)
            return type(item)(item.message, _with_exchange(item.metadata, outer))
        if _is_request(message) and _key(message["id"]) in self._open:
            # Whose answer comes first nobody could tell.
            return await self._refuse(message, self._guard.refuse("SMCP121", message, request))
        decision = await self._guard.judge(message, request)
        if decision.allowed:
            return await self._allow(item, message, self._guard.admit(decision, request))
        if decision.message is not None:
            # The tool that waits for a posted answer ends at once.
            return _session_message(body_of(decision.message), item.metadata)
        return await self._refuse(message, decision)

    async def _refuse(self, message: Wire, decision: Any) -> None:
        if _is_request(message):
            await self._out.send(_session_message({**refusal(decision), "id": message["id"]}, None))

    async def _allow(self, item: Any, message: Wire, passage: Passage) -> Any:
        self._serve(message, passage)
        if not _is_request(message):
            passage.taken()
            await passage.end()
        return _session_message(passage.forwarded(message), _with_exchange(item.metadata, passage.exchange))

    def _serve(self, message: Wire, passage: Passage | Exchange) -> None:
        if _is_request(message):
            self._last = self._open[_key(message["id"])] = passage

    async def say(self, item: Any) -> None:
        """Send what the server says, as far as the client may see it.

        Raises the SDK's `McpError` for a question to the client that is withheld.
        """
        message = _dump(item.message)
        if "method" in message:
            said = await self._aside(message, getattr(item.metadata, "related_request_id", None))
        else:
            said = await self._answer(message)
        if said is not None:
            await self._out.send(item if said is message else _session_message(said, item.metadata))

    async def _answer(self, message: Wire) -> Wire | None:
        passage = self._open.pop(_key(message.get("id")), None)
        if passage is None:
            return None  # to a question that nobody asked
        if isinstance(passage, Exchange):
            return message
        try:
            judged = await passage.answer(bytes_of(message))
        finally:
            await passage.end()
        said = body_of(judged.message)
        return said if judged.allowed else {**said, "id": message["id"]}

    async def _aside(self, message: Wire, related: Any) -> Wire | None:
        passage = self._open.get(_key(related), self._last)
        if isinstance(passage, Exchange):
            return message
        said = None if passage is None else await passage.aside(message)
        if said is None and "id" in message:
            error = import_module("mcp.types").ErrorData(**_REFUSED)
            raise import_module("mcp.shared.exceptions").McpError(error)
        return said

    async def end(self) -> None:
        """The connection has ended, and nobody waits any more for what was being served."""
        served, self._open = self._open, {}
        for passage in served.values():
            if isinstance(passage, Passage):
                await passage.end(gone=True)


class _Stream:
    """A stream of the SDK's without its shortcuts: what they carry nobody would judge."""

    def __init__(self, inner: Any, ways: Ways) -> None:
        self._inner = inner
        self._ways = ways

    async def aclose(self) -> None:
        """Close it."""
        await self._inner.aclose()

    async def __aenter__(self) -> Any:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._inner.__aexit__(kind, error, trace)


class Incoming(_Stream):
    """What the server reads."""

    def __aiter__(self) -> Incoming:
        return self

    async def __anext__(self) -> Any:
        return await self._next(self._inner.__anext__)

    async def receive(self) -> Any:
        """The next message for the server."""
        return await self._next(self._inner.receive)

    async def _next(self, read: Any) -> Any:
        while True:
            item = await self._ways.admit(await read())
            if item is not None:
                return item


class Outgoing(_Stream):
    """What the server writes to."""

    async def send(self, item: Any) -> None:
        """Send one message of the server's, once it was judged."""
        await self._ways.say(item)


def _is_request(message: Wire) -> bool:
    return "method" in message and message.get("id") is not None


def _key(id: Any) -> _Key:
    return type(id).__name__, id


def _dump(message: Any) -> Wire:
    """A message of the SDK's as it was read, unknown keys and all. What it holds may be nested too deeply to dump."""
    root = message.root
    dumped: Wire = {name: value for name, value in root if name in root.model_fields_set}
    error = dumped.get("error")
    if error is not None and not isinstance(error, dict):
        dumped["error"] = {name: value for name, value in error if name in error.model_fields_set}
    return dumped


def _session_message(message: Wire, metadata: Any) -> Any:
    kind = import_module("mcp.types").JSONRPCMessage
    return import_module("mcp.shared.message").SessionMessage(kind.model_validate(message), metadata)


def _with_exchange(metadata: Any, exchange: Exchange) -> Any:
    """What the transport says of a message, and the verdict on it."""
    known = import_module("mcp.shared.message").ServerMessageMetadata() if metadata is None else copy(metadata)
    known.exchange = exchange
    return known
