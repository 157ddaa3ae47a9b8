"""`smcp proxy` between the official clients of both languages and the reference server of npm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.real.edges.pipes.visits import PROXY, VISITORS, ran, visited
from tests.toolbox.node import NodeTools

pytestmark = [pytest.mark.real, pytest.mark.anyio]

HOSTILE = "; cat /etc/passwd"


def _everything(node: NodeTools) -> tuple[str, ...]:
    return str(node.node), str(node.script("@modelcontextprotocol/server-everything", "mcp-server-everything"))


@pytest.mark.parametrize("name", VISITORS)
async def test_a_client_at_a_server_of_another_language(request: pytest.FixtureRequest, name: str) -> None:
    server = _everything(request.getfixturevalue("node"))
    seen = await visited(request, VISITORS[name], server)
    assert "echo" in seen["tools"]
    before, refused, after = seen["calls"]
    assert (before, after) == ([False, "Echo: before"], [False, "Echo: after"])
    assert refused[0] is True
    assert "SMCP610" in refused[1]


@pytest.mark.parametrize(("message", "told"), [("hello", "Echo: hello"), (HOSTILE, "SMCP610")])
async def test_the_inspector_of_the_command_line(
    request: pytest.FixtureRequest, tmp_path: Path, message: str, told: str
) -> None:
    node: NodeTools = request.getfixturevalue("node")
    inspector = str(node.script("@modelcontextprotocol/inspector", "mcp-inspector"))
    call = ("--method", "tools/call", "--tool-name", "echo", "--tool-arg", f"message={message}")
    config = tmp_path / "mcp.json"
    command, *arguments = [*PROXY, *_everything(node)]
    config.write_text(json.dumps({"mcpServers": {"guarded": {"command": command, "args": arguments}}}))
    _, out = await ran(
        *(str(node.node), inspector, "--cli", "--config", str(config), "--server", "guarded"),
        *call,
        env=node.environment(tmp_path),
    )
    assert told in out
