"""`@secure_tool` on a server that is secured as a whole: the tool adds its demands, and nothing is judged twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fastmcp
import pytest
from mcp import Client, MCPError
from mcp.server.mcpserver import MCPServer

from smcp_security import Misplaced, SMCPSecurityFramework
from smcp_security.adapters.decorator import secure_tool
from smcp_security.adapters.sdk.secure import secure
from tests.adapters.sdk.hosts import ATTACK, told
from tests.audit.records import read_records

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("kind", [MCPServer, fastmcp.FastMCP], ids=lambda kind: kind.__name__)
async def test_a_tool_adds_its_demands_and_charges_the_policys_limits_once(kind: Any, tmp_path: Path) -> None:
    audit, server = tmp_path / "audit.jsonl", kind("both")
    limits = [{"per": "address", "rate": "4/hour", "methods": ["tools/call"]}]
    policy = {"server": {"flood": "off"}, "limits": limits, "audit": {"file": str(audit)}}
    with SMCPSecurityFramework(policy) as framework:
        secure(server, framework=framework)

        @server.tool()
        @secure_tool(rate="3/hour")
        def run(command: str) -> str:
            return f"ran {command}"

        async with Client(getattr(server, "_lowlevel_server", None) or server._mcp_server, mode="legacy") as client:
            outcomes = [await told(client.call_tool("run", {"command": text})) for text in ("a", ATTACK, "b", "c", "d")]
    assert [text.split()[0] for text in outcomes[:4]] == ["ran", "refused", "ran", "ran"]
    assert "SMCP402" in outcomes[4]
    calls = [
        record for record in read_records(audit) if record["kind"] == "decision" and record["method"] == "tools/call"
    ]
    assert [record["edge"] for record in calls] == ["sdk"] * 5 + ["decorator"]
    assert calls[-1]["id"] == calls[-2]["id"]


async def test_a_decorator_that_guards_nothing_stops_the_server_at_its_first_message() -> None:
    server, calls = MCPServer("bare", log_level="CRITICAL"), []

    def run(command: str) -> str:
        calls.append(command)
        return "ran"

    with SMCPSecurityFramework({"server": {"flood": "off"}}) as framework:
        secure(server, framework=framework)
        guarded = secure_tool(rate="3/hour")(run)
        server.tool()(run)  # the bare one: what happens where the decorators stand in the wrong order
        with pytest.RaisesGroup(MCPError, allow_unwrapped=True, flatten_subgroups=True):
            async with Client(server, mode="legacy") as client:
                await client.call_tool("run", {"command": "a"})
        with pytest.raises(Misplaced, match=r"guards nothing on .*run"):
            secure(MCPServer("another"), framework=framework)
    assert calls == [] and guarded is not None
