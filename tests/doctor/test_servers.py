"""Server objects of the SDKs: secured as a whole, by their tools, by the routes in front, or not at all."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastmcp import FastMCP
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.routing import Mount

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.decorator import secure_tool
from smcp_security.adapters.sdk.secure import secure
from tests.doctor.looks import found, look

KINDS = [MCPServer, FastMCP]


def _add(server: Any, name: str, decorate: Callable[[Any], Any] = lambda function: function) -> None:
    def tool(title: str) -> str:
        return title

    tool.__name__ = name
    server.tool()(decorate(tool))


@pytest.mark.parametrize("kind", [*KINDS, Server])
def test_a_server_object_needs_something_in_front_of_it(kind: Any, framework: SMCPSecurityFramework) -> None:
    server = kind("a")
    report = look(server)
    assert (found(report), report.kind) == ([("DOC041", "here:app")], "server")
    secure(server, framework=framework)
    report = look(server)
    assert (found(report), report.servers[0]["secured"]) == ([], True)


@pytest.mark.parametrize("kind", KINDS)
def test_decorated_tools_are_enough_and_one_without_is_told(kind: Any, framework: SMCPSecurityFramework) -> None:
    server = kind("a")
    _add(server, "find_book", secure_tool(framework=framework))
    assert found(look(server)) == []
    _add(server, "lend_book")
    assert found(look(server)) == [("DOC042", "here:app lend_book")]


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Whatever a test puts in the wrong place is gone before others look for it."""
    yield
    gc.collect()


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("kind", [MCPServer, pytest.param(FastMCP, marks=pytest.mark.real)])
def test_a_decorator_above_the_registration_is_found(kind: Any, framework: SMCPSecurityFramework) -> None:
    server = kind("a")

    def find_book(title: str) -> str:
        return title

    guarded = secure_tool(framework=framework)(find_book)
    server.tool()(find_book)
    report = look(server)
    assert found(report) == [("DOC040", "find_book")]
    assert "below @mcp.tool()" in report.findings[0]["remedy"]
    del guarded, server


def test_the_servers_of_a_module_are_looked_at_beside_its_application(framework: SMCPSecurityFramework) -> None:
    served, forgotten = MCPServer("a"), MCPServer("b")
    app = SMCPMiddleware(served.streamable_http_app(), framework=framework)
    names = {"served": served, "again": served, "forgotten": forgotten}
    report = look(app, names)
    assert found(report) == [("DOC041", "here:forgotten")]
    assert [server["name"] for server in report.servers] == ["here:served", "here:forgotten"]


def test_a_server_of_fastmcp_is_known_behind_its_route(framework: SMCPSecurityFramework) -> None:
    server = FastMCP("a")
    app = SMCPMiddleware(server.http_app(), framework=framework)
    assert found(look(app, {"server": server})) == []


def test_a_secured_server_without_the_middleware_is_a_warning(framework: SMCPSecurityFramework) -> None:
    server = secure(MCPServer("a"), framework=framework)
    report = look(Starlette(routes=[Mount("/", server.streamable_http_app())]), {"server": server})
    assert found(report) == [("DOC002", "/mcp")]
    assert report.findings[0]["level"] == "warning"


def test_an_unguarded_route_is_not_told_again_as_a_server() -> None:
    server = MCPServer("a")
    assert found(look(server.streamable_http_app(), {"server": server})) == [("DOC001", "/mcp")]


def test_every_path_of_the_old_transport_leads_to_a_secured_server(framework: SMCPSecurityFramework) -> None:
    server = secure(MCPServer("a"), framework=framework)
    assert found(look(server.sse_app())) == [("DOC002", "/sse"), ("DOC002", "/messages")]
    assert found(look(secure(FastMCP("b"), framework=framework).http_app(transport="sse"))) == [
        ("DOC002", "/sse"),
        ("DOC002", "/messages"),
    ]


def test_a_route_to_decorated_tools_alone_is_judged_in_process(framework: SMCPSecurityFramework) -> None:
    server = MCPServer("a")
    _add(server, "find_book", secure_tool(framework=framework))
    assert found(look(server.streamable_http_app(), {"server": server})) == [("DOC002", "/mcp")]
    _add(server, "lend_book")
    assert found(look(server.streamable_http_app(), {"server": server})) == [
        ("DOC001", "/mcp"),
        ("DOC042", "here:server lend_book"),
    ]
