"""Servers with the same tools on each SDK of this environment, and the ways to secure one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import anyio
import fastmcp
from mcp import Client, MCPError
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import Context, MCPServer
from mcp.types import NotificationParams
from pydantic import BaseModel

from smcp_security import SMCPSecurityFramework
from smcp_security.adapters.sdk import fastmcp as of_fastmcp
from smcp_security.adapters.sdk.modern import SecurityMiddleware
from smcp_security.adapters.sdk.secure import secure

ATTACK = "x; cat /etc/passwd | sh"
HONEST = "a cat and a shell"
LARGE = 9_000
"""Characters of a text that does not fit; half of it does."""


class Name(BaseModel):
    """What a tool asks the person for."""

    name: str


@dataclass
class Notes:
    """What the tools of a server lived through."""

    calls: list[str] = field(default_factory=list)
    notified: list[str] = field(default_factory=list)
    began: anyio.Event = field(default_factory=anyio.Event)


@dataclass(frozen=True)
class Host:
    """A server object, and how a client reaches it in memory."""

    server: Any
    low: Server[Any]
    notes: Notes

    def client(self, mode: str = "auto", **options: Any) -> AbstractAsyncContextManager[Client]:
        """A client of the official SDK."""
        return Client(self.low, mode=mode, **options)


def plain(server: Any) -> Host:
    """The tools on a server of either kind."""
    notes, low = Notes(), getattr(server, "_lowlevel_server", None) or server._mcp_server
    _add_tools(server, notes, fastmcp.Context if isinstance(server, fastmcp.FastMCP) else Context)
    server.resource("note://a")(_note)
    server.prompt()(greeting)

    async def heard(ctx: Any, params: Any) -> None:
        notes.notified.append(ctx.method)

    for method in ("notifications/roots/list_changed", "notifications/evil"):
        low.add_notification_handler(method, NotificationParams, heard)
    return Host(server, low, notes)


def _note() -> str:
    return "a note"


def greeting(name: str) -> str:
    """Greet somebody."""
    return f"Hello {name}"


def _add_tools(server: Any, notes: Notes, context: type) -> None:
    def run(command: str) -> str:
        """Run a command, or say so."""
        notes.calls.append(command)
        return f"ran {command}"

    def write(count: int) -> str:
        """Write a text."""
        return "x" * count

    def fail(text: str) -> str:
        """Raise an error of the protocol."""
        raise MCPError(code=-32000, message=text)

    async def tell(ctx: Any, count: int) -> str:
        """Report on the way."""
        await ctx.report_progress(1, 2, "x" * count)
        return "told"

    async def announce(ctx: Any, count: int) -> str:
        """Say something beside every request."""
        await ctx.session.send_resource_updated("note://" + "x" * count)
        return "announced"

    async def ask(ctx: Any) -> str:
        """Ask the person."""
        answer = await ctx.elicit("Who?", Name)
        notes.calls.append(answer.data.name)
        return "asked"

    async def wait() -> str:
        """Wait for ever."""
        notes.began.set()
        await anyio.sleep_forever()
        raise AssertionError

    for asking in (tell, announce, ask):
        asking.__annotations__["ctx"] = context
    for tool in (run, write, fail, tell, announce, ask, wait):
        server.tool()(tool)


Secured = Callable[[SMCPSecurityFramework], Host]


def by_secure(framework: SMCPSecurityFramework) -> Host:
    """MCP SDK 2.x, by `secure`."""
    return plain(secure(MCPServer("plain", log_level="CRITICAL"), framework=framework))


def by_middleware(framework: SMCPSecurityFramework) -> Host:
    """MCP SDK 2.x, by its list of middleware."""
    middleware = [SecurityMiddleware(framework=framework)]
    return plain(MCPServer("plain", log_level="CRITICAL", middleware=middleware))


def fastmcp_by_secure(framework: SMCPSecurityFramework) -> Host:
    """FastMCP 4, by `secure`."""
    return plain(secure(fastmcp.FastMCP("plain"), framework=framework))


def fastmcp_by_middleware(framework: SMCPSecurityFramework) -> Host:
    """FastMCP 4, by its list of middleware."""
    return plain(fastmcp.FastMCP("plain", middleware=[of_fastmcp.SecurityMiddleware(framework=framework)]))


WAYS: list[Secured] = [by_secure, by_middleware, fastmcp_by_secure, fastmcp_by_middleware]


async def told(call: Awaitable[Any]) -> str:
    """What the client of a tool is told, whatever shape it has."""
    try:
        result = await call
    except MCPError as error:
        data = error.data if isinstance(error.data, dict) else {}
        return f"error {error.code} {data.get('code', '')} {error.message}"
    text = " ".join(getattr(each, "text", "") for each in result.content)
    return f"refused {text}" if result.is_error else text
