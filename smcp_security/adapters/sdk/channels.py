"""What a server on the MCP SDK 2.x says besides its answers: questions, progress and notifications, judged as they go.

Answers of the client to questions come back here too, and are judged before the tool that waits gets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError

from smcp_security import answers
from smcp_security.adapters.sdk.guard import Guard, Passage, Wire, body_of


def listening(ctx: Any, guard: Guard, passage: Passage) -> ServerSession:
    """The session for one request of the SDK's, whose channels are judged.

    Raises `AttributeError` where the SDK's session has no such channels: then nothing is served.
    """
    session = ctx.session
    connection = session._connection
    if connection.has_standalone_channel:
        if not isinstance(connection.outbound, Standing):
            connection.outbound = Standing(connection.outbound, guard)
        # What is said outside of requests counts as said to whoever asked last.
        connection.outbound.passage = passage
    channel = Channel(session._request_outbound, guard, passage, _token(ctx.params))
    meta = ctx.meta if ctx.request_id is not None else None
    return ServerSession(channel, connection, request_meta=meta)


def _token(params: Any) -> Any:
    meta = params.get("_meta") if isinstance(params, Mapping) else None
    return meta.get("progressToken") if isinstance(meta, Mapping) else None


class Standing:
    """The channel of a connection, beside its requests."""

    def __init__(self, inner: Any, guard: Guard) -> None:
        self._inner = inner
        self._guard = guard
        self.passage: Passage | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def notify(self, method: str, params: Mapping[str, Any] | None, opts: Any = None) -> None:
        """Send a notification, if it may be sent."""
        said = await self._said(_message(method, params))
        if said is not None:
            await self._inner.notify(method, said.get("params"), opts)

    async def send_raw_request(self, method: str, params: Mapping[str, Any] | None, opts: Any = None) -> Wire:
        """Ask the client something, and return what it answers, if both may be.

        Raises `MCPError` as the SDK does, and if either is refused.
        """
        said = await self._said({**_message(method, params), "id": 0})
        if said is None or self.passage is None:
            raise MCPError(code=answers.WITHHELD, message="The server's question was withheld.")
        result = await self._inner.send_raw_request(method, said.get("params"), opts)
        answer = {"jsonrpc": "2.0", "id": 0, "result": result}
        decision = await self._guard.judge_posted(answer, self.passage.decision)
        if not decision.allowed:
            error = body_of(decision.message).get("error") or {}
            raise MCPError(
                code=error.get("code", answers.REFUSED), message=error.get("message", ""), data=error.get("data")
            )
        await Passage(self._guard.framework, decision).end()
        return dict(body_of(decision.message).get("result") or {})

    async def _said(self, message: Wire) -> Wire | None:
        return None if self.passage is None else await self.passage.aside(message)


class Channel(Standing):
    """The channel of one request."""

    def __init__(self, inner: Any, guard: Guard, passage: Passage, token: Any) -> None:
        super().__init__(inner, guard)
        self.passage = passage
        self._token = token

    async def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Report progress, if it may be told."""
        params = {"progressToken": self._token, "progress": progress, "total": total, "message": message}
        told = {key: value for key, value in params.items() if value is not None}
        said = await self._said(_message("notifications/progress", told))
        if said is not None:
            await self._inner.progress(progress, total, (said.get("params") or {}).get("message"))


def _message(method: str, params: Mapping[str, Any] | None) -> Wire:
    message: Wire = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        message["params"] = dict(params)
    return message
