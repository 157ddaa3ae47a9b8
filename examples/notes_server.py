"""A careless server for `smcp proxy --policy examples/proxy.yaml -- python examples/notes_server.py`. It knows nothing
of the policy in front of it, and could as well be in another language."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer

mcp = MCPServer("notes")


@mcp.tool()
def note_place(name: str) -> str:
    """Where a note is kept."""
    return f"/srv/notes/{name}"


@mcp.tool()
def drop_notes(name: str) -> str:
    """Throw notes away."""
    return f"{name} is gone"


if __name__ == "__main__":
    mcp.run("stdio")
