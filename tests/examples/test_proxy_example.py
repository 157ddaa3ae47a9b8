"""The example of `smcp proxy` by the official client, as its first line says: honest calls pass, attacks do not."""

from __future__ import annotations

import sys

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.architecture.source import ROOT
from tests.real.house import PATIENCE

pytestmark = [pytest.mark.real, pytest.mark.anyio]

PROXY = ["-m", "smcp_security.cli", "proxy", "--policy", "examples/proxy.yaml", "--"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_is_served_what_is_honest_and_refused_what_is_not(mode: str) -> None:
    server = StdioServerParameters(
        command=sys.executable, args=[*PROXY, sys.executable, "examples/notes_server.py"], cwd=ROOT
    )
    with anyio.fail_after(PATIENCE):
        async with Client(stdio_client(server), mode=mode) as client:
            listed = await client.list_tools()
            honest = await client.call_tool("note_place", {"name": "monday-2"})
            attack = await client.call_tool("note_place", {"name": "../../etc/passwd"})
            with pytest.raises(MCPError) as hidden:
                await client.call_tool("drop_notes", {"name": "all"})
    assert [tool.name for tool in listed.tools] == ["note_place"]
    assert not honest.is_error and "/srv/notes/monday-2" in honest.model_dump_json()
    assert attack.is_error and "SMCP516" in attack.model_dump_json()
    assert hidden.value.error.data["code"] == "SMCP303"
