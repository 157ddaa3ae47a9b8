"""A server on one of the SDKs, secured in process: `python sdk_server.py KIND TRANSPORT POLICY [middleware]`.

KIND is mcp (whichever major is installed) or fastmcp; TRANSPORT stdio, sse or http, which print `listening PORT`;
POLICY is JSON. With `middleware` the same framework stands in front of the HTTP app too.
"""

from __future__ import annotations

import json
import socket
import sys
from typing import Any

import anyio
import uvicorn
from pydantic import BaseModel

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.current import exchange_here
from smcp_security.adapters.sdk.secure import secure


class Name(BaseModel):
    """What a tool asks the person for."""

    name: str


def made(kind: str) -> tuple[Any, Any]:
    """(a server object, its class of contexts)."""
    if kind == "fastmcp":
        import fastmcp

        return fastmcp.FastMCP("edges"), fastmcp.Context
    try:
        from mcp.server.mcpserver import Context, MCPServer

        return MCPServer("edges", log_level="CRITICAL"), Context
    except ModuleNotFoundError:
        from mcp.server.fastmcp import Context as OldContext
        from mcp.server.fastmcp import FastMCP

        return FastMCP("edges", log_level="CRITICAL"), OldContext


def furnish(server: Any, context: Any) -> None:
    """The tools, whatever the SDK."""
    calls: list[str] = []
    tools = [*_plain(calls), *_asking(calls, context)]
    for tool in tools:
        server.tool()(tool)


def _plain(calls: list[str]) -> list[Any]:
    def run(command: str) -> str:
        """Run a command, or say so."""
        calls.append(command)
        return f"ran {command}"

    def write(count: int) -> str:
        """Write a text."""
        return "x" * count

    def fail(text: str) -> str:
        """Crash."""
        raise RuntimeError(text)

    async def verdict() -> str:
        """What an edge further in finds."""
        exchange = exchange_here()
        return "none" if exchange is None else str(exchange.decision.request and exchange.decision.request.target)

    def told() -> str:
        """What reached the tools."""
        return json.dumps(calls)

    return [run, write, fail, verdict, told]


def _asking(calls: list[str], context: Any) -> list[Any]:
    async def ask(ctx: Any) -> str:
        """Ask the person."""
        answer = await ctx.elicit("Who?", Name)
        calls.append(answer.data.name)
        return "asked"

    async def tell(ctx: Any, count: int) -> str:
        """Report on the way."""
        await ctx.report_progress(1, 2, "x" * count)
        return "told"

    async def wait() -> str:
        """Wait for ever, or until the client gives up."""
        await anyio.sleep_forever()
        return "never"

    async def rest() -> str:
        """Wait for ever, where nobody waits for the place."""
        return await wait()

    for asking in (ask, tell):
        asking.__annotations__["ctx"] = context
    return [ask, tell, wait, rest]


def app_of(server: Any, kind: str, transport: str) -> Any:
    """The HTTP app of a server."""
    if kind == "fastmcp":
        return server.http_app(transport="sse") if transport == "sse" else server.http_app()
    return server.sse_app() if transport == "sse" else server.streamable_http_app()


def main(kind: str, transport: str, policy: str, *front: str) -> None:
    """Serve until the client goes, or the process is ended."""
    framework = SMCPSecurityFramework(json.loads(policy))
    server, context = made(kind)
    secure(server, framework=framework)
    furnish(server, context)
    if transport == "stdio":
        server.run(**({"show_banner": False} if kind == "fastmcp" else {}))
        return
    app = app_of(server, kind, transport)
    if front:
        app = SMCPMiddleware(app, framework=framework)
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"listening {listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none")).run([listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
