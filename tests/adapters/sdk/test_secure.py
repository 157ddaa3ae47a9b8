"""`secure(server)`: the same object, once, whatever is registered when; and an error for what it cannot secure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

import fastmcp
import pytest
from mcp import Client, MCPError
from mcp.server import context as hooks
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette

from smcp_security import Misplaced, PolicyError, SMCPSecurityFramework
from smcp_security.adapters.local import CREDENTIAL
from smcp_security.adapters.sdk import fastmcp as of_fastmcp
from smcp_security.adapters.sdk.modern import SecurityMiddleware
from smcp_security.adapters.sdk.secure import secure
from smcp_security.keys.issuing import create_key
from tests.adapters.sdk.hosts import ATTACK, HONEST, WAYS, Secured, told

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def security() -> Iterator[SMCPSecurityFramework]:
    with SMCPSecurityFramework({"server": {"flood": "off"}}) as framework:
        yield framework


@pytest.mark.parametrize("server", [MCPServer("s"), Server("s"), fastmcp.FastMCP("s")], ids=lambda each: type(each))
async def test_securing_returns_the_same_object_and_does_it_once(server: Any, security: SMCPSecurityFramework) -> None:
    low = getattr(server, "_lowlevel_server", None) or getattr(server, "_mcp_server", server)
    before = len(low.middleware)
    assert secure(server, framework=security) is server
    assert secure(server) is server
    assert secure(server, framework=security) is server
    assert len(low.middleware) == before + 1
    assert isinstance(low.middleware[0], SecurityMiddleware)


async def test_tools_count_alike_whether_registered_before_or_after(security: SMCPSecurityFramework) -> None:
    server, calls = MCPServer("s", log_level="CRITICAL"), []

    def run(command: str) -> str:
        calls.append(command)
        return "ran"

    server.tool(name="before")(run)
    secure(server, framework=security)
    server.tool(name="after")(run)
    async with Client(server) as client:
        for tool in ("before", "after"):
            assert (await told(client.call_tool(tool, {"command": ATTACK}))).startswith("refused Refused by policy")
            assert await told(client.call_tool(tool, {"command": HONEST})) == "ran"
    assert calls == [HONEST] * 2


async def test_another_policy_for_a_server_that_has_one_is_an_error(security: SMCPSecurityFramework) -> None:
    server = secure(MCPServer("s"), {"server": {"flood": "off"}})
    assert secure(server, {"server": {"flood": "off"}}) is server
    for other in ({"policy": {"mode": "monitor"}}, {"framework": security}):
        with pytest.raises(ValueError, match=r"secured by another policy already.*framework\.reload"):
            secure(server, **other)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "thing", [None, Starlette(), lambda: None, MCPServer, "server"], ids=lambda thing: type(thing).__name__
)
async def test_what_is_no_server_is_refused_in_one_line(thing: Any) -> None:
    with pytest.raises(TypeError, match=r"^secure\(\) takes an MCP server object .* SMCPMiddleware.* secure_tool$"):
        secure(thing)


async def test_a_bad_policy_is_told_before_the_server_starts(tmp_path: Path) -> None:
    server = MCPServer("s")
    before = list(server.middleware)
    with pytest.raises(PolicyError):
        secure(server, str(tmp_path / "missing.yaml"))
    assert server.middleware == before


async def test_a_hook_of_another_shape_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    SecurityMiddleware({})
    monkeypatch.setattr(hooks, "ServerRequestContext", make_dataclass("Context", ["session", "method"]))
    with pytest.raises(Misplaced, match=r"hook of mcp 2\.\S+ is not the one this release knows \(tried with 2\.3\)"):
        secure(MCPServer("s"), {})


async def test_a_fastmcp_middleware_of_another_shape_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    of_fastmcp.SecurityMiddleware({})
    monkeypatch.setattr(of_fastmcp, "MiddlewareContext", make_dataclass("Context", ["message"]))
    with pytest.raises(Misplaced, match=r"fastmcp 4\.\S+ is not the one this release knows \(tried with 4\.1\)"):
        of_fastmcp.SecurityMiddleware({})


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    path = str(tmp_path / "keys.yaml")
    return {role: create_key(path, owner=role, roles=[role])[1] for role in ("reader", "writer")} | {"": path}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_credential_of_the_environment_says_which_tools_there_are(
    way: Secured, mode: str, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = {
        "identity": {"api_keys": {"file": keys[""]}},
        "roles": {"reader": {"allow": [{"tools": ["write"]}]}, "writer": {"allow": [{"tools": ["write", "run"]}]}},
    }
    with SMCPSecurityFramework(policy) as framework:
        host = way(framework)
        for role, seen, outcome in [("reader", {"write"}, "error -31403 SMCP301"), ("writer", {"write", "run"}, "ran")]:
            monkeypatch.setenv(CREDENTIAL, keys[role])
            async with host.client(mode) as client:
                assert {tool.name for tool in (await client.list_tools()).tools} == seen
                assert (await told(client.call_tool("run", {"command": HONEST}))).startswith(outcome)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_nobody_is_let_in_with_a_wrong_credential(
    way: Secured, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CREDENTIAL, keys["reader"][:-4] + "aaaa")
    with SMCPSecurityFramework({"identity": {"api_keys": {"file": keys[""]}}}) as framework:
        host = way(framework)
        with pytest.RaisesGroup(MCPError, allow_unwrapped=True, flatten_subgroups=True):
            async with host.client("legacy") as client:
                await client.list_tools()
    assert host.notes.calls == []
