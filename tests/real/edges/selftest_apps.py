"""Applications for `smcp selftest`: a library, bare, behind the middleware, and some that cannot be served."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

from smcp_security import SMCPMiddleware

mcp = MCPServer("library")
READS = ToolAnnotations(read_only_hint=True)


@mcp.tool(annotations=READS)
def find_book(title: str) -> str:
    """Where a book stands."""
    return f"{title}: shelf 7"


bare = mcp.streamable_http_app()
guarded = SMCPMiddleware(mcp.streamable_http_app())
number = 7


def clinging() -> Any:
    """An application that has started a process and says where both are."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(os.environ["SELFTEST_NOTE"]).write_text(f"{os.getpid()} {child.pid}", encoding="utf-8")
    return stuck


async def stuck(scope: Any, receive: Any, send: Any) -> None:
    """Never answers a request."""
    if scope["type"] == "http":
        await receive()
        import anyio

        await anyio.sleep_forever()


async def failing(scope: Any, receive: Any, send: Any) -> None:
    """Does not start."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})


def leaving() -> Any:
    """Ends the process."""
    os._exit(3)
