"""A plain reverse proxy as an ASGI application: every byte streams both ways, and nothing is judged or rewritten.

What a gateway does to MCP: the middleware stands in front of it as in front of any other app.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import anyio
import httpx2
from starlette.types import Receive, Scope, Send

# RFC 9110, 7.6.1: fields of one connection, and those that the next one writes itself.
_OF_ONE_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade".split()
)
_MOST_CONNECTIONS = 200
_PATIENCE = httpx2.Timeout(10.0, read=None)


class ReverseProxy:
    """Hands every HTTP request to the server at `origin`. `waiting` counts the exchanges that are under way."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._client: httpx2.AsyncClient | None = None
        self.waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            self.waiting += 1
            try:
                await self._pass_on(scope, receive, send)
            finally:
                self.waiting -= 1

    async def _live(self, receive: Receive, send: Send) -> None:
        limits = httpx2.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=10)
        await receive()
        async with httpx2.AsyncClient(limits=limits, timeout=_PATIENCE, trust_env=False) as self._client:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _Upload(receive)
        async with anyio.create_task_group() as group:
            group.start_soon(self._answer, _request(self._origin, scope, body), send, group.cancel_scope)
            # Once the body is through, all that can come is that the client leaves: then the upstream is left, too.
            await body.left()
            group.cancel_scope.cancel()

    async def _answer(self, request: httpx2.Request, send: Send, scope: anyio.CancelScope) -> None:
        assert self._client is not None, "the lifespan has not started"
        begun = False
        try:
            async with _sent(self._client, request) as response:
                headers = [(name.lower(), value) for name, value in response.headers.raw]
                kept = [field for field in headers if field[0] not in _OF_ONE_HOP]
                await send({"type": "http.response.start", "status": response.status_code, "headers": kept})
                begun = True
                async for piece in response.aiter_raw():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except httpx2.TransportError:
            # An answer that broke off must not look whole: the server ends the connection for an error.
            if begun:
                raise
            await _bad_gateway(send)
        scope.cancel()


class _Upload(httpx2.AsyncByteStream):
    """The client's body as the upstream reads it; afterwards, word of the client's leaving."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._whole = anyio.Event()
        self._gone = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._gone = True
                self._whole.set()
                # To return would end the body, and half a body would pass for a whole one.
                await anyio.sleep_forever()
            more = message.get("more_body", False)
            if piece := message.get("body", b""):
                yield piece
        self._whole.set()

    async def left(self) -> None:
        """Wait until the client has hung up."""
        await self._whole.wait()
        while not self._gone:
            self._gone = (await self._receive())["type"] == "http.disconnect"


def _request(origin: str, scope: Scope, body: _Upload) -> httpx2.Request:
    url = httpx2.URL(origin, raw_path=_target(scope))
    names = {name for name, _ in scope["headers"]}
    headers = [field for field in scope["headers"] if field[0] not in _OF_ONE_HOP and field[0] != b"host"]
    headers.insert(0, (b"host", url.netloc))
    if b"transfer-encoding" in names and b"content-length" not in names:
        headers.append((b"transfer-encoding", b"chunked"))
    return httpx2.Request(scope["method"], url, headers=headers, stream=body)


def _target(scope: Scope) -> bytes:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    if path.startswith((b"http://", b"https://")):
        # The absolute form (RFC 9112, 3.2.2) names a host as well: only its path is for the next server.
        path = b"/" + path.split(b"/", 3)[3]
    return path + b"?" + query if query else path


@contextlib.asynccontextmanager
async def _sent(client: httpx2.AsyncClient, request: httpx2.Request) -> AsyncIterator[httpx2.Response]:
    response = await client.send(request, stream=True)
    try:
        yield response
    finally:
        with anyio.CancelScope(shield=True):
            await response.aclose()


async def _bad_gateway(send: Send) -> None:
    await send({"type": "http.response.start", "status": 502, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"the server cannot be reached"})
