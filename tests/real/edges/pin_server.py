"""A small server on either SDK, over HTTP (prints `listening PORT`) or stdio: `pin_server.py http|stdio [changed]`."""

from __future__ import annotations

import socket
import sys
from typing import Any

import uvicorn

try:
    from mcp.server.mcpserver import MCPServer as Server
except ModuleNotFoundError:
    from mcp.server.fastmcp import FastMCP as Server  # type: ignore[import-not-found,no-redef]


def furnished(changed: bool) -> Any:
    """The server, one tool of which may have changed."""
    server: Any = Server("sums", instructions="Be exact.", log_level="CRITICAL")

    @server.tool(description="Adds three numbers." if changed else "Adds two numbers.")  # type: ignore[untyped-decorator]
    def add(a: int, b: int = 1) -> int:
        return a + b

    @server.prompt()  # type: ignore[untyped-decorator]
    def greet(name: str) -> str:
        """A greeting."""
        return f"Hello {name}"

    @server.resource("note://{id}")  # type: ignore[untyped-decorator]
    def note(id: str) -> str:
        """One note."""
        return id

    return server


def main() -> None:
    """Serve until somebody ends it."""
    server = furnished("changed" in sys.argv)
    if sys.argv[1] == "stdio":
        server.run("stdio")
        return
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        print(f"listening {listener.getsockname()[1]}", flush=True)
        config = uvicorn.Config(server.streamable_http_app(), log_config=None)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
