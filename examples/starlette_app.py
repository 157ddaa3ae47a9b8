"""Starlette with an MCP server in it and the policy in front of both; run `uvicorn examples.starlette_app:app`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from smcp_security import SMCPMiddleware

mcp = MCPServer("library")


@mcp.tool()
def find_book(title: str) -> str:
    """Where a book stands."""
    return f"{title}: shelf 7"


async def health(request: Request) -> PlainTextResponse:
    """Not MCP, so it is left alone."""
    return PlainTextResponse("ok")


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with mcp.session_manager.run():  # a mounted application's own lifespan does not run
        yield


routes = [Route("/health", health), Mount("/", mcp.streamable_http_app())]
app = Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(SMCPMiddleware)])
