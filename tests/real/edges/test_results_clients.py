"""Clients of every generation at a leaky server, and the reference server of everything, all behind `smcp proxy`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.real.edges.pipes.visits import PROXY, VISITORS, visited
from tests.real.edges.results_wire import MASK, MASKED, PATIENCE, PROGRAM, TOKEN, codes_of, environment_of
from tests.toolbox.node import NodeTools
from tests.toolbox.shelf import ROOT

pytestmark = [
    pytest.mark.real,
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]


@pytest.mark.parametrize("visitor", ["mcp 1.30", "mcp 2.3, auto", "TS sdk 1.32"])
async def test_clients_of_every_generation_read_masked_answers(visitor: str, request: pytest.FixtureRequest) -> None:
    server = ("env", f"PYTHONPATH={ROOT}", sys.executable, PROGRAM, "mcp", "stdio", "nothing")
    calls = [("leak", {}), ("row", {}), ("honest", {})]
    seen = await visited(request, VISITORS[visitor], server, calls)
    assert seen["calls"][0] == [False, MASKED]
    assert json.loads(seen["calls"][1][1]) == {"name": "row", "key": MASKED}
    assert json.loads(seen["calls"][2][1])["name"] == "row"


# -- the reference server of everything --------------------------------------------------------------------------------


async def _everything(client: Client) -> dict[str, Any]:
    """All that the reference server says to questions that are the same each time."""
    said: dict[str, Any] = {"tools": [tool.model_dump() for tool in (await client.list_tools()).tools]}
    calls: dict[str, dict[str, Any]] = {
        "echo": {"message": "hello"},
        "get-sum": {"a": 2, "b": 3},
        "get-tiny-image": {},
        "get-annotated-message": {"messageType": "error", "includeImage": True},
        "get-resource-links": {"count": 3},
        "get-structured-content": {"location": "New York"},
    }
    for name, arguments in calls.items():
        said[name] = (await client.call_tool(name, arguments)).model_dump()
    resources = (await client.list_resources()).resources
    said["resources"] = [each.model_dump() for each in resources]
    for each in resources:
        said[str(each.uri)] = (await client.read_resource(str(each.uri))).contents[0].model_dump()
    said["prompts"] = [each.model_dump() for each in (await client.list_prompts()).prompts]
    said["prompt"] = (await client.get_prompt("args-prompt", {"city": "Bern"})).model_dump()
    return said


async def test_the_reference_server_says_the_same_behind_the_proxy_but_for_what_its_environment_holds(
    node: NodeTools, tmp_path: Path
) -> None:
    audit = tmp_path / "audit.jsonl"
    environment = environment_of(tmp_path, audit)
    script = node.script("@modelcontextprotocol/server-everything", "mcp-server-everything")
    bare = [str(node.node), str(script)]
    leaking = {**environment, "EXAMPLE_TOKEN": TOKEN, "PLAIN": "yes"}
    said = []
    for command in (bare, [*PROXY, *bare]):
        server = StdioServerParameters(command=command[0], args=command[1:], env=leaking, cwd=ROOT)
        with anyio.fail_after(PATIENCE), open(os.devnull, "w") as errors:
            async with Client(stdio_client(server, errlog=errors), mode="legacy") as client:
                said.append(await _everything(client))
                held = json.loads((await client.call_tool("get-env", {})).content[0].text)
                assert held["PLAIN"] == "yes"
                assert held["EXAMPLE_TOKEN"] == (TOKEN if command is bare else MASK)
    assert said[0] == said[1]
    # Its instructions do tell a model what to answer when it is asked about them: reported, and passed on.
    assert codes_of(audit) - {"SMCP828"} == {"SMCP705"}
