"""A server whose tool calls another server in memory: ids of messages coincide, and its verdict is not the other's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastmcp
import pytest
from mcp import Client
from mcp.server.mcpserver import MCPServer

from smcp_security import SMCPSecurityFramework
from smcp_security.adapters.decorator import secure_tool
from smcp_security.adapters.sdk import fastmcp as of_fastmcp
from smcp_security.adapters.sdk.secure import secure
from tests.adapters.sdk.hosts import told
from tests.audit.records import read_records

pytestmark = pytest.mark.anyio

FOLDER = {"kind": "path", "roots": ["/srv/books"]}
POLICY = {"server": {"flood": "off"}, "tools": {"read": {"arguments": {"path": FOLDER}}}}
Outer = Callable[[SMCPSecurityFramework], Any]


@pytest.fixture(scope="module")
def framework(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SMCPSecurityFramework, Path]]:
    """A framework for one folder, and the file of its audit."""
    file = tmp_path_factory.mktemp("audit") / "audit.jsonl"
    with SMCPSecurityFramework({**POLICY, "audit": {"file": str(file)}}) as framework:
        yield framework, file


def _client(server: Any) -> Client:
    return Client(getattr(server, "_lowlevel_server", None) or server._mcp_server)


def _by_secure(framework: SMCPSecurityFramework) -> Any:
    return secure(MCPServer("outer", log_level="CRITICAL"), framework=framework)


def _fastmcp_by_secure(framework: SMCPSecurityFramework) -> Any:
    return secure(fastmcp.FastMCP("outer"), framework=framework)


def _fastmcp_by_middleware(framework: SMCPSecurityFramework) -> Any:
    return fastmcp.FastMCP("outer", middleware=[of_fastmcp.SecurityMiddleware(framework=framework)])


@pytest.mark.parametrize("outer_of", [_by_secure, _fastmcp_by_secure, _fastmcp_by_middleware])
async def test_a_verdict_on_a_message_is_no_verdict_on_that_of_another_server(
    outer_of: Outer, framework: tuple[SMCPSecurityFramework, Path]
) -> None:
    outer = outer_of(framework[0])
    inner: Any = MCPServer("inner", log_level="CRITICAL") if isinstance(outer, MCPServer) else fastmcp.FastMCP("inner")
    ran = []

    @inner.tool()
    @secure_tool
    async def read(path: str) -> str:
        ran.append(path)
        return path

    @outer.tool(name="read")
    async def read_inside(path: str) -> str:
        async with _client(inner) as client:
            # One after the other, so that one of them has the id of the message that is served.
            return "; ".join(
                [await told(client.call_tool("read", {"path": each})) for each in [*["/opt/books"] * 6, path]]
            )

    async with _client(outer) as client:
        for _ in range(3):
            said = await told(client.call_tool("read", {"path": "/srv/books/a"}))
            assert said.count("SMCP510") == 6
            assert said.endswith("; /srv/books/a")
    assert ran == ["/srv/books/a"] * 3


@pytest.mark.parametrize("outer_of", [_by_secure, _fastmcp_by_secure, _fastmcp_by_middleware])
async def test_a_tool_of_the_server_itself_is_judged_once_whatever_the_sdk_reads_its_arguments_as(
    outer_of: Outer, framework: tuple[SMCPSecurityFramework, Path]
) -> None:
    server, (judge, file) = outer_of(framework[0]), framework

    @server.tool()
    @secure_tool(contracts={"names": FOLDER})
    def pick(count: int, names: list[str]) -> str:
        return f"{count} {names[0]}"

    async with _client(server) as client:
        assert judge.flush()
        before = len(read_records(file))
        assert await told(client.call_tool("pick", {"count": 1.0, "names": ["/srv/books/a"]})) == "1 /srv/books/a"
        assert "SMCP510" in await told(client.call_tool("pick", {"count": 2, "names": ["/opt/books"]}))
        assert judge.flush()
    records = read_records(file)[before:]
    calls = [each["edge"] for each in records if each["kind"] == "decision" and each["method"] == "tools/call"]
    assert calls == ["sdk", "sdk", "decorator"]


async def test_a_verdict_is_for_the_arguments_that_were_judged(
    framework: tuple[SMCPSecurityFramework, Path],
) -> None:
    @secure_tool
    def read(path: str, mode: str = "text") -> str:
        return path

    server, (judge, file) = secure(MCPServer("one", log_level="CRITICAL"), framework=framework[0]), framework
    others: list[str] = []

    @server.tool(name="read")
    def read_more(path: str) -> str:
        return "; ".join(read(each) for each in (path, *others))

    async with _client(server) as client:
        assert judge.flush()
        before = len(read_records(file))
        assert await told(client.call_tool("read", {"path": "/srv/books/a"})) == "/srv/books/a"
        assert judge.flush()
        calls = [record for record in read_records(file)[before:] if record.get("edge") == "decorator"]
        others.append("/opt/books")
        assert "SMCP510" in await told(client.call_tool("read", {"path": "/srv/books/a"}))
    assert calls == []
