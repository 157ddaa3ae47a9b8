"""Several workers, one limit: start Redis or Valkey on port 6379, then
`uvicorn examples.redis_app:app --workers 4`; all workers together let ten calls a minute pass."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer

from smcp_security import SMCPMiddleware

mcp = MCPServer("library")
POLICY = {
    "version": 1,
    "store": "redis://127.0.0.1:6379/0",  # a URL with a password: env:NAME
    "workers": 4,  # while the store is away, each worker allows a quarter
    "limits": [{"per": "address", "tools": ["find_book"], "rate": "10/minute"}],
}


@mcp.tool()
def find_book(title: str) -> str:
    """Where a book stands."""
    return f"{title}: shelf 7"


app = SMCPMiddleware(mcp.streamable_http_app(stateless_http=True), policy=POLICY)
