"""The server of the client matrix: the suite's server with pages, subscriptions, levels and whatever else a client can
ask for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import anyio
import mcp_types as types
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.resources import TextResource
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.real.servers.everything import Notes, everything

PIXEL = bytes(range(0, 256, 5))
PAGE = 2


@dataclass
class Marks:
    """What a client did that the server can tell it about afterwards."""

    left: anyio.Event = field(default_factory=anyio.Event)
    rooted: anyio.Event = field(default_factory=anyio.Event)
    progressed: anyio.Event = field(default_factory=anyio.Event)
    nods: anyio.Semaphore = field(default_factory=lambda: anyio.Semaphore(0))
    level: str = "unset"
    watched: list[str] = field(default_factory=list)


class Standing:
    """Tells when the standing stream of a session is open: what is sent before that, nobody hears."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._open: defaultdict[str, anyio.Event] = defaultdict(anyio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start":
                self._open[Headers(scope=scope)["mcp-session-id"]].set()

        streamed = scope["type"] == "http" and scope["method"] == "GET" and "mcp-session-id" in Headers(scope=scope)
        await self.app(scope, receive, note if streamed else send)

    async def wait(self, session: str) -> None:
        """Until the session's stream is open."""
        await self._open[session].wait()


def stage(transport: str) -> tuple[ASGIApp, Notes]:
    """A fresh server as an ASGI app of one transport: "http", or the deprecated "sse"."""
    notes, marks = Notes(), Marks()
    server = everything(notes, name="stage")
    _add_patient_tools(server, marks)
    _add_telling_tools(server, marks)
    standing = Standing(server.sse_app() if transport == "sse" else server.streamable_http_app())
    _add_resources(server)
    _add_handlers(server, marks)

    @server.tool()
    async def settle(ctx: Context) -> str:
        """Wait until the caller's standing stream is open; HTTP+SSE has one from the beginning."""
        if session := (ctx.headers or {}).get("mcp-session-id"):
            await standing.wait(session)
        return "settled"

    return standing, notes


def _add_patient_tools(server: MCPServer, marks: Marks) -> None:
    @server.tool()
    async def endure(ctx: Context) -> str:
        """Report progress once, then go on until the caller gives up."""
        await ctx.report_progress(1, 2, "begun")
        try:
            await anyio.sleep_forever()
        finally:
            marks.left.set()

    @server.tool()
    async def stroll(steps: int, ctx: Context) -> str:
        """Report progress, and take each step only when the client has nodded to the one before."""
        for step in range(1, steps + 1):
            await ctx.report_progress(step, steps, f"step {step}")
            await marks.nods.acquire()
        return f"{steps} steps"

    @server.tool()
    async def nod() -> str:
        """Let `stroll` go on."""
        marks.nods.release()
        return "nodded"

    @server.tool()
    async def gave_up() -> str:
        """Wait until a caller of `endure` gave up."""
        await marks.left.wait()
        return "the caller gave up"


def _add_telling_tools(server: MCPServer, marks: Marks) -> None:
    @server.tool()
    async def told() -> str:
        """Wait for the client's notifications: new roots, then progress."""
        await marks.rooted.wait()
        await marks.progressed.wait()
        return "roots changed, progress made"

    @server.tool()
    async def kept() -> list[str]:
        """The log level that was set and the resources that are watched."""
        return [marks.level, *marks.watched]

    @server.tool()
    async def touch(uri: str, ctx: Context) -> str:
        """Tell every listener, of either era, that a resource has changed."""
        await ctx.notify_resource_updated(uri)
        if ctx.session.protocol_version != "2026-07-28":
            await ctx.session.send_resource_updated(uri)
        return "touched"

    @server.tool()
    def picture() -> types.ImageContent:
        """A picture."""
        return types.ImageContent(type="image", data="iVBORw0KGgo=", mime_type="image/png")


def _add_resources(server: MCPServer) -> None:
    @server.resource("blob://pixel", mime_type="image/png")
    def pixel() -> bytes:
        return PIXEL

    for number in range(3):
        server.add_resource(TextResource(uri=f"page://{number}", name=f"page {number}", text=f"page {number}"))


def _add_handlers(server: MCPServer, marks: Marks) -> None:
    # The high-level server has no pages, subscriptions or levels of its own.
    low = server._lowlevel_server

    async def pages(context: Any, params: types.PaginatedRequestParams) -> types.ListResourcesResult:
        everything = await server.list_resources()
        start = int(params.cursor or 0)
        following = str(start + PAGE) if start + PAGE < len(everything) else None
        return types.ListResourcesResult(resources=everything[start : start + PAGE], next_cursor=following)

    async def watch(context: Any, params: types.SubscribeRequestParams) -> types.EmptyResult:
        marks.watched.append(str(params.uri))
        return types.EmptyResult()

    async def unwatch(context: Any, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
        marks.watched.remove(str(params.uri))
        return types.EmptyResult()

    async def level(context: Any, params: types.SetLevelRequestParams) -> types.EmptyResult:
        marks.level = params.level
        return types.EmptyResult()

    async def rooted(context: Any, params: types.NotificationParams) -> None:
        marks.rooted.set()

    async def progressed(context: Any, params: types.ProgressNotificationParams) -> None:
        marks.progressed.set()

    low.add_request_handler("resources/list", types.PaginatedRequestParams, pages)
    low.add_request_handler("resources/subscribe", types.SubscribeRequestParams, watch)
    low.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, unwatch)
    low.add_request_handler("logging/setLevel", types.SetLevelRequestParams, level)
    low.add_notification_handler("notifications/roots/list_changed", types.NotificationParams, rooted)
    low.add_notification_handler("notifications/progress", types.ProgressNotificationParams, progressed)
