"""A server of SDK 1.x, bare or behind the middleware, on a port of its choosing: `selftest_legacy.py [guarded]`."""

from __future__ import annotations

import socket
import sys

import uvicorn
from mcp.server.fastmcp import FastMCP

from smcp_security import SMCPMiddleware

mcp = FastMCP("old")


@mcp.tool()
def find_book(title: str) -> str:
    """Where a book stands."""
    return f"{title}: shelf 7"


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    app = mcp.streamable_http_app()
    print(f"listening {listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(SMCPMiddleware(app) if "guarded" in sys.argv else app, log_config=None)
    uvicorn.Server(config).run(sockets=[listener])
