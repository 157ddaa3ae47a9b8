"""A decorator above the registration guards nothing: seen at decoration or at the first request, with the fix."""

from __future__ import annotations

import functools
import gc
import subprocess
import sys
import weakref
from collections.abc import Callable
from typing import Any

import fastmcp
import pytest
from mcp.server.mcpserver import MCPServer

from smcp_security.adapters.decorator import secure_tool
from smcp_security.adapters.sdk import registered
from smcp_security.adapters.sdk.registered import check_placement, misplaced, names_of
from smcp_security.errors import Misplaced

Made = Callable[[], Any]
SERVERS: tuple[Made, ...] = (lambda: MCPServer("notes"), lambda: fastmcp.FastMCP("notes"))
servers = pytest.mark.parametrize("make", SERVERS, ids=["mcp", "fastmcp"])


def _tools() -> list[str]:
    return [each.tool for each in misplaced()]


@servers
def test_a_decorator_above_the_registration_is_refused_at_once(make: Made) -> None:
    server = make()
    for guarded in (secure_tool, secure_tool(rate="1/minute")):
        with pytest.raises(Misplaced, match=r"bare function as the tool 'read'.*Put @secure_tool below it"):

            @guarded
            @server.tool()
            def read(path: str) -> str:
                return path

        server = make()


@servers
def test_a_decorator_below_the_registration_is_where_it_belongs(make: Made) -> None:
    server = make()

    @server.tool()
    @secure_tool
    def read(path: str) -> str:
        return path

    @server.tool()
    @secure_tool(rate="1/minute")
    async def write(path: str) -> str:
        return path

    assert _tools() == []
    check_placement()


@servers
def test_a_function_between_the_two_hides_nothing(make: Made) -> None:
    server = make()

    def plain(function: Any) -> Any:
        @functools.wraps(function)
        def around(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return around

    with pytest.raises(Misplaced, match="tool 'read'"):

        @secure_tool
        @plain
        @server.tool()
        def read(path: str) -> str:
            return path


def _through_another(function: Any) -> Any:
    return secure_tool(rate="1/minute")(function)


@servers
def test_what_decoration_cannot_tell_is_seen_at_the_first_request(make: Made) -> None:
    server = make()

    @_through_another
    @server.tool()
    def hidden(path: str) -> str:
        return path

    assert _tools() == ["hidden"]
    with pytest.raises(Misplaced, match=r"secure_tool guards nothing on .*hidden"):
        check_placement()


@servers
def test_a_function_that_is_registered_later_is_seen_too(make: Made) -> None:
    server = make()

    def late(path: str) -> str:
        return path

    guarded = secure_tool(late)
    assert _tools() == []
    server.tool()(late)
    assert _tools() == ["late"]
    server.tool(name="safe")(guarded)
    # Somebody serves it both ways, and has said so by name.
    assert _tools() == []


@servers
def test_a_method_is_found_behind_its_binding(make: Made) -> None:
    class Shelf:
        def read(self, path: str) -> str:
            return path

    server, shelf = make(), Shelf()
    guarded = secure_tool(shelf.read)
    server.tool()(shelf.read)
    assert _tools() == ["read"]
    server.tool(name="safe")(guarded)
    assert names_of(guarded) == {"safe"}


def test_a_server_that_is_gone_serves_nothing() -> None:
    server = MCPServer("notes")

    def late(path: str) -> str:
        return path

    guarded = secure_tool(late)
    server.tool()(late)
    assert _tools() == ["late"]
    known = weakref.ref(server)
    del server
    gc.collect()
    assert (known(), _tools()) == (None, [])
    assert guarded("a") == "a"


def test_a_tool_object_is_told_to_be_decorated_below() -> None:
    server = MCPServer("notes")
    server.tool()(lambda_free)
    [tool] = server._tool_manager.list_tools()
    with pytest.raises(TypeError, match=r"below @mcp\.tool"):
        secure_tool(tool)  # type: ignore[call-overload]


def lambda_free(path: str) -> str:
    """A tool."""
    return path


def test_decorating_loads_no_sdk() -> None:
    script = (
        "import sys\nfrom smcp_security.adapters.decorator import secure_tool\n"
        "from smcp_security.adapters.sdk.registered import check_placement\n"
        "@secure_tool\ndef run(text: str) -> str:\n    return text\n"
        "check_placement()\nassert run('a') == 'a'\n"
        "print([name for name in ('mcp', 'fastmcp', 'starlette', 'django') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_nothing_is_searched_where_nobody_else_knows_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registered, "_guarded", weakref.WeakKeyDictionary())
    server = MCPServer("notes")

    @server.tool()
    @secure_tool
    def plain(path: str) -> str:
        return path

    @server.tool()
    @secure_tool(rate="1/minute")
    async def coroutine(path: str) -> str:
        return path

    class Shelf:
        @secure_tool()
        def method(self) -> Any:
            yield

        @secure_tool
        async def later(self) -> Any:
            yield

    monkeypatch.setattr(gc, "get_objects", lambda: pytest.fail("everything was searched"))
    assert misplaced() == []
    assert Shelf.method.__name__ + Shelf.later.__name__ == "methodlater"
