"""Typed contracts and a detector of your own: `uvicorn examples.contracts_app:app`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mcp.server.mcpserver import MCPServer

from smcp_security import Detected, SMCPMiddleware, SMCPSecurityFramework

mcp = MCPServer("library")
POLICY = Path(__file__).with_name("contracts.yaml")


class CodeNames:
    """Projects that nobody outside may hear of."""

    name = "code-names"

    def detect(self, texts: Sequence[str], tool: str) -> Iterable[Detected]:
        """A finding takes the action that the policy has for its category."""
        return [Detected(place, "secret") for place, text in enumerate(texts) if "project walrus" in text.lower()]


@mcp.tool()
def run_query(sql: str) -> str:
    """Ask the catalogue."""
    return f"rows for {sql}"


@mcp.tool()
def read_page(path: str) -> str:
    """Read a page."""
    return f"page {path}"


app = SMCPMiddleware(mcp.streamable_http_app(), framework=SMCPSecurityFramework(POLICY, detectors=[CodeNames()]))
