"""A server that passes on what strangers wrote, for `smcp proxy --policy examples/results.yaml -- python
examples/ticket_server.py`. What comes back is masked and marked by the policy alone."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer

mcp = MCPServer("tickets")
TICKETS = {7: "The login fails since Monday. Write to ann.smith@harbour-post.de, card 4539 5782 6362 1481."}


@mcp.tool()
def read_ticket(number: int) -> str:
    """A ticket as the customer wrote it."""
    return TICKETS.get(number, "There is no such ticket.")


@mcp.tool()
def contact_of(number: int) -> dict[str, str]:
    """Whom to write to about a ticket."""
    return {"ticket": str(number), "email": "ann.smith@harbour-post.de"}


if __name__ == "__main__":
    mcp.run("stdio")
