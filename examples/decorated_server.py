"""A stdio server whose tools say what they demand: `python examples/decorated_server.py`. Who calls is configured by
SMCP_CREDENTIAL and SMCP_POLICY."""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver import MCPServer

from smcp_security import secure_tool
from smcp_security.parameters import OneOf, PathIn

mcp = MCPServer("library")


@mcp.tool()
@secure_tool(rate="30/minute")
def read_page(path: Annotated[str, PathIn("/srv/books")], form: Annotated[str, OneOf("text", "html")] = "text") -> str:
    """A page of a book."""
    return f"{path} as {form}"


@mcp.tool()
@secure_tool(roles=["librarian"])
async def remove_book(title: str) -> str:
    """Take a book out of the catalogue."""
    return f"{title} is gone"


if __name__ == "__main__":
    mcp.run()
