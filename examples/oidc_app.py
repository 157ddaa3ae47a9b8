"""Access tokens of an OpenID Connect issuer. To try it without one: `python examples/issuer.py` in another terminal
prints a token, then `uvicorn examples.oidc_app:app`; for a real one change `oidc.yaml`."""

from __future__ import annotations

from pathlib import Path

from mcp.server.mcpserver import Context, MCPServer

from smcp_security import SMCPMiddleware

mcp = MCPServer("library")


@mcp.tool()
def find_book(title: str, context: Context) -> str:
    """Where a book stands, and who asked: the caller of this very request."""
    request = context.request_context.request
    caller = request.scope["smcp"].caller if request is not None else None
    return f"{title}: shelf 7, asked by {caller.subject if caller else 'nobody'}"


app = SMCPMiddleware(mcp.streamable_http_app(), policy=Path(__file__).with_name("oidc.yaml"))
