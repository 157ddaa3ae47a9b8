"""Serves an ASGI application with uvicorn on a loopback port or a unix socket, inside the test's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from socket import socket as Socket
from typing import Any

import anyio
import uvicorn
from starlette.types import ASGIApp

PATIENCE = 10.0
"""Seconds that any wait of this suite may take before it is a failure."""
GRACE = 2.0
"""Seconds that an exchange may go on after the end of a test before it is cancelled."""


class _Server(uvicorn.Server):
    """uvicorn, told by events instead of asked by polling, and leaving the signals of the test run alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.ending = asyncio.Event()

    async def startup(self, sockets: list[Socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.ending.wait()

    async def shutdown(self, sockets: list[Socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        # What was accepted in the last moment becomes a connection in the turns after it.
        await _turns()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            _, late = await asyncio.wait(self.server_state.tasks, timeout=GRACE)
            for task in late:
                task.cancel()
        # One whose task was cancelled, or that never sent a request, closes for nobody else.
        for connection in list(self.server_state.connections):
            connection.transport.close()
        await self.lifespan.shutdown()
        await _turns()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Address:
    """Where a served application listens: a loopback port, or the path of a unix socket."""

    port: int = 0
    socket: str = ""

    def url(self, path: str = "/mcp") -> str:
        """The address of `path` as a client writes it."""
        return f"http://localhost{path}" if self.socket else f"http://127.0.0.1:{self.port}{path}"


@contextlib.asynccontextmanager
async def served(app: ASGIApp, *, socket: Path | None = None, listener: Socket | None = None) -> AsyncIterator[Address]:
    """Serve `app` for the length of the block; yields when it listens, leaves when it has shut down.

    `listener` is a bound socket, where the port must be known before the app is made.
    """
    where: dict[str, Any] = {"uds": str(socket)} if socket else {"host": "127.0.0.1", "port": 0}
    # The edge is what must stop large headers here, so h11's own limit is out of the way.
    where["h11_max_incomplete_event_size"] = 2**20
    config = uvicorn.Config(app, log_config=None, ws="websockets-sansio", http="h11", **where)
    server = _Server(config)
    serving = asyncio.create_task(server.serve(None if listener is None else [listener]))
    try:
        await _first(server.ready, serving)
        yield Address(socket=str(socket)) if socket else Address(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.ending.set()
        with anyio.CancelScope(shield=True), anyio.fail_after(PATIENCE):
            await serving


async def _first(ready: asyncio.Event, serving: asyncio.Task[None]) -> None:
    """Wait until the server listens, or raise what kept it from starting."""
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait((waiting, serving), timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    if not ready.is_set():
        waiting.cancel()
        await serving
        raise AssertionError("the server ended before it listened")
