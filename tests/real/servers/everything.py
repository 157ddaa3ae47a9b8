"""One MCP server with every kind of primitive the suite talks to; what its tools live through is kept in `Notes`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver import Context, Elicit, ListRoots, MCPServer, Resolve, Sample
from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    CreateMessageResult,
    ListRootsResult,
    PromptReference,
    ResourceTemplateReference,
    SamplingMessage,
    TextContent,
)
from pydantic import BaseModel, Field

BOOM = "the secret detail of a crash"
CITIES = ("Athens", "Berlin", "Bern")


@dataclass
class Notes:
    """What the server's tools lived through, for a test to read or steer."""

    began: anyio.Event = field(default_factory=anyio.Event)
    release: anyio.Event = field(default_factory=anyio.Event)
    cancelled: anyio.Event = field(default_factory=anyio.Event)
    finished: anyio.Event = field(default_factory=anyio.Event)
    failed: anyio.Event = field(default_factory=anyio.Event)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


class Birthday(BaseModel):
    """What the elicitation asks for."""

    day: str = Field(description="The day, as the person writes it")


async def ask_birthday() -> Elicit[Birthday]:
    """The question put to the person behind the client."""
    return Elicit("When is your birthday?", Birthday)


async def ask_model() -> Sample:
    """The question put to the client's model."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text="Name a colour."))
    return Sample([message], max_tokens=20)


async def ask_roots() -> ListRoots:
    """The question put to the client's host."""
    return ListRoots()


def everything(notes: Notes | None = None, name: str = "everything") -> MCPServer:
    """A fresh server; `notes` collects what its tools live through."""
    server = MCPServer(name, instructions="A server for tests.", log_level="ERROR")
    kept = notes or Notes()
    _add_plain_tools(server, kept)
    _add_asking_tools(server, kept)
    _add_lasting_tools(server, kept)
    _add_resources(server)
    _add_prompts(server)
    return server


def _add_plain_tools(server: MCPServer, notes: Notes) -> None:
    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two integers."""
        notes.calls.append(("add", {"a": a, "b": b}))
        return a + b

    @server.tool()
    def echo(text: str) -> str:
        """Return the text unchanged."""
        notes.calls.append(("echo", {"text": text}))
        return text

    @server.tool()
    def measure(text: str) -> int:
        """Count the characters of the text."""
        notes.calls.append(("measure", {"length": len(text)}))
        return len(text)

    @server.tool()
    def tag(labels: dict[str, Any]) -> int:
        """Count labels; their names are the caller's business."""
        notes.calls.append(("tag", labels))
        return len(labels)

    @server.tool()
    def total(numbers: list[int]) -> int:
        """Add many integers."""
        notes.calls.append(("total", {"length": len(numbers)}))
        return sum(numbers)

    @server.tool()
    def order(item: str, count: Annotated[int, Field(ge=1, le=10)] = 1) -> dict[str, Any]:
        """Order one to ten of an item."""
        notes.calls.append(("order", {"item": item, "count": count}))
        return {"item": item, "count": count}

    @server.tool()
    def boom() -> str:
        """Crash."""
        raise RuntimeError(BOOM)

    @server.tool()
    def big(size: int) -> str:
        """Return a text of so many characters."""
        return "x" * size


def _add_asking_tools(server: MCPServer, notes: Notes) -> None:
    @server.tool()
    async def ask(birthday: Annotated[Birthday, Resolve(ask_birthday)]) -> str:
        """Ask the person (elicitation; on a round trip of results in the newest revision)."""
        return f"born on {birthday.day}"

    @server.tool()
    async def think(thought: Annotated[CreateMessageResult, Resolve(ask_model)]) -> str:
        """Ask the client's model (sampling)."""
        return f"the model says {getattr(thought.content, 'text', '')}"

    @server.tool()
    async def places(roots: Annotated[ListRootsResult, Resolve(ask_roots)]) -> list[str]:
        """Ask the client for its roots."""
        return [str(root.uri) for root in roots.roots]

    @server.tool()
    async def interview(ctx: Context) -> str:
        """Ask in the middle of the call, as servers written for the older revisions do."""
        try:
            answer = await ctx.elicit("When is your birthday?", Birthday)
        except BaseException:
            notes.failed.set()
            raise
        return answer.action


def _add_lasting_tools(server: MCPServer, notes: Notes) -> None:
    @server.tool()
    async def slow(steps: int, ctx: Context) -> str:
        """Report progress once a step."""
        for step in range(1, steps + 1):
            await ctx.report_progress(step, steps, f"step {step}")
        return f"{steps} steps"

    @server.tool()
    async def pace(ctx: Context) -> str:
        """Report progress, then wait for the test before the result."""
        await ctx.report_progress(1, 2, "first half")
        notes.began.set()
        await notes.release.wait()
        return "paced"

    @server.tool()
    async def long() -> str:
        """Wait until the test releases it, and note a cancellation."""
        notes.began.set()
        try:
            await notes.release.wait()
        except anyio.get_cancelled_exc_class():
            notes.cancelled.set()
            raise
        finally:
            notes.finished.set()
        return "released"

    @server.tool()
    async def announce(ctx: Context) -> str:
        """Tell every listener, of either era, that the list of tools has changed."""
        await ctx.notify_tools_changed()
        if ctx.session.protocol_version != "2026-07-28":
            await ctx.session.send_tool_list_changed()
        return "announced"

    @server.tool()
    async def murmur(text: str, ctx: Context) -> str:
        """Log one message to the client."""
        await ctx.info(text)
        return "murmured"


def _add_resources(server: MCPServer) -> None:
    @server.resource("note://welcome", description="A greeting")
    def welcome() -> str:
        return "Welcome, naïve reader ☕"

    @server.resource("book://{title}", description="One book")
    def book(title: str) -> str:
        return f"The book called {title}"


def _add_prompts(server: MCPServer) -> None:
    @server.prompt()
    def greet(name: str, tone: str = "warm") -> str:
        """Greet somebody."""
        return f"Write a {tone} greeting for {name}."

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        return Completion(values=[city for city in CITIES if city.startswith(argument.value)])
