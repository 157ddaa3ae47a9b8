"""Servers of the current Python SDKs, in this process: `mcp` 2.x and FastMCP 4, in every way that they are served."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import mcp_types as types
from fastapi import FastAPI
from fastmcp import Context, FastMCP
from mcp.server.mcpserver import Context as SDKContext
from mcp.server.mcpserver import MCPServer
from mcp.server.streamable_http import EventMessage
from starlette.types import ASGIApp

from tests.real.backends.events import Events
from tests.real.backends.furniture import Signals, furnish

RETRY = 50
"""Milliseconds after which a client that lost its stream comes back."""


def sdk(kind: str) -> tuple[ASGIApp, Signals]:
    """A fresh server of the SDK: "stateful", "stateless", "json", "store" (resumable) or "sse"."""
    server = MCPServer("sdk", instructions="A server for tests.", log_level="ERROR")
    signals = furnish(server, SDKContext, types)
    if kind == "sse":
        return server.sse_app(), signals
    options = {
        "stateful": {},
        "stateless": {"stateless_http": True},
        "json": {"json_response": True},
        "store": {"event_store": Events(EventMessage), "retry_interval": RETRY},
    }
    return server.streamable_http_app(**options[kind]), signals  # type: ignore[arg-type]


def fastmcp(kind: str) -> tuple[ASGIApp, Signals]:
    """A fresh FastMCP server, by the same kinds."""
    server: FastMCP[Any] = FastMCP("fastmcp", instructions="A server for tests.")
    signals = furnish(server, Context, types)
    options: dict[str, dict[str, Any]] = {
        "stateful": {},
        "stateless": {"stateless_http": True},
        "json": {"json_response": True},
        "store": {"event_store": Events(EventMessage), "retry_interval": RETRY},
        "sse": {"transport": "sse"},
    }
    return server.http_app(**options[kind]), signals


def fastapi(kind: str) -> tuple[ASGIApp, Signals]:
    """A FastAPI application with a server of the SDK mounted in it, among routes of its own."""
    server = MCPServer("mounted", instructions="A server for tests.", log_level="ERROR")
    signals = furnish(server, SDKContext, types)
    inner = server.streamable_http_app(streamable_http_path="/mcp", stateless_http=kind == "stateless")

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    def health() -> dict[str, bool]:
        return {"well": True}

    app.mount("/api", inner)
    return app, signals


BUILDERS: dict[str, Callable[[str], tuple[ASGIApp, Signals]]] = {"sdk": sdk, "fastmcp": fastmcp, "fastapi": fastapi}
