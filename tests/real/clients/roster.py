"""The clients of the matrix: which script speaks for each, over which transport, in which era."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.real.messages import LEGACY, MODERN


@dataclass(frozen=True)
class Traveller:
    """One client. `needs` names the tool from outside that runs its script: "", "legacy" or "node".

    `mode` is what its script makes of the era. `lacks` are steps that it has no way to do. Without `lasting`, each of
    its steps is a connection of its own.
    """

    name: str
    script: str
    mode: str
    needs: str = ""
    transport: str = "http"
    era: str = LEGACY
    lacks: frozenset[str] = frozenset()
    lasting: bool = True

    @property
    def modern(self) -> bool:
        """Whether it speaks the newer era."""
        return self.era == MODERN


# One command a run: no callbacks, no standing connection, no message but the ones of its commands. What it could do
# but is slow to (a process and a connection a step) is left to the others.
_COMMANDS: Final = frozenset(
    "hello follow progress cancel rooted complete subscribe unsubscribe listen ping wait ask".split()
    + "lenient log large texts".split()
)
# What 2026-07-28 removed.
REMOVED: Final = frozenset("ping level subscribe unsubscribe rooted progress".split())

OVER_HTTP: Final = (
    Traveller("mcp 2.3, auto", "speak_mcp2.py", "auto", era=MODERN),
    Traveller("mcp 2.3, legacy", "speak_mcp2.py", "legacy"),
    Traveller("mcp 1.30", "speak_mcp1.py", "legacy", "legacy"),
    Traveller("fastmcp 4.1, auto", "speak_fastmcp.py", "auto", era=MODERN, lacks=frozenset({"listen"})),
    Traveller("TS sdk 1.32", "speak_sdk.mjs", "legacy", "node"),
    Traveller("TS client 2.4, auto", "speak_client.mjs", "auto", "node", era=MODERN),
    Traveller("TS client 2.4, legacy", "speak_client.mjs", "legacy", "node"),
    Traveller("inspector 2.12 CLI", "speak_inspector.py", "legacy", "node", lacks=_COMMANDS, lasting=False),
)
OVER_SSE: Final = (
    Traveller("mcp 2.3, SSE", "speak_mcp2.py", "legacy", transport="sse"),
    Traveller("mcp 1.30, SSE", "speak_mcp1.py", "legacy", "legacy", transport="sse"),
    Traveller("TS sdk 1.32, SSE", "speak_sdk.mjs", "legacy", "node", transport="sse"),
)
EVERYBODY: Final = (*OVER_HTTP, *OVER_SSE)
