"""Event streams read by hand, event by event and byte for byte, and sessions of both HTTP transports over them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import anyio

from tests.real.backends.backend import Backend, Opened
from tests.real.house import PATIENCE, Address
from tests.real.messages import Request, encoded, initialize, posted
from tests.real.wire import Reply, Wire, ask, opened, wired

TWO_ENDPOINTS = "2024-11-05"
"""The revision of the deprecated transport."""


@dataclass(frozen=True)
class Heard:
    """One event as it stood on the wire."""

    raw: bytes

    def field(self, name: str) -> str | None:
        """The value of a field; several are joined, as the specification of event streams says."""
        lines = self.raw.decode().replace("\r\n", "\n").split("\n")
        values = [line.partition(":")[2].removeprefix(" ") for line in lines if line.partition(":")[0] == name]
        return "\n".join(values) if values else None

    @property
    def message(self) -> Any:
        """The JSON-RPC message; None for an event without data, or whose data is no JSON."""
        data = self.field("data") or ""
        return json.loads(data) if data.startswith("{") else None


@dataclass
class Listener(Wire):
    """A connection whose answer is an event stream."""

    async def heard(self) -> Heard | None:
        """The next event, comments and empty data included; None at the end of the stream."""
        with anyio.fail_after(PATIENCE):
            while True:
                for ending in (b"\r\n\r\n", b"\n\n"):
                    event, found, rest = self._rest.partition(ending)
                    if found:
                        self._rest = rest
                        return Heard(event + found)
                piece = await (self._piece() if self._chunked else self.reader.read(65536))
                if not piece:
                    assert self._rest == b"", self._rest
                    return None
                self._rest += piece

    async def next_message(self) -> Any:
        """The next JSON-RPC message; whatever carries none is skipped."""
        while (event := await self.heard()) is not None:
            if event.message is not None:
                return event.message
        raise AssertionError("the stream ended")

    async def all(self) -> list[Heard]:
        """Every event up to the end of the stream."""
        found = []
        while (event := await self.heard()) is not None:
            found.append(event)
        return found


@contextlib.asynccontextmanager
async def listener(address: Address, request: Request) -> AsyncIterator[Listener]:
    """An event stream whose head has just been read."""
    async with wired(address) as wire:
        listening = Listener(wire.reader, wire.writer)
        await listening.send(request)
        head = await listening.head()
        assert head.status == 200, head
        assert str(head.header("content-type")).startswith("text/event-stream"), head
        yield listening


@dataclass(frozen=True)
class Told:
    """What a client learns on a message: the status of its POST, and the message that answers it, wherever it came."""

    status: int
    message: Any
    text: str


@dataclass
class Line:
    """A session (or none, where a server has none) spoken by hand over Streamable HTTP."""

    address: Address
    path: str
    session: str = ""

    def dressed(self, request: Request) -> Request:
        """The request with what belongs to this session."""
        placed = request.at(self.path)
        return placed.setting("mcp-session-id", self.session) if self.session else placed

    async def tell(self, request: Request, *, awaited: bool = True) -> Told:
        """Send a message. `awaited`: whether it is one that has an answer."""
        reply = await ask(self.address, self.dressed(request))
        return Told(reply.status, _message_of(reply), reply.text)


@dataclass
class TwoEndpoints(Line):
    """A session of the deprecated transport: answers come on the stream."""

    stream: Listener = field(default=None, repr=False)  # type: ignore[assignment]

    def dressed(self, request: Request) -> Request:
        """A client of this transport names no revision in the headers, and does not say that it takes streams."""
        return request.at(self.path).without("mcp-protocol-version").setting("accept", "*/*")

    async def tell(self, request: Request, *, awaited: bool = True) -> Told:
        """Send a message; a POST that was accepted is answered on the stream."""
        reply = await ask(self.address, self.dressed(request))
        if reply.status != 202 or not awaited:
            return Told(reply.status, _message_of(reply), reply.text)
        message = await self.stream.next_message()
        while "method" in message:
            message = await self.stream.next_message()
        return Told(reply.status, message, json.dumps(message))


def _message_of(reply: Reply) -> Any:
    media = reply.header("content-type") or ""
    return reply.message if reply.body and media.startswith(("application/json", "text/event-stream")) else None


@contextlib.asynccontextmanager
async def line(backend: Backend, server: Opened, *, era: str = "legacy", **capabilities: Any) -> AsyncIterator[Line]:
    """A client by hand: in a session where the era and the server have one."""
    if backend.two_endpoints:
        async with two_endpoints(server.address, backend.path, **capabilities) as pair:
            yield pair
    elif era == "modern" or backend.name.endswith("stateless"):
        yield Line(server.address, backend.path)
    else:
        session = await opened(server.address, backend.path, **capabilities)
        yield Line(server.address, backend.path, session.id)


@contextlib.asynccontextmanager
async def two_endpoints(address: Address, path: str = "/sse", **capabilities: Any) -> AsyncIterator[TwoEndpoints]:
    """A session of the deprecated transport, after its handshake."""
    get = Request(headers=(("accept", "text/event-stream"),), method="GET", path=path, length=False)
    async with listener(address, get) as stream:
        first = await stream.heard()
        assert first is not None and first.field("event") == "endpoint", first
        pair = TwoEndpoints(address, str(first.field("data")), "", stream)
        hello = initialize(**capabilities)
        hello = hello.carrying(hello.body.replace(b"2025-11-25", TWO_ENDPOINTS.encode()))
        assert "result" in (await pair.tell(hello)).message
        noted = posted({"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert (await pair.tell(noted, awaited=False)).status == 202
        yield pair


def as_json(message: Any) -> Request:
    """Any message in the frame of the older era."""
    return posted(message).carrying(encoded(message))
