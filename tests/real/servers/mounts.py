"""Every way in which users mount an MCP server, each protected in the manner of its framework."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from fastmcp import FastMCP
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.types import ASGIApp

from smcp_security import SMCPMiddleware
from tests.real.servers.everything import Notes, everything
from tests.real.servers.recorder import Recorder


@dataclass(frozen=True)
class Mounted:
    """An application, the path at which a client finds MCP in it, and what stands behind the middleware."""

    app: ASGIApp
    recorder: Recorder
    path: str = "/mcp"


def _behind(app: Starlette) -> Recorder:
    """A recorder in front of everything that the application routes, but behind its middlewares."""
    recorder = Recorder(app.router)
    app.router = recorder  # type: ignore[assignment]
    return recorder


def _sdk() -> MCPServer:
    return everything(Notes())


def wrapped() -> Mounted:
    """`SMCPMiddleware(app)` around the SDK's application."""
    recorder = Recorder(_sdk().streamable_http_app())
    return Mounted(SMCPMiddleware(recorder), recorder)


def added() -> Mounted:
    """`app.add_middleware(SMCPMiddleware)` on the SDK's own Starlette application."""
    app = _sdk().streamable_http_app()
    app.add_middleware(SMCPMiddleware)
    return Mounted(app, _behind(app))


def starlette_mount() -> Mounted:
    """A Starlette application with the SDK's application mounted at its root."""
    server = _sdk()
    inner = server.streamable_http_app()
    app = Starlette(routes=[Mount("/", inner)], lifespan=_running(server), middleware=[Middleware(SMCPMiddleware)])
    return Mounted(app, _behind(app))


def fastapi_mount() -> Mounted:
    """FastAPI with the server under `/mcp`, which answers `/mcp` with a redirect to `/mcp/`."""
    server = _sdk()
    app = FastAPI(lifespan=_running(server))
    app.mount("/mcp", server.streamable_http_app(streamable_http_path="/"))
    app.add_middleware(SMCPMiddleware)
    return Mounted(app, _behind(app))


def inside_the_mount() -> Mounted:
    """FastAPI with only the mounted application protected: its paths are relative to the mount there."""
    server = _sdk()
    recorder = Recorder(server.streamable_http_app(streamable_http_path="/"))
    app = FastAPI(lifespan=_running(server))
    app.mount("/mcp", SMCPMiddleware(recorder))
    return Mounted(app, recorder, "/mcp/")


def own_path() -> Mounted:
    """A path of the operator's own, named in the policy."""
    recorder = Recorder(_sdk().streamable_http_app(streamable_http_path="/api/v1/tools"))
    policy = {"version": 1, "server": {"paths": ["/api/v1/tools"]}}
    return Mounted(SMCPMiddleware(recorder, policy=policy), recorder, "/api/v1/tools")


def fastmcp_app() -> Mounted:
    """FastMCP's `http_app(middleware=[...])`."""
    app = _fastmcp().http_app(middleware=[Middleware(SMCPMiddleware)])
    return Mounted(app, _behind(app))


def fastmcp_in_fastapi() -> Mounted:
    """A FastMCP application mounted in FastAPI, with the lifespan handed over as its documents say."""
    inner = _fastmcp().http_app(path="/")
    app = FastAPI(lifespan=inner.lifespan)
    app.mount("/mcp", inner)
    app.add_middleware(SMCPMiddleware)
    return Mounted(app, _behind(app))


def stateless() -> Mounted:
    """Without sessions."""
    recorder = Recorder(_sdk().streamable_http_app(stateless_http=True))
    return Mounted(SMCPMiddleware(recorder), recorder)


def plain_json() -> Mounted:
    """With JSON answers in place of event streams."""
    recorder = Recorder(_sdk().streamable_http_app(json_response=True))
    return Mounted(SMCPMiddleware(recorder), recorder)


def _fastmcp() -> FastMCP[Any]:
    server: FastMCP[Any] = FastMCP("everything")

    @server.tool
    def add(a: int, b: int) -> int:
        """Add two integers."""
        return a + b

    @server.tool
    def echo(text: str) -> str:
        """Return the text unchanged."""
        return text

    return server


def _running(server: MCPServer) -> Callable[[Any], contextlib.AbstractAsyncContextManager[None]]:
    """A lifespan for a parent application: a mounted application's own does not run."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    return lifespan


MOUNTS: Final[Mapping[str, Callable[[], Mounted]]] = {
    build.__name__: build
    for build in (
        wrapped, added, starlette_mount, fastapi_mount, inside_the_mount, own_path, fastmcp_app, fastmcp_in_fastapi,
        stateless, plain_json,
    )
}  # fmt: skip
