"""Where MCP lives: the policy's paths in every spelling, and the SDKs' endpoints that a walk of the routes finds."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount

from smcp_security.adapters.places import Places, normalised


def _is_mcp(inner: Any, path: str, root: str = "", **scope: Any) -> bool:
    return bool(_place(inner, path, root, **scope))


def _place(inner: Any, path: str, root: str = "", **scope: Any) -> str:
    return Places(inner).place({"path": path, "root_path": root, **scope}, ["/mcp"])


@pytest.mark.parametrize(
    ("path", "root", "found"),
    [
        ("/mcp", "", True),
        ("/mcp/", "", True),
        ("//mcp", "", True),
        ("///mcp///", "", True),
        ("/a/mcp", "/a", True),
        ("/a/mcp/", "/a", True),
        ("/mcp", "/a", True),
        ("/a/mcp", "", False),
        ("/a/mcp", "/b", False),
        ("/mcp/x", "", False),
        ("/mcpx", "", False),
        ("/MCP", "", True),
        ("/x/../mcp", "", True),
        ("/./mcp/.", "", True),
        ("/mcp;x=1", "", True),
        ("/x/..;/mcp", "", True),
        ("\\mcp\\", "", True),
        ("/mcp\n", "", True),
        ("/mcp/\n", "", True),
        ("/m\ncp", "", False),
        ("http://127.0.0.1:8000/mcp", "", True),
        ("HTTP://user@host/Mcp/", "", True),
        ("/mcp/..", "", False),
        ("/mcp/../x", "", False),
        ("http://mcp", "", False),
        ("x/http://host/mcp", "", False),
        ("/mcp%2f", "", False),
        ("/", "", False),
        ("", "", False),
    ],
)
def test_a_path_of_the_policy_is_found_in_every_spelling(path: str, root: str, found: bool) -> None:
    assert _is_mcp(None, path, root) is found


def test_a_scope_without_a_root_path_is_understood() -> None:
    assert Places(None).place({"path": "/mcp"}, ["/mcp"]) == "/mcp"


@pytest.mark.parametrize(("path", "root"), [("/mcp", ""), ("//mcp/", ""), ("/a/mcp", "/a"), ("/mcp/", "/a")])
def test_every_spelling_of_a_path_is_the_same_place(path: str, root: str) -> None:
    assert _place(None, path, root) == "/mcp"


@pytest.mark.parametrize("path", ["/tools", "/tools/", "/tools/x", "/tools//x/y"])
def test_all_paths_below_a_mounted_endpoint_are_one_place(path: str) -> None:
    manager = StreamableHTTPSessionManager(Server("a"))
    assert _place(Starlette(routes=[Mount("/tools", manager.handle_request)]), path) == "/tools"


@given(st.text("/ab", max_size=12))
def test_normalising_is_done_once_and_for_all(path: str) -> None:
    plain = normalised(path)
    assert normalised(plain) == plain and "//" not in plain and (plain == "/" or not plain.endswith("/"))


def _sdk(path: str = "/hidden") -> Starlette:
    return MCPServer("a").streamable_http_app(streamable_http_path=path)


def test_an_endpoint_of_the_sdk_is_found_at_its_own_path() -> None:
    assert _is_mcp(_sdk("/hidden"), "/hidden") and not _is_mcp(_sdk("/hidden"), "/other")


def test_an_endpoint_in_mounts_and_wrappers_is_found() -> None:
    inner = Starlette(routes=[Mount("/tools", _sdk("/rpc"))])
    assert _is_mcp(GZipMiddleware(inner), "/tools/rpc")
    outer = FastAPI()
    outer.mount("/api", inner)
    assert _is_mcp(outer, "/api/tools/rpc") and not _is_mcp(outer, "/rpc")


def test_the_outermost_application_is_walked_where_the_scope_names_it() -> None:
    outer = FastAPI()
    outer.mount("/api", _sdk("/rpc"))
    assert _is_mcp(None, "/api/rpc", app=outer) and not _is_mcp(None, "/api/rpc")


def test_apps_that_wrap_themselves_end_the_walk() -> None:
    class Knot:
        app: Any

    knot = Knot()
    knot.app = knot
    assert not _is_mcp(knot, "/x")


def test_an_app_that_only_borrows_the_name_is_no_endpoint() -> None:
    class StreamableHTTPASGIApp:
        pass

    assert not _is_mcp(StreamableHTTPASGIApp(), "/")
