"""Servers by hand that give away session ids and never ask whose they are, as TypeScript's and older SDKs do."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import anyio
import anyio.lowlevel
from starlette.types import Receive, Scope, Send

from tests.real.identity.rooms import told_by


class Careless:
    """A server by hand that gives away session ids and never asks whose they are."""

    def __init__(self, *, sessions: str = "session-{}-of-careless") -> None:
        self.sessions: list[str] = []
        self.ended: list[str] = []
        self._form = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        fields = dict(scope["headers"])
        if scope["method"] == "POST":
            await self._post(scope, receive, send)
        elif scope["method"] == "DELETE":
            self.ended.append(fields[b"mcp-session-id"].decode())
            await _reply(send, 200)
        else:
            event = f"event: message\ndata: {json.dumps(_NOTE)}\n\n".encode()
            await _reply(send, 200, (b"content-type", b"text/event-stream"), body=event)

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = json.loads(await _body(receive))
        if "id" not in asked:
            await _reply(send, 202)
            return
        headers = [(b"content-type", b"application/json")]
        if asked["method"] == "initialize":
            self.sessions.append(self._form.format(len(self.sessions)))
            headers.append((b"mcp-session-id", self.sessions[-1].encode()))
            info = {"name": "careless", "version": "1"}
            result: Any = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
        else:
            text = json.dumps(told_by(scope))
            result = {"content": [{"type": "text", "text": text}], "structuredContent": told_by(scope)}
        answer = {"jsonrpc": "2.0", "id": asked["id"], "result": result}
        await _reply(send, 200, *headers, body=json.dumps(answer).encode())


_NOTE = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "for its owner"}}


async def _reply(send: Send, status: int, *headers: tuple[bytes, bytes], body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


class CarelessPair:
    """The deprecated transport of two endpoints. It takes a session id in any of the ways that real servers do."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []
        """Who posted into which session."""
        self._streams: dict[str, Send] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["method"] == "GET":
            await self._stream(receive, send)
        else:
            asked = json.loads(await _body(receive))
            session = next(filter(self._streams.__contains__, map(_plain, named_sessions(scope))), "")
            self.got.append((str(told_by(scope)["caller"]), session))
            await _reply(send, 202 if session else 404)
            if session and "id" in asked:
                answer = {"jsonrpc": "2.0", "id": asked["id"], "result": {}}
                await self._say(self._streams[session], "message", json.dumps(answer))

    async def _stream(self, receive: Receive, send: Send) -> None:
        session = uuid4().hex
        self._streams[session] = send
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._say(send, "endpoint", f"/messages?session_id={session}")
        while (await receive())["type"] != "http.disconnect":
            await anyio.lowlevel.checkpoint()
        del self._streams[session]

    async def _say(self, send: Send, name: str, data: str) -> None:
        event = f"event: {name}\r\ndata: {data}\r\n\r\n".encode()
        await send({"type": "http.response.body", "body": event, "more_body": True})


def named_sessions(scope: Scope) -> list[str]:
    """Every session that a request names, the last first, as some servers read a query."""
    query = parse_qsl(scope["query_string"].decode("latin-1"))
    return [value for name, value in reversed(query) if name in ("session_id", "sessionId")]


def _plain(session: str) -> str:
    """As servers do that keep sessions by UUID."""
    try:
        return UUID(hex=session).hex
    except ValueError:
        return session


async def _live(receive: Receive, send: Send) -> None:
    for step in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{step}.complete"})


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body
