"""Secrets that tools use and nobody sees: `uvicorn examples.vault_app:app`, after the commands in vault.yaml.
`whoami` is a tool with a mistake: what it gives away is masked."""

from __future__ import annotations

import hmac
from pathlib import Path

from mcp.server.mcpserver import MCPServer

from smcp_security import SMCPMiddleware, secure_tool

mcp = MCPServer("reports")
POLICY = Path(__file__).with_name("vault.yaml")


@mcp.tool()
@secure_tool(secrets={"key": "webhook"})
def sign_report(text: str, key: str) -> str:
    """A report's signature, as its receiver checks it."""
    return hmac.new(key.encode(), text.encode(), "sha256").hexdigest()


@mcp.tool()
@secure_tool(secrets={"token": "billing"})  # the one of the caller's tenant, says the policy
def whoami(token: str) -> str:
    """Who pays for the reports."""
    return f"the account behind {token}"


@mcp.tool()
@secure_tool
def remember(note: str) -> str:
    """Keep a note. This tool has no secret, and gets none by any word of its caller."""
    return f"kept: {note}"


app = SMCPMiddleware(mcp.streamable_http_app(), policy=POLICY)
