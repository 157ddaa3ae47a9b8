"""What only the newest revision has: change streams, capabilities by request, mirrored parameters. And what only the
older ones have and the SDK's high-level server no longer offers by itself."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer, Resolve, Sample
from mcp_types import (
    CreateMessageResult,
    EmptyResult,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    UnsubscribeRequestParams,
)
from pydantic import Field


async def _ask_model() -> Sample:
    message = SamplingMessage(role="user", content=TextContent(type="text", text="Name a colour."))
    return Sample([message], max_tokens=20)


def add_probes(server: MCPServer) -> None:
    """The diagnostic tools of `server-stateless` and of the mirrored parameters (SEP-2575, SEP-2243)."""

    @server.tool()
    async def test_missing_capability(thought: Annotated[CreateMessageResult, Resolve(_ask_model)]) -> str:
        """Need a model: the SDK refuses callers that declare none."""
        return str(thought.model)

    @server.tool()
    async def test_logging_tool(ctx: Context) -> str:
        """Log, which nobody who set no level may see."""
        await ctx.info("Nobody asked for this")
        return "Logged."

    @server.tool()
    async def test_trigger_tool_change(ctx: Context) -> str:
        """Tell listeners that the tools have changed."""
        await ctx.notify_tools_changed()
        return "Told."

    @server.tool()
    async def test_trigger_prompt_change(ctx: Context) -> str:
        """Tell listeners that the prompts have changed."""
        await ctx.notify_prompts_changed()
        return "Told."

    @server.tool()
    async def test_mirrored_parameter(
        region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
    ) -> str:
        """Take a parameter that clients repeat in a header."""
        return region


def add_older_methods(server: MCPServer) -> None:
    """`logging/setLevel` and subscriptions by request; `MCPServer` has no public place for them."""

    async def done(ctx: Any, params: Any) -> EmptyResult:
        return EmptyResult()

    low = server._lowlevel_server
    low.add_request_handler("logging/setLevel", SetLevelRequestParams, done)
    low.add_request_handler("resources/subscribe", SubscribeRequestParams, done)
    low.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, done)
