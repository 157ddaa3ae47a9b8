"""Tools that send something before their result: logs, progress, questions to the client; and the store of events."""

from __future__ import annotations

from typing import Any

from tests.conformance.servers.samples import CHOICES, DEFAULTS, PERSON
from tests.conformance.servers.sdk import Context, EventMessage, EventStore, Server, types


class Events(EventStore):
    """Keeps every event of every stream for as long as the server runs; an id is the event's place in the list."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, Any]] = []

    async def store_event(self, stream_id: str, message: Any) -> str:
        """Keep one event; a priming event has no message."""
        self._kept.append((stream_id, message))
        return str(len(self._kept))

    async def replay_events_after(self, last_event_id: str, send_callback: Any) -> str | None:
        """Send what came later on the same stream."""
        place = int(last_event_id)
        stream = self._kept[place - 1][0]
        for number, (of, message) in enumerate(self._kept[place:], place + 1):
            if of == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


def add_reports(server: Server) -> None:
    """Logs, progress, and a stream that the server closes in the middle of the call (SEP-1699)."""

    @server.tool()
    async def test_tool_with_logging(ctx: Context) -> str:
        """Log three times."""
        for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await ctx.info(message)
        return "Logged."

    @server.tool()
    async def test_tool_with_progress(ctx: Context) -> str:
        """Report progress three times."""
        for progress in (0, 50, 100):
            await ctx.report_progress(progress, 100)
        return "Done."

    @server.tool()
    async def test_reconnection(ctx: Context) -> str:
        """Close the stream of this call; the result is for who comes back."""
        await ctx.close_sse_stream()
        return "Reconnected."


def add_questions(server: Server) -> None:
    """Requests from the server to the client in the middle of a call, as up to 2025-11-25."""

    @server.tool()
    async def test_sampling(prompt: str, ctx: Context) -> str:
        """Ask the client's model."""
        content = types.TextContent(type="text", text=prompt)
        asked = types.SamplingMessage(role="user", content=content)
        answer = await ctx.session.create_message(messages=[asked], max_tokens=100, related_request_id=ctx.request_id)
        return f"LLM response: {getattr(answer.content, 'text', '')}"

    @server.tool()
    async def test_elicitation(message: str, ctx: Context) -> str:
        """Ask the person for a name and an address."""
        return f"User response: {await _asked(ctx, message, PERSON)}"

    @server.tool()
    async def test_elicitation_sep1034_defaults(ctx: Context) -> str:
        """Ask with a default for every primitive type."""
        return f"Elicitation completed: {await _asked(ctx, 'Review these values', DEFAULTS)}"

    @server.tool()
    async def test_elicitation_sep1330_enums(ctx: Context) -> str:
        """Ask with every kind of choice."""
        return f"Elicitation completed: {await _asked(ctx, 'Choose', CHOICES)}"


async def _asked(ctx: Context, message: str, schema: dict[str, Any]) -> str:
    answer = await ctx.session.elicit_form(message, schema, ctx.request_id)
    return f"action={answer.action}, content={answer.content}"
