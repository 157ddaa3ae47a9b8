"""Servers whose `place` mirrors an argument in a header, behind every hook, and calls of it in raw HTTP."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import fastmcp
import httpx2
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from mcp.types import CallToolResult, ListToolsResult, TextContent, Tool
from pydantic import Field

from smcp_security import SMCPSecurityFramework
from smcp_security.adapters.sdk import fastmcp as of_fastmcp
from smcp_security.adapters.sdk.modern import SecurityMiddleware
from smcp_security.adapters.sdk.secure import secure
from tests.envelopes import headers_of, modern

_Zone = Annotated[str, Field(json_schema_extra={"x-mcp-header": "Zone"})]
SCHEMA: Final = {"type": "object", "properties": {"zone": {"type": "string", "x-mcp-header": "Zone"}}}
PAGED: Final = "2"
"""The cursor of the page that tells of `place`."""


@dataclass
class Lived:
    """What a server lived through: the cursors that it was asked for, and the zones of its calls.

    `meanwhile` is what it does while it lists its tools.
    """

    lists: list[str | None] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None
    broken: bool = False
    endless: bool = False


Made = Callable[[SMCPSecurityFramework, Lived], Any]


def by_secure(framework: SMCPSecurityFramework, lived: Lived) -> Any:
    """A low-level server of SDK 2.x: its list comes in two pages."""
    return secure(_lowlevel(lived), framework=framework)


def by_middleware(framework: SMCPSecurityFramework, lived: Lived) -> Any:
    """The same, by its list of middleware."""
    server = _lowlevel(lived)
    server.middleware.append(SecurityMiddleware(framework=framework))
    return server


def mcpserver(framework: SMCPSecurityFramework, lived: Lived) -> Any:
    """`MCPServer`, which tells the SDK of its tools in another way."""
    return _furnished(secure(MCPServer("place", log_level="CRITICAL"), framework=framework), lived)


def fastmcp_by_secure(framework: SMCPSecurityFramework, lived: Lived) -> Any:
    """FastMCP 4, by `secure`."""
    return _furnished(secure(_fastmcp(lived), framework=framework), lived)


def fastmcp_by_middleware(framework: SMCPSecurityFramework, lived: Lived) -> Any:
    """FastMCP 4, by its list of middleware."""
    return _furnished(_fastmcp(lived, of_fastmcp.SecurityMiddleware(framework=framework)), lived)


def fastmcp_by_both(framework: SMCPSecurityFramework, lived: Lived) -> Any:
    """FastMCP 4, by both."""
    return secure(fastmcp_by_middleware(framework, lived), framework=framework)


LISTED: Final[list[Made]] = [by_secure, by_middleware, fastmcp_by_secure, fastmcp_by_middleware, fastmcp_by_both]
"""Those whose list the SDK asks for."""


def _lowlevel(lived: Lived) -> Server[Any]:
    async def list_tools(_ctx: Any, params: Any) -> ListToolsResult:
        cursor = None if params is None else params.cursor
        lived.lists.append(cursor)
        if lived.meanwhile is not None:
            await lived.meanwhile()
        if lived.broken:
            raise RuntimeError("no list")
        if cursor != PAGED or lived.endless:
            return ListToolsResult(tools=[Tool(name="other", input_schema={"type": "object"})], next_cursor=PAGED)
        return ListToolsResult(tools=[Tool(name="place", input_schema=SCHEMA)])

    async def call_tool(_ctx: Any, params: Any) -> CallToolResult:
        lived.calls.append(params.arguments["zone"])
        return CallToolResult(content=[TextContent(type="text", text="placed")])

    return Server("place", on_list_tools=list_tools, on_call_tool=call_tool)


class _Counting(fastmcp.server.middleware.Middleware):
    def __init__(self, lived: Lived) -> None:
        self._lived = lived

    async def on_list_tools(self, context: Any, call_next: Any) -> Any:
        self._lived.lists.append(None)
        if self._lived.broken:
            raise RuntimeError("no list")
        return await call_next(context)


def _fastmcp(lived: Lived, *front: Any) -> fastmcp.FastMCP:
    return fastmcp.FastMCP("place", middleware=[*front, _Counting(lived)])


def _furnished(server: Any, lived: Lived) -> Any:
    def place(zone: _Zone) -> str:
        """Place something."""
        lived.calls.append(zone)
        return "placed"

    server.tool()(place)
    return server


def app_of(server: Any) -> Any:
    """The HTTP app of a server of any kind."""
    return server.http_app() if isinstance(server, fastmcp.FastMCP) else server.streamable_http_app()


@contextlib.asynccontextmanager
async def in_memory(app: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an app that serves no port."""
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app, client=("127.0.0.1", 5000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            yield client


def placing(zone: str = "north", **meta: Any) -> dict[str, Any]:
    """A call of `place`."""
    return modern("tools/call", {"name": "place", "arguments": {"zone": zone}}, id=7, **meta)


async def asked(
    client: httpx2.AsyncClient, message: Mapping[str, Any], *, raw: str = "", **headers: str
) -> tuple[int, dict[str, Any]]:
    """(the status, the answer) to a message, or `raw` in its place, with an SDK's headers for it and these."""
    fields = {**dict(headers_of(message)), "accept": "application/json, text/event-stream"}
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    fields["host"] = client.base_url.netloc.decode()
    answer = await client.post("/mcp", content=(raw or json.dumps(message)).encode(), headers=fields)
    return answer.status_code, answer.json()
