"""How the scripts beside this file are run: one visit of a client to a server behind `smcp proxy`."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.toolbox.node import NodeTools

HERE = Path(__file__).parent
PROXY = (sys.executable, "-m", "smcp_security.cli", "proxy", "--")
LIMIT = 60
"""Seconds that a visit may take before it counts as hung."""
CALLS = (("echo", {"message": "before"}), ("echo", {"message": "; cat /etc/passwd"}), ("echo", {"message": "after"}))


@dataclass(frozen=True)
class Visitor:
    """One client: its script, the era that it is told to speak, and what runs it."""

    script: str
    mode: str
    runner: str = ""


VISITORS = {
    "mcp 2.3, auto": Visitor("visit_mcp2.py", "auto"),
    "mcp 2.3, legacy": Visitor("visit_mcp2.py", "legacy"),
    "mcp 1.30": Visitor("visit_mcp1.py", "legacy", "legacy"),
    "TS sdk 1.32": Visitor("visit_node.mjs", "sdk", "node"),
    "TS client 2.4": Visitor("visit_node.mjs", "auto", "node"),
}


async def ran(*command: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    with anyio.fail_after(LIMIT):
        done = await anyio.run_process(command, check=False, env=env)
    return done.returncode, done.stdout.decode() + (done.stderr.decode() if done.returncode else "")


async def visited(
    request: pytest.FixtureRequest, visitor: Visitor, server: tuple[str, ...], calls: Any = CALLS
) -> dict[str, Any]:
    facts = {"command": [*PROXY, *server], "env": {}, "mode": visitor.mode, "calls": calls}
    if visitor.runner == "node":
        tools: NodeTools = request.getfixturevalue("node")
        runner: tuple[str, ...] = (str(tools.node), str(HERE / visitor.script), str(tools.modules))
    else:
        python = request.getfixturevalue("legacy") if visitor.runner else sys.executable
        runner = (str(python), str(HERE / visitor.script))
    code, out = await ran(*runner, json.dumps(facts))
    assert code == 0, out
    seen: dict[str, Any] = json.loads(out.splitlines()[-1])
    return seen
