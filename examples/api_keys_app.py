"""API keys and roles: `smcp keys create --file keys.yaml --owner ann --role reader`, then
`uvicorn examples.api_keys_app:app`. A reader finds books and never sees the tool that removes them."""

from __future__ import annotations

from pathlib import Path

from mcp.server.mcpserver import MCPServer

from smcp_security import SMCPMiddleware

mcp = MCPServer("library")
POLICY = Path(__file__).with_name("roles.yaml")


@mcp.tool()
def find_book(title: str) -> str:
    """Where a book stands."""
    return f"{title}: shelf 7"


@mcp.tool()
def remove_book(title: str) -> str:
    """Take a book out of the catalogue."""
    return f"{title} is gone"


app = SMCPMiddleware(mcp.streamable_http_app(), policy=POLICY)
