"""Serves the SDK of the older era (`mcp` 1.x) from an environment of its own, bare or behind the middleware.

Run as a program by that environment's Python. It prints `listening PORT`; there, a POST to `/open` with
`{"kind", "protected", "policy"}` starts a fresh server and answers `{"port"}`; a POST to `/ports/PORT` with
"seen", "release", "watch", "left" or "close" asks what the server saw, lets waiting tools go on, notes the tasks that
run, asks which of those begun later do not end, or ends the server.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import mcp.types as types
import uvicorn
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.streamable_http import EventMessage
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from smcp_security import SMCPMiddleware
from tests.real.backends.events import Events
from tests.real.backends.furniture import Signals, furnish
from tests.real.servers.recorder import Recorder
from tests.real.tasks import left_over, running

KINDS: dict[str, dict[str, Any]] = {
    "stateful": {},
    "stateless": {"stateless_http": True},
    "json": {"json_response": True},
    "store": {"retry_interval": 50},
    "sse": {},
}


class Server(uvicorn.Server):
    """uvicorn, told by an event instead of asked by polling."""

    def __init__(self, app: Any) -> None:
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, ws="none", http="h11")
        super().__init__(config)
        self.ready = asyncio.Event()
        self.ending = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        """Serve until the end is asked for."""
        await self.on_tick(0)
        await self.ending.wait()
        self.force_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Leave signals to the program."""
        yield

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.servers[0].sockets[0].getsockname()[1])


@dataclass
class Room:
    """One served server."""

    server: Server
    serving: asyncio.Task[None]
    recorder: Recorder
    signals: Signals
    before: set[asyncio.Task[Any]] = field(default_factory=set)


def build(kind: str) -> tuple[Starlette, Signals]:
    """A fresh server of one kind."""
    store: Any = Events(EventMessage) if kind == "store" else None
    server = FastMCP("legacy", instructions="A server for tests.", log_level="ERROR", event_store=store, **KINDS[kind])
    signals = furnish(server, Context, types)
    return (server.sse_app() if kind == "sse" else server.streamable_http_app()), signals


class House:
    """The rooms that are open, by port."""

    def __init__(self) -> None:
        self.rooms: dict[int, Room] = {}

    async def open(self, request: Request) -> JSONResponse:
        """Serve another server."""
        asked = await request.json()
        app, signals = build(asked["kind"])
        recorder = Recorder(app.router)
        app.router = recorder  # type: ignore[assignment]
        if asked["protected"]:
            # As users do: on the application that the SDK has made.
            app.add_middleware(SMCPMiddleware, policy=asked["policy"])
        server = Server(app)
        serving = asyncio.create_task(server.serve())
        await server.ready.wait()
        self.rooms[server.port] = Room(server, serving, recorder, signals)
        return JSONResponse({"port": server.port})

    async def act(self, request: Request) -> JSONResponse:
        """Do what is asked with one server."""
        port = int(request.path_params["port"])
        told = await ACTIONS[await request.json()](self.rooms[port])
        return JSONResponse({"told": told})


async def _seen(room: Room) -> list[Any]:
    return room.recorder.messages


async def _release(room: Room) -> None:
    room.signals.release.set()


async def _watch(room: Room) -> None:
    room.before = running()


async def _left(room: Room) -> list[str]:
    return await left_over(room.before)


async def _close(room: Room) -> None:
    room.signals.release.set()
    room.server.ending.set()
    await room.serving


ACTIONS: dict[str, Callable[[Room], Awaitable[Any]]] = {
    "seen": _seen,
    "release": _release,
    "watch": _watch,
    "left": _left,
    "close": _close,
}


async def main() -> None:
    """Serve the front door until the process is ended."""
    house = House()
    routes = [Route("/open", house.open, methods=["POST"]), Route("/ports/{port}", house.act, methods=["POST"])]
    door = Server(Starlette(routes=routes))
    serving = asyncio.create_task(door.serve())
    await door.ready.wait()
    print(f"listening {door.port}", flush=True)
    await serving


if __name__ == "__main__":
    asyncio.run(main())
