"""The MCP SDK of the running interpreter, 2.x or 1.x, under names that the fixture's shared parts use."""

from __future__ import annotations

from typing import Any

try:
    import mcp_types as types
    from mcp.server.mcpserver import Context, MCPServer
    from mcp.server.mcpserver.tools import Tool
    from mcp.server.streamable_http import EventMessage, EventStore

    MODERN = True
except ModuleNotFoundError:
    # 1.x, in its own environment: it has no such package, and its types lie inside it.
    from mcp import types  # type: ignore[no-redef]
    from mcp.server.fastmcp import Context  # type: ignore[no-redef]
    from mcp.server.fastmcp import FastMCP as MCPServer  # type: ignore[no-redef]
    from mcp.server.fastmcp.tools import Tool  # type: ignore[no-redef]
    from mcp.server.streamable_http import EventMessage, EventStore

    MODERN = False

Server = Any
"""`MCPServer` of 2.x or `FastMCP` of 1.x: the parts use only what both have."""

__all__ = ["MODERN", "Context", "EventMessage", "EventStore", "MCPServer", "Server", "Tool", "types"]
