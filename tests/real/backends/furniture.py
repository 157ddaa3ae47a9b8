# Annotations are evaluated here: the class of a tool's context is known only when a server is furnished.
"""Tools, resources and prompts for servers of any Python SDK: all of them take functions by the same decorators.

The names are those of the SDK 2.x server of the suite (`tests/real/servers/everything.py`), so that its scenarios and
attacks fit. Runs in environments without the tests' packages: it imports no SDK.
"""

import types as modules
from typing import Annotated, Any

import anyio
from pydantic import BaseModel, Field

BOOM = "the secret detail of a crash"


class Birthday(BaseModel):
    """What the elicitation asks for."""

    day: str = Field(description="The day, as the person writes it")


class Signals:
    """What a test tells tools that wait, and what they tell it."""

    def __init__(self) -> None:
        self.began = anyio.Event()
        self.release = anyio.Event()
        self.cancelled = anyio.Event()


def furnish(server: Any, context: type, types: modules.ModuleType) -> Signals:
    """Add everything to `server`. `context` is its SDK's class of a tool's context, `types` its module of messages."""
    signals = Signals()
    _add_plain_tools(server)
    _add_asking_tools(server, context, types)
    _add_talking_tools(server, context)
    _add_lasting_tools(server, context, signals)
    _add_what_is_read(server)
    return signals


def _add_plain_tools(server: Any) -> None:
    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two integers."""
        return a + b

    @server.tool()
    def echo(text: str) -> str:
        """Return the text unchanged."""
        return text

    @server.tool()
    def order(item: str, count: Annotated[int, Field(ge=1, le=10)] = 1) -> dict[str, Any]:
        """Order one to ten of an item."""
        return {"item": item, "count": count}

    @server.tool()
    def boom() -> str:
        """Crash."""
        raise RuntimeError(BOOM)

    @server.tool()
    def big(size: int) -> str:
        """Return a text of so many characters."""
        return "x" * size


def _add_asking_tools(server: Any, context: type, types: modules.ModuleType) -> None:
    @server.tool()
    async def interview(ctx: context) -> str:  # type: ignore[valid-type]
        """Ask the person in the middle of the call."""
        answer = await ctx.elicit("When is your birthday?", Birthday)
        return f"{answer.action}: {answer.data.day}"

    @server.tool()
    async def think(ctx: context) -> str:  # type: ignore[valid-type]
        """Ask the client's model in the middle of the call."""
        asked = types.SamplingMessage(role="user", content=types.TextContent(type="text", text="Name a colour."))
        thought = await ctx.session.create_message([asked], max_tokens=20, related_request_id=ctx.request_id)
        return f"the model says {thought.content.text}"

    @server.tool()
    async def places(ctx: context) -> list[str]:  # type: ignore[valid-type]
        """Ask the client for its roots, on the stream of the session."""
        return [str(root.uri) for root in (await ctx.session.list_roots()).roots]


def _add_talking_tools(server: Any, context: type) -> None:
    @server.tool()
    async def slow(steps: int, ctx: context) -> str:  # type: ignore[valid-type]
        """Report progress once a step."""
        for step in range(1, steps + 1):
            await ctx.report_progress(step, steps, f"step {step}")
        return f"{steps} steps"

    @server.tool()
    async def murmur(text: str, ctx: context) -> str:  # type: ignore[valid-type]
        """Log one message to the client."""
        await ctx.info(text)
        return "murmured"

    @server.tool()
    async def announce(ctx: context) -> str:  # type: ignore[valid-type]
        """Tell the listener of the session that the list of tools has changed."""
        await ctx.session.send_tool_list_changed()
        return "announced"


def _add_lasting_tools(server: Any, context: type, signals: Signals) -> None:
    @server.tool()
    async def pace(ctx: context) -> str:  # type: ignore[valid-type]
        """Report progress, then wait for the test before the result."""
        await ctx.report_progress(1, 2, "first half")
        signals.began.set()
        try:
            await signals.release.wait()
        except anyio.get_cancelled_exc_class():
            signals.cancelled.set()
            raise
        return "paced"

    @server.tool()
    async def relay(ctx: context) -> str:  # type: ignore[valid-type]
        """Report progress, hang up on the client, report again, and end: what came late is for who comes back."""
        await ctx.report_progress(1, 3, "before")
        await ctx.close_sse_stream()
        await ctx.report_progress(2, 3, "between")
        await ctx.report_progress(3, 3, "after")
        return "relayed"


def _add_what_is_read(server: Any) -> None:
    @server.resource("note://welcome", description="A greeting")
    def welcome() -> str:
        return "Welcome, naïve reader ☕"

    @server.resource("book://{title}", description="One book")
    def book(title: str) -> str:
        return f"The book called {title}"

    @server.prompt()
    def greet(name: str, tone: str = "warm") -> str:
        """Greet somebody."""
        return f"Write a {tone} greeting for {name}."
