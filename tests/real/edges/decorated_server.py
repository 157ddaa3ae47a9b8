"""Decorated tools on each SDK. Run as a program: `SDK TRANSPORT PLACE`, the policy from SMCP_POLICY.

SDK is `legacy` (mcp 1.x), `modern` (mcp 2.x) or `fastmcp`. TRANSPORT is `http`, which prints `listening PORT`; `stdio`;
or `list`, which prints the definitions of the tools, undecorated and decorated. PLACE is `alone`, `behind` the
middleware, or `secured` by the hooks of the SDK. No future annotations here: the class of the context is only known
when a server is made.
"""

import asyncio
import contextlib
import inspect
import json
import sys
import threading
from collections.abc import Callable
from typing import Annotated, Any

import uvicorn
from pydantic import BaseModel, Field

from smcp_security import SMCPMiddleware
from smcp_security.adapters.decorator import secure_tool
from smcp_security.adapters.sdk.secure import secure
from smcp_security.parameters import PathIn

Decorate = Callable[..., Any]


class Note(BaseModel):
    """What a tool takes and gives."""

    title: str = Field(alias="Title", description="Of the note.")
    lines: list[str] = []


def server_of(sdk: str) -> tuple[Any, Any]:
    """(a server, the SDK's context class)."""
    if sdk == "legacy":
        from mcp.server.fastmcp import Context, FastMCP

        return FastMCP("decorated", log_level="ERROR"), Context
    if sdk == "modern":
        from mcp.server.mcpserver import Context as Modern
        from mcp.server.mcpserver import MCPServer

        return MCPServer("decorated", log_level="ERROR"), Modern
    import fastmcp

    return fastmcp.FastMCP("decorated"), fastmcp.Context


def furnish(sdk: str, *, decorated: bool) -> Any:
    """A server of one SDK with every kind of tool."""
    server, context = server_of(sdk)
    guarded: Decorate = secure_tool if decorated else _undecorated
    for tool in (*_plain(guarded, context), *_demanding(guarded), *(_generators(guarded) if sdk == "fastmcp" else ())):
        server.tool()(tool)
    server.tool(name="renamed")(guarded(rate="2/minute")(_other))
    return server


def _undecorated(function: Any = None, **_: Any) -> Any:
    return function if function is not None else _undecorated


def _plain(guarded: Decorate, context: Any) -> list[Any]:
    @guarded
    def read_note(path: Annotated[str, PathIn("/srv/notes"), Field(description="Which.")], most: int = 3) -> str:
        """Read a note."""
        return f"{path} {most}"

    @guarded
    async def write_note(note: Note, ctx: context, tags: list[str] | None = None) -> Note:  # type: ignore[valid-type]
        """Write a note."""
        assert type(ctx).__name__ == "Context"
        return note

    @guarded
    def where() -> bool:
        """Whether the body runs on the event loop."""
        return threading.current_thread() is threading.main_thread()

    @guarded
    def awaited_by() -> bool:
        """Whether what calls the body is a coroutine, which can wait for a store without holding others up."""
        return bool(sys._getframe(1).f_code.co_flags & inspect.CO_COROUTINE)

    return [read_note, write_note, where, awaited_by]


def _demanding(guarded: Decorate) -> list[Any]:
    @guarded(roles=["admin"])
    async def drop_notes() -> str:
        """Remove all notes."""
        return "gone"

    @guarded(roles=["admin"])
    def count_notes() -> int:
        """How many notes there are."""
        return 7

    @guarded(rate="3/minute")
    def search(text: str = Field(default="all", min_length=1)) -> list[str]:
        """Find notes."""
        return [text]

    @guarded(contracts={"names": PathIn("/srv/notes")})
    async def pick(names: list[str]) -> list[str]:
        """Take some notes."""
        return names

    return [drop_notes, count_notes, search, pick]


def _other(n: int = 0) -> int:
    """A tool that is registered under another name."""
    return n


def _generators(guarded: Decorate) -> list[Any]:
    @guarded(rate="2/minute")
    def counted(most: int) -> Any:
        """Numbers."""
        yield from range(most)

    @guarded
    async def awaited(most: int) -> Any:
        """Numbers, one at a time."""
        for number in range(most):
            yield number

    return [counted, awaited]


def app_of(server: Any) -> Any:
    """The server's ASGI app."""
    return server.http_app() if hasattr(server, "http_app") else server.streamable_http_app()


async def _definitions(server: Any) -> list[Any]:
    """What a client sees of each tool."""
    seen = [tool.to_mcp_tool() if hasattr(tool, "to_mcp_tool") else tool for tool in await server.list_tools()]
    return [tool.model_dump(mode="json") for tool in seen]


class _Server(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        print(f"listening {self.servers[0].sockets[0].getsockname()[1]}", flush=True)


def main(sdk: str, transport: str, place: str = "alone") -> None:
    """Serve until the end."""
    server = furnish(sdk, decorated=True)
    if transport == "list":
        print(json.dumps([asyncio.run(_definitions(furnish(sdk, decorated=each))) for each in (False, True)]))
        return
    if place == "secured":
        secure(server)
    if transport == "stdio":
        server.run(transport="stdio", **({"show_banner": False} if sdk == "fastmcp" else {}))
        return
    app = app_of(server)
    if place == "behind":
        app = SMCPMiddleware(app)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="error", ws="none", h11_max_incomplete_event_size=2**20
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_Server(config).serve())


if __name__ == "__main__":
    main(*sys.argv[1:])
