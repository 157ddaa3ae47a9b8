"""Prints what the tool of a secured server of SDK 1.x is told by another server, which it calls in memory."""

from __future__ import annotations

import logging

import anyio
from mcp.server.fastmcp import FastMCP
from mcp.shared.memory import create_connected_server_and_client_session as connected

from smcp_security import SMCPSecurityFramework, secure, secure_tool

FOLDER = {"kind": "path", "roots": ["/srv/books"]}
outer, inner = FastMCP("outer"), FastMCP("inner")


@inner.tool()
@secure_tool
async def read(path: str) -> str:
    """Read a file."""
    return f"read {path}"


@outer.tool(name="read")
async def read_inside(path: str) -> str:
    """Read files of the other server."""
    said = []
    async with connected(inner._mcp_server) as client:
        for each in [*["/opt/books"] * 6, path]:
            result = await client.call_tool("read", {"path": each})
            said.append("refused" if "SMCP510" in result.content[0].text else result.content[0].text)
    return "; ".join(said)


async def main() -> None:
    """Call the outer tool three times."""
    async with connected(outer._mcp_server) as client:
        for _ in range(3):
            print((await client.call_tool("read", {"path": "/srv/books/a"})).content[0].text)


logging.disable(logging.CRITICAL)
with SMCPSecurityFramework({"version": 1, "tools": {"read": {"arguments": {"path": FOLDER}}}}) as framework:
    secure(outer, framework=framework)
    anyio.run(main)
