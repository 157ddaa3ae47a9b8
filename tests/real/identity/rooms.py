"""Servers whose tools tell who calls them, each by the way that its SDK offers. Imports no SDK at the top."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

Told = dict[str, Any]


def told_by(scope: Scope) -> Told:
    """What a request's scope says of its caller."""
    user, auth, decision = scope.get("user"), scope.get("auth"), scope.get("smcp")
    caller = getattr(decision, "caller", None)
    token = getattr(user, "access_token", None)
    return {
        "caller": getattr(caller, "id", None),
        "subject": getattr(token, "subject", None),
        "client": getattr(token, "client_id", None),
        "scopes": sorted(getattr(auth, "scopes", [])),
        "user": getattr(user, "display_name", None),
        "credentials": [name.decode() for name, _ in scope["headers"] if name in SECRET],
    }


SECRET = (b"authorization", b"x-api-key", b"x-forwarded-user", b"cookie")


def furnish(server: Any, scope_now: Callable[[], Scope], token_now: Callable[[], Any]) -> None:
    """The tools, on a server of any SDK."""

    @server.tool()  # type: ignore[untyped-decorator, unused-ignore]
    async def whoami() -> Told:
        """Tell who calls."""
        return told_by(scope_now())

    @server.tool()  # type: ignore[untyped-decorator, unused-ignore]
    async def bearer() -> Told:
        """Tell what the SDK itself says of the caller's token."""
        token = token_now()
        return {"subject": getattr(token, "subject", None), "scopes": getattr(token, "scopes", None)}

    meeting = Meeting()

    @server.tool()  # type: ignore[untyped-decorator, unused-ignore]
    async def meet(others: int) -> Told:
        """Wait until so many others are here as well, then tell who calls, before and after."""
        before = told_by(scope_now())
        await meeting.wait(others + 1)
        return {"before": before, "after": told_by(scope_now())}

    @server.tool()  # type: ignore[untyped-decorator, unused-ignore]
    def waiting() -> int:
        """How many wait for others."""
        return meeting.here

    @server.tool()  # type: ignore[untyped-decorator, unused-ignore]
    def look(topic: str = "") -> str:
        """Read a note."""
        return f"saw {topic}"

    @server.tool()  # type: ignore[untyped-decorator, unused-ignore]
    def write(text: str = "") -> str:
        """Write a note."""
        return f"wrote {text}"

    @server.tool()  # type: ignore[untyped-decorator, unused-ignore]
    def erase() -> str:
        """Erase every note."""
        return "erased"

    @server.tool()  # type: ignore[untyped-decorator, unused-ignore]
    def tasks_of(workspace: str = "") -> dict[str, Any]:
        """The rows of a workspace, and by mistake one of a neighbour."""
        rows = [{"id": 1, "workspace_id": workspace}, {"id": 2, "workspace_id": "umbrella"}]
        return {"items": rows}


class Meeting:
    """Lets nobody go on before all are there. `here` is how many wait."""

    def __init__(self) -> None:
        self.here = 0
        self._complete: Any = None

    async def wait(self, count: int) -> None:
        """Until `count` have come."""
        import anyio

        self._complete = self._complete or anyio.Event()
        complete = self._complete
        self.here += 1
        if self.here >= count:
            complete.set()
            self._complete = None
        try:
            with anyio.fail_after(PATIENCE):
                await complete.wait()
        finally:
            self.here -= 1


PATIENCE = 10.0


def modern_house(**options: Any) -> ASGIApp:
    """A server of the SDK 2.x, unprotected."""
    from mcp.server.auth.middleware.auth_context import get_access_token
    from mcp.server.mcpserver import MCPServer

    scopes = Carried()
    server = MCPServer("modern", log_level="ERROR")
    furnish(server, scopes.now, get_access_token)
    return scopes.carrying(server.streamable_http_app(**options))


def stateless() -> ASGIApp:
    """A server of the SDK 2.x that wants no session."""
    return modern_house(stateless_http=True)


def older_house(**options: Any) -> ASGIApp:
    """A server of the SDK 1.x, unprotected. Only in that SDK's environment."""
    from mcp.server.auth.middleware.auth_context import get_access_token
    from mcp.server.fastmcp import FastMCP  # type: ignore[import-not-found, unused-ignore]
    from mcp.server.lowlevel.server import request_ctx  # type: ignore[attr-defined, unused-ignore]

    server: Any = FastMCP("older", log_level="ERROR", **options)
    furnish(server, lambda: request_ctx.get().request.scope, get_access_token)
    app: ASGIApp = server.streamable_http_app()
    return app


def fast_house(**options: Any) -> ASGIApp:
    """A FastMCP server, unprotected."""
    from fastmcp import FastMCP
    from fastmcp.server.dependencies import get_access_token, get_http_request

    server: Any = FastMCP("fast")
    furnish(server, lambda: get_http_request().scope, get_access_token)
    app: ASGIApp = server.http_app(**options)
    return app


class Carried:
    """The scope of the current request for code that has no request: a context variable, as SDK 2.x allows."""

    def __init__(self) -> None:
        from contextvars import ContextVar

        self._scope: ContextVar[Scope] = ContextVar("scope")

    def now(self) -> Scope:
        """The scope of the current request."""
        return self._scope.get()

    def carrying(self, app: ASGIApp) -> ASGIApp:
        """The app, so that its code can ask."""

        async def carried(scope: Scope, receive: Receive, send: Send) -> None:
            self._scope.set(scope)
            await app(scope, receive, send)

        return carried
