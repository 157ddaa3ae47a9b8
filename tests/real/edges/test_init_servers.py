"""`smcp init` at real servers: what it writes loads, lints clean, and lets honest calls of each tool pass."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.context import ClientRequestContext
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult

from smcp_security.policy import Policy
from tests.cli.terminal import smcp
from tests.real.backends.processes import listening
from tests.toolbox.node import NodeTools
from tests.toolbox.shelf import ROOT

pytestmark = pytest.mark.real
PROGRAM = str(ROOT / "tests/real/edges/pin_server.py")
GUARDED = """\
import sys
import uvicorn
sys.path.insert(0, "tests/real/edges")
from pin_server import furnished
from smcp_security import SMCPMiddleware
app = SMCPMiddleware(furnished(False).streamable_http_app(), policy=sys.argv[1])
config = uvicorn.Config(app, port=0, log_config=None)
server = uvicorn.Server(config)
started = server.startup
async def startup(sockets=None):
    await started(sockets)
    print("listening", server.servers[0].sockets[0].getsockname()[1], flush=True)
server.startup = startup
server.run()
"""
LIMIT = 60
# Tools that no list shows to a client without the ability they are about.
ASKING = {"trigger-elicitation-request", "trigger-sampling-request", "trigger-url-elicitation", "get-roots-list"}
EVERYTHING: dict[str, dict[str, Any]] = {
    "echo": {"message": "good morning"},
    "get-annotated-message": {"messageType": "success"},
    "get-env": {},
    "get-resource-links": {"count": 2},
    "get-resource-reference": {"resourceType": "Text", "resourceId": 1},
    "get-structured-content": {"location": "Chicago"},
    "get-sum": {"a": 2, "b": 3},
    "get-tiny-image": {},
    "toggle-simulated-logging": {},
    "toggle-subscriber-updates": {},
    "trigger-long-running-operation": {"duration": 0.1, "steps": 1},
}


async def _elicited(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    return ElicitResult(action="decline")


async def _visited(command: list[str], env: dict[str, str], calls: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """The names that a server behind the proxy lists, and what became of each call: its text, or the refusal."""
    server = StdioServerParameters(command=command[0], args=command[1:], env=env)
    with anyio.fail_after(LIMIT):
        async with Client(stdio_client(server), elicitation_callback=_elicited) as client:
            listed = {tool.name for tool in (await client.list_tools()).tools}
            answers = []
            for name, arguments in calls:
                result = await client.call_tool(name, arguments)
                text = "".join(getattr(block, "text", "") for block in result.content)
                answers.append((name, bool(result.is_error), text))
    return {"listed": listed, "answers": answers}


def _called(command: list[str], env: dict[str, str], calls: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    return anyio.run(_visited, command, env, calls)


def _written(tmp_path: Path, *arguments: str) -> Path:
    """The policy that is proposed; it loads and has no findings."""
    file = tmp_path / "policy.yaml"
    run = smcp("init", "--out", str(file), *arguments)
    assert run.code == 0, run.err
    assert (smcp("lint", str(file)).code, smcp("lint", str(file)).out) == (0, "no findings in 1 file\n")
    return file


def _behind(policy: Path, command: list[str]) -> list[str]:
    return [sys.executable, "-m", "smcp_security.cli", "proxy", "--policy", str(policy), "--", *command]


def test_each_tool_of_the_reference_server_answers_behind_its_first_policy(
    node: NodeTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = node.environment(tmp_path)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    script = node.script("@modelcontextprotocol/server-everything", "mcp-server-everything")
    command = [str(node.node), str(script), "stdio"]
    file = _written(tmp_path, "--", *command)
    named = set(Policy.load(file).tools)
    assert named >= {*EVERYTHING, *ASKING}
    seen = _called(_behind(file, command), env, list(EVERYTHING.items()))
    assert seen["listed"] - ASKING >= set(EVERYTHING)
    assert [(name, text[:200]) for name, wrong, text in seen["answers"] if wrong] == []


def test_files_are_read_and_written_behind_the_first_policy_and_attacks_are_not(
    node: NodeTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = node.environment(tmp_path)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "files"
    folder.mkdir()
    note = str(folder / "note.txt")
    script = node.script("@modelcontextprotocol/server-filesystem", "mcp-server-filesystem")
    command = [str(node.node), str(script), str(folder)]
    file = _written(tmp_path, "--", *command)
    honest: list[tuple[str, dict[str, Any]]] = [
        ("write_file", {"path": note, "content": "rm -rf build; SELECT 1"}),
        ("read_text_file", {"path": note}),
        ("read_multiple_files", {"paths": [note]}),
        ("edit_file", {"path": note, "edits": [{"oldText": "build", "newText": "dist"}]}),
        ("create_directory", {"path": str(folder / "sub")}),
        ("list_directory", {"path": str(folder)}),
        ("list_directory_with_sizes", {"path": str(folder)}),
        ("directory_tree", {"path": str(folder)}),
        ("move_file", {"source": note, "destination": str(folder / "sub/note.txt")}),
        ("search_files", {"path": str(folder), "pattern": "*.txt"}),
        ("get_file_info", {"path": str(folder / "sub/note.txt")}),
        ("list_allowed_directories", {}),
    ]
    seen = _called(
        _behind(file, command), env, [*honest, ("read_text_file", {"path": f"{folder}/../../../etc/passwd"})]
    )
    *answers, (_, wrong, text) = seen["answers"]
    assert [(name, text[:200]) for name, wrong, text in answers if wrong] == []
    assert wrong and "Refused by policy" in text
    roles = Policy.load(_written(tmp_path, "--force", "--keys", "keys.yaml", "--", *command)).roles or {}
    assert "write_file" in roles["admin"].allow[0].tools and "read_text_file" in roles["reader"].allow[0].tools


def test_a_server_over_http_gets_a_policy_that_it_can_be_put_behind(tmp_path: Path) -> None:
    with listening([sys.executable, PROGRAM, "http"], os.environ) as port:
        file = _written(tmp_path, "--from", f"http://127.0.0.1:{port}/mcp")
    assert list(Policy.load(file).tools) == ["add"]
    with listening([sys.executable, "-c", GUARDED, str(file)], {**os.environ, "PYTHONPATH": str(ROOT)}) as port:
        listed, result, refused = anyio.run(_over_http, f"http://127.0.0.1:{port}/mcp")
    assert listed == ["add"]
    assert not result.is_error and result.structured_content == {"result": 5}
    assert refused == "There is no such tool."


async def _over_http(url: str) -> tuple[list[str], CallToolResult, str]:
    with anyio.fail_after(LIMIT):
        async with Client(url) as client:
            listed = [tool.name for tool in (await client.list_tools()).tools]
            result = await client.call_tool("add", {"a": 2, "b": 3})
            with pytest.raises(MCPError) as refused:
                await client.call_tool("multiply", {"a": 2})
            return listed, result, refused.value.message
