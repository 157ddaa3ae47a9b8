"""The server of the soak, in a process of its own: `python benchmarks/soak_server.py bare|protected AUDIT IDLE`.

One MCP SDK server at two paths (event streams at `/mcp`, plain JSON at `/json`) beside an ordinary route. It tells
what it holds at `/held`, outside the middleware; `IDLE` is the seconds after which the SDK forgets a dropped session.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this folder: its http.py would stand in for the standard library's.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import asyncio
import contextlib
import gc
import json
import logging
import os
import threading
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, Final

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

HELD: Final = "/held"
LARGEST: Final = 64 * 1024
"""Bytes of the largest result that the policy lets through."""
POLICY: Final[dict[str, Any]] = {
    "version": 1,
    "server": {"paths": ["/mcp", "/json"], "trusted_proxies": ["127.0.0.1/32"]},
    # Honest traffic comes from many addresses in turn; one greedy address runs into this.
    "limits": [{"per": "address", "rate": "120/minute", "burst": 150}],
    "results": {"max_size": LARGEST},
}


class Answer(BaseModel):
    """What the tool that asks wants to know."""

    day: str


def tools() -> MCPServer:
    """A server with one tool for each way in which a call can go. None of them needs a thread."""
    server = MCPServer("soak", log_level="ERROR")

    @server.tool()
    async def save(title: str, body: str = "") -> str:
        """Save a note."""
        return f"saved {len(title) + len(body)} characters"

    @server.tool()
    async def count(steps: int, ctx: Context) -> int:
        """Count, and say so: the answer becomes an event stream."""
        for step in range(steps):
            await ctx.report_progress(step, steps, "counting")
        return steps

    @server.tool()
    async def fill(size: int) -> str:
        """Return a text of so many characters."""
        return "x" * size

    @server.tool()
    async def pause() -> str:
        """Take longer than the client waits."""
        await asyncio.sleep(0.5)
        return "done"

    @server.tool()
    async def ask(ctx: Context) -> str:
        """Ask the person behind the client."""
        return (await ctx.elicit("Which day?", Answer)).action

    @server.resource("note://{name}")
    async def note(name: str) -> str:
        """A note."""
        return f"the note {name}"

    return server


async def take(request: Request) -> JSONResponse:
    """An ordinary route: counts the bytes it is sent."""
    return JSONResponse({"bytes": sum([len(piece) async for piece in request.stream()])})


class Held:
    """Outermost: answers `/held` with what the process holds, passes all else on."""

    def __init__(self, app: ASGIApp, managers: list[Any], edge: Any) -> None:
        self._app = app
        self._managers = managers
        self._edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == HELD:
            await JSONResponse(self._all(b"types" in scope["query_string"]))(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _all(self, types: bool) -> dict[str, Any]:
        gc.collect()
        objects = gc.get_objects()
        held: dict[str, Any] = {
            "objects": len(objects),
            "blocks": sys.getallocatedblocks(),
            "tasks": len(asyncio.all_tasks()),
            "fds": len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0,
            "threads": threading.active_count(),
            "sessions": sum(len(manager._server_instances) for manager in self._managers),
            "stores": {} if self._edge is None else _stores(self._edge),
        }
        if types:
            held["types"] = Counter(f"{type(item).__module__}.{type(item).__qualname__}" for item in objects)
        return held


def _stores(edge: Any) -> dict[str, int]:
    """What the middleware itself remembers."""
    framework = edge.framework
    exchanges = {name.strip("_"): len(recent._entries) for name, recent in vars(framework._around.exchanges).items()}
    return {
        **exchanges,
        "learned": len(framework._armed.definitions._learned),
        "rates": len(framework._armed.store._rates.idle_at),
        "flood": len(framework._around.flood._rates.idle_at),
        "streams": len(edge._streams._open),
    }


def application(kind: str, audit: str, idle: float) -> Held:
    """Both SDK applications and the ordinary routes, bare or behind the middleware."""
    apps = [
        tools().streamable_http_app(streamable_http_path=path, json_response=path == "/json", session_idle_timeout=idle)
        for path in ("/mcp", "/json")
    ]

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for app in apps:
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    routes: list[BaseRoute] = [Route(path, take, methods=["POST"]) for path in ("/upload", "/rpc", "/forgotten")]
    whole: ASGIApp = Starlette(routes=[*routes, *apps[0].routes, *apps[1].routes], lifespan=lifespan)
    managers = [route.app.session_manager for app in apps for route in app.routes]  # type: ignore[attr-defined]
    if kind == "bare":
        return Held(whole, managers, None)
    # Here, so that the bare server does not carry what it does not use.
    from smcp_security import SMCPMiddleware

    edge = SMCPMiddleware(whole, policy={**POLICY, "audit": {"file": audit}})
    return Held(edge, managers, edge)


class _Server(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        print(json.dumps({"port": self.servers[0].sockets[0].getsockname()[1]}), flush=True)


def main(kind: str, audit: str, idle: str) -> None:
    """Serve until SIGTERM."""
    app = application(kind, audit, float(idle))
    # What is refused is logged at WARNING, thousands of times; the audit has it too.
    logging.getLogger("smcp_security").setLevel(logging.ERROR)
    config = uvicorn.Config(app, port=0, log_level="critical", access_log=False, http="h11", loop="asyncio")
    _Server(config).run()


if __name__ == "__main__":
    main(*sys.argv[1:4])
