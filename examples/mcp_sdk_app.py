"""The official SDK's own application, with a policy file in front.

Run: uvicorn examples.mcp_sdk_app:app
"""

from __future__ import annotations

from pathlib import Path

from mcp.server.mcpserver import MCPServer

from smcp_security import SMCPMiddleware

mcp = MCPServer("library")


@mcp.tool()
def find_book(title: str) -> str:
    """Where a book stands."""
    return f"{title}: shelf 7"


app = SMCPMiddleware(mcp.streamable_http_app(), policy=Path(__file__).with_name("policy.yaml"))
