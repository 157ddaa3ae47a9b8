"""A raw HTTP/1.1 connection: writes the bytes it is given, hostile or not, and reads answers piece by piece."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import anyio

from tests.real.house import PATIENCE, Address
from tests.real.messages import Request, initialize, posted


@dataclass(frozen=True)
class Reply:
    """The answer to one request; `body` is empty as long as only the head was read."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def message(self) -> Any:
        """The JSON-RPC message in the body, be it JSON or the last event of a stream."""
        if (self.header("content-type") or "").startswith("text/event-stream"):
            return events(self.body)[-1]
        return json.loads(self.body)


def events(body: bytes) -> list[Any]:
    """The JSON-RPC messages of a whole event stream, in order."""
    lines = body.replace(b"\r\n", b"\n").split(b"\n")
    return [json.loads(line[5:]) for line in lines if line.startswith(b"data:") and line[5:].strip()]


@dataclass
class Wire:
    """One connection. Every read has a deadline."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    _chunked: bool = field(default=False)
    _rest: bytes = field(default=b"")

    async def send(self, request: Request | bytes) -> None:
        """Write a request, or any bytes."""
        self.writer.write(request.raw() if isinstance(request, Request) else request)
        await self.writer.drain()

    async def ask(self, request: Request | bytes) -> Reply:
        """Write a request and read its whole answer."""
        with contextlib.suppress(ConnectionError):
            await self.send(request)
        return await self.reply()

    async def head(self) -> Reply:
        """Read status and headers only."""
        with anyio.fail_after(PATIENCE):
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = [line.partition(":") for line in lines[1:] if line]
        reply = Reply(int(lines[0].split()[1]), tuple((name.lower(), value.strip()) for name, _, value in fields))
        self._chunked = reply.header("transfer-encoding") == "chunked"
        return reply

    async def reply(self) -> Reply:
        """Read one whole answer."""
        head = await self.head()
        length = head.header("content-length")
        with anyio.fail_after(PATIENCE):
            if length is not None:
                body = await self.reader.readexactly(int(length))
            else:
                body = await self._until_end()
        return Reply(head.status, head.headers, body)

    async def event(self) -> Any:
        """The next JSON-RPC message of a stream whose head was read; comments and empty events are skipped."""
        with anyio.fail_after(PATIENCE):
            while True:
                text, found, rest = self._rest.replace(b"\r\n", b"\n").partition(b"\n\n")
                if not found:
                    self._rest += await self._piece()
                    continue
                self._rest = rest
                if messages := events(text):
                    return messages[0]

    async def ended(self) -> bytes:
        """What is left of a stream, which must end now."""
        with anyio.fail_after(PATIENCE):
            return self._rest + await self._until_end()

    def hang_up(self) -> None:
        """Leave at once with a reset, as a killed client does."""
        connection = self.writer.get_extra_info("socket")
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def closed(self) -> None:
        """Wait until the other side has closed the connection."""
        with anyio.fail_after(PATIENCE):
            while await self.reader.read(65536):
                pass

    async def _until_end(self) -> bytes:
        if not self._chunked:
            return await self.reader.read()
        pieces = []
        while piece := await self._piece():
            pieces.append(piece)
        return b"".join(pieces)

    async def _piece(self) -> bytes:
        """One chunk of a chunked body; empty at its end."""
        size = int((await self.reader.readline()).split(b";")[0] or b"0", 16)
        piece = await self.reader.readexactly(size)
        await self.reader.readexactly(2)
        return piece


@contextlib.asynccontextmanager
async def wired(address: Address) -> AsyncIterator[Wire]:
    """A connection to a served application, closed at the end of the block."""
    with anyio.fail_after(PATIENCE):
        if address.socket:
            reader, writer = await asyncio.open_unix_connection(address.socket, limit=2**24)
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", address.port, limit=2**24)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def ask(address: Address, request: Request | bytes) -> Reply:
    """One request on a connection of its own."""
    async with wired(address) as wire:
        return await wire.ask(request)


@contextlib.asynccontextmanager
async def streaming(address: Address, request: Request) -> AsyncIterator[Wire]:
    """A connection on which the head of an event stream has just been read."""
    async with wired(address) as wire:
        await wire.send(request)
        head = await wire.head()
        assert (head.status, head.header("content-type")) == (200, "text/event-stream"), head
        yield wire


@dataclass
class Session:
    """A session of the older era, spoken by hand."""

    address: Address
    id: str

    async def ask(self, request: Request) -> Reply:
        """One request within the session, on a connection of its own."""
        return await ask(self.address, request.setting("mcp-session-id", self.id))


async def opened(address: Address, path: str = "/mcp", **capabilities: Any) -> Session:
    """Go through the handshake with the client capabilities given."""
    first = await ask(address, initialize(**capabilities).at(path))
    assert first.status == 200, first
    session = Session(address, str(first.header("mcp-session-id")))
    second = await session.ask(posted({"jsonrpc": "2.0", "method": "notifications/initialized"}).at(path))
    assert second.status == 202, second
    return session
