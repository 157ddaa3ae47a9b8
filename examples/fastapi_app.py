"""FastAPI with an MCP server beside its own routes; run it with `uvicorn examples.fastapi_app:app`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from mcp.server.mcpserver import MCPServer

from smcp_security import SMCPMiddleware

mcp = MCPServer("library")


@mcp.tool()
def find_book(title: str) -> str:
    """Where a book stands."""
    return f"{title}: shelf 7"


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with mcp.session_manager.run():  # a mounted application's own lifespan does not run
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> str:
    """Not MCP, so it is left alone."""
    return "ok"


app.mount("/", mcp.streamable_http_app())
app.add_middleware(SMCPMiddleware)
