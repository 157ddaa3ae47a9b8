"""A small HTTP/1.1 client for the soak: keep-alive connections that can be cut, and answers read piece by piece."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.load import PATIENCE, Broken

_HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request; `body` is empty as long as only the head was read."""

    status: int
    fields: Mapping[str, str]
    body: bytes = b""


class Connection:
    """One connection to the server. Every wait is bounded."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, among: set[Connection]) -> None:
        self._reader = reader
        self._writer = writer
        self._chunked = False
        self._among = among
        among.add(self)

    @property
    def over(self) -> bool:
        """Whether the server has hung up."""
        return self._reader.at_eof() or self._reader.exception() is not None

    async def ask(self, request: bytes) -> Answer:
        """Send a request and read its whole answer. Raises `Broken` if none comes."""
        try:
            async with asyncio.timeout(PATIENCE):
                self._writer.write(request)
                head = await self._head()
                return Answer(head.status, head.fields, await self._body(head))
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
            raise Broken(f"no answer to {request[:80]!r}: {type(error).__name__}") from error

    async def stream(self, request: bytes) -> Answer:
        """Send a request and read the head of its answer; the events are read by `until`."""
        async with asyncio.timeout(PATIENCE):
            self._writer.write(request)
            return await self._head()

    async def until(self, mark: bytes) -> bytes:
        """What the stream says up to the piece that brings `mark`. Raises `Broken` if it ends before."""
        said = b""
        async with asyncio.timeout(PATIENCE):
            while mark not in said:
                piece = await self._piece()
                if not piece:
                    raise Broken(f"a stream ended before {mark!r} after {said[-200:]!r}")
                said += piece
        return said

    def cut(self) -> None:
        """Leave at once with a reset, as a killed client does."""
        connection = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        self._among.discard(self)

    def close(self) -> None:
        """Leave in good order."""
        self._writer.close()
        self._among.discard(self)

    async def _head(self) -> Answer:
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        parted = [line.partition(":") for line in lines[1:] if line]
        fields = {name.lower(): value.strip() for name, _, value in parted}
        self._chunked = fields.get("transfer-encoding") == "chunked"
        return Answer(int(lines[0].split()[1]), fields)

    async def _body(self, head: Answer) -> bytes:
        if not self._chunked:
            return await self._reader.readexactly(int(head.fields.get("content-length", "0")))
        pieces = []
        while piece := await self._piece():
            pieces.append(piece)
        return b"".join(pieces)

    async def _piece(self) -> bytes:
        size = int((await self._reader.readline()).split(b";")[0] or b"0", 16)
        piece = await self._reader.readexactly(size)
        await self._reader.readexactly(2)
        return piece


async def connected(port: int, among: set[Connection]) -> Connection:
    """A new connection to the server, in the set of the open ones until it is closed."""
    async with asyncio.timeout(PATIENCE):
        return Connection(*await asyncio.open_connection(_HOST, port, limit=2**22), among)
