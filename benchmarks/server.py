"""One MCP SDK server under uvicorn, in a process of its own: `python benchmarks/server.py NAME AUDIT [JWKS]`.

The server named `bare` is. With JWKS, the issuer's keys in a file, callers need a token.

Prints one JSON line when it listens (`{"port": ...}`) and one when it has been told to stop (what its rungs took).
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this folder: its http.py would stand in for the standard library's.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import json
from collections import deque
from collections.abc import Mapping
from statistics import median
from typing import Any, Final

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.messages import TOOL, policy

KEPT: Final = 5_000
"""Requests whose timings are kept: the latest, so that the process does not grow with the length of the run."""


class Timings:
    """Innermost of the protected server: keeps what the rungs took for the requests that reached the app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: deque[Mapping[str, float]] = deque(maxlen=KEPT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        decision = scope.get("smcp")
        if decision is not None:
            self._kept.append(decision.timings)
        await self._app(scope, receive, send)

    def medians(self) -> dict[str, float]:
        """Microseconds by rung."""
        rungs = self._kept[-1] if self._kept else {}
        return {rung: median(timings[rung] for timings in self._kept) for rung in rungs}


class _Server(uvicorn.Server):
    def __init__(self, app: ASGIApp, timings: Timings) -> None:
        super().__init__(uvicorn.Config(app, port=0, log_level="error", access_log=False, http="h11", loop="asyncio"))
        self._timings = timings

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        _say({"port": self.servers[0].sockets[0].getsockname()[1]})

    async def shutdown(self, sockets: Any = None) -> None:
        # uvicorn ends by the signal that stopped it, so nothing after `run` is reached.
        await super().shutdown(sockets)
        _say({"rungs": self._timings.medians()})


def tool_server() -> MCPServer:
    """A server with the one tool of the workload, as cheap as a tool can be."""
    server = MCPServer("benchmark", log_level="ERROR")

    @server.tool(name=TOOL)
    def save(title: str, body: str = "", notes: list[dict[str, str]] | None = None) -> str:
        """Save a note."""
        return f"saved {len(title) + len(body)} characters and {len(notes or ())} notes"

    return server


def _protected(app: ASGIApp, audit: Path, jwks: str | None) -> ASGIApp:
    # Here, so that the bare server does not carry what it does not use.
    from benchmarks import callers
    from smcp_security import SMCPMiddleware

    return SMCPMiddleware(app, policy=policy(audit) if jwks is None else callers.policy(audit, Path(jwks)))


def _say(fact: Mapping[str, Any]) -> None:
    print(json.dumps(fact), flush=True)


def main(name: str, audit: str, jwks: str | None = None) -> None:
    """Serve until SIGTERM."""
    timings = Timings(tool_server().streamable_http_app(json_response=True))
    app: ASGIApp = timings if name == "bare" else _protected(timings, Path(audit), jwks)
    _Server(app, timings).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
