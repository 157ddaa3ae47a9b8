"""A server over its own standard input, every message judged in process. As the command of a client's `mcp.json`:
`python examples/stdio_server.py`, with `SMCP_POLICY` and `SMCP_CREDENTIAL` in its `env` where they are needed."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer

from smcp_security import secure

mcp = secure(MCPServer("library", log_level="WARNING"))


@mcp.tool()
def find_book(title: str) -> str:
    """Where a book stands."""
    return f"{title}: shelf 7"


@mcp.resource("library://hours")
def hours() -> str:
    """When the library is open."""
    return "nine to five"


if __name__ == "__main__":
    mcp.run()
