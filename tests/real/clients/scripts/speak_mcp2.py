"""The client of `mcp` 2.x: both eras over streamable HTTP, and the deprecated HTTP+SSE transport."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import AsyncIterator
from typing import Any

import anyio
import mcp_types as types
from itinerary import Ear, travel
from mcp import Client
from mcp.client.sse import sse_client
from pydantic import BaseModel, FileUrl


def plain(value: Any) -> Any:
    """A result as the data that a user of the client sees."""
    return value.model_dump(mode="json", by_alias=True, exclude_none=True) if isinstance(value, BaseModel) else value


class Speaker:
    """A connected client, one method for each kind of step."""

    def __init__(self, client: Client, ear: Ear, stack: contextlib.AsyncExitStack) -> None:
        self.client, self.ear, self.stack = client, ear, stack

    async def hello(self, step: dict[str, Any]) -> Any:
        client = self.client
        capabilities = plain(client.server_capabilities)
        return [client.protocol_version, plain(client.server_info), client.instructions, capabilities]

    async def list(self, step: dict[str, Any]) -> Any:
        ask = getattr(self.client, f"list_{step['what']}")
        pages = [await ask(cache_mode="bypass")]
        while pages[-1].next_cursor:
            pages.append(await ask(cursor=pages[-1].next_cursor))
        return [plain(page) for page in pages]

    async def call(self, step: dict[str, Any]) -> Any:
        return plain(await self.client.call_tool(step["tool"], step["arguments"]))

    async def follow(self, step: dict[str, Any]) -> Any:
        steps: list[Any] = []
        async with anyio.create_task_group() as group:

            async def progress(done: float, total: float | None, message: str | None) -> None:
                steps.append([done, total, message])
                group.start_soon(self.client.call_tool, "nod", {})

            result = await self.client.call_tool(step["tool"], step["arguments"], progress_callback=progress)
        return [plain(result), steps]

    async def cancel(self, step: dict[str, Any]) -> Any:
        with anyio.CancelScope() as scope:

            async def begun(done: float, total: float | None, message: str | None) -> None:
                scope.cancel()

            await self.client.call_tool(step["tool"], {}, progress_callback=begun)
        return "cancelled" if scope.cancelled_caught else "not cancelled"

    async def read(self, step: dict[str, Any]) -> Any:
        return plain(await self.client.read_resource(step["uri"], cache_mode="bypass"))

    async def prompt(self, step: dict[str, Any]) -> Any:
        return plain(await self.client.get_prompt(step["name"], step["arguments"]))

    async def complete(self, step: dict[str, Any]) -> Any:
        reference = types.PromptReference(type="ref/prompt", name=step["name"])
        return plain(await self.client.complete(reference, step["argument"]))

    async def subscribe(self, step: dict[str, Any]) -> Any:
        return plain(await self.client.subscribe_resource(step["uri"]))

    async def unsubscribe(self, step: dict[str, Any]) -> Any:
        return plain(await self.client.unsubscribe_resource(step["uri"]))

    async def level(self, step: dict[str, Any]) -> Any:
        return plain(await self.client.set_logging_level(step["level"]))

    async def ping(self, step: dict[str, Any]) -> Any:
        return plain(await self.client.send_ping())

    async def rooted(self, step: dict[str, Any]) -> Any:
        await self.client.session.send_roots_list_changed()

    async def progress(self, step: dict[str, Any]) -> Any:
        await self.client.send_progress_notification("p", 1, 2, step["message"])

    async def listen(self, step: dict[str, Any]) -> Any:
        listening = self.client.listen(tools_list_changed=True, resource_subscriptions=[step["uri"]])
        return plain((await self.stack.enter_async_context(listening)).honored)

    async def wait(self, step: dict[str, Any]) -> Any:
        return await self.ear.wait(step["method"])


def callbacks(visit: dict[str, Any], ear: Ear) -> dict[str, Any]:
    """Callbacks that answer every question of the server."""

    async def elicit(context: Any, params: Any) -> types.ElicitResult:
        ear.hear({"method": "elicitation/create", "params": plain(params)})
        return types.ElicitResult(action="accept", content={"day": visit["day"]})

    async def sample(context: Any, params: Any) -> types.CreateMessageResult:
        ear.hear({"method": "sampling/createMessage", "params": plain(params)})
        text = types.TextContent(type="text", text="blue")
        return types.CreateMessageResult(role="assistant", content=text, model="small")

    async def roots(context: Any) -> types.ListRootsResult:
        ear.hear({"method": "roots/list"})
        return types.ListRootsResult(roots=[types.Root(uri=FileUrl("file:///home/ann/project"))])

    async def hear(message: Any) -> None:
        ear.hear(plain(message) if isinstance(message, BaseModel) else {"exception": type(message).__name__})

    return {
        "elicitation_callback": elicit,
        "sampling_callback": sample,
        "list_roots_callback": roots,
        "message_handler": hear,
        "log_level": "debug",
    }


@contextlib.asynccontextmanager
async def connect(visit: dict[str, Any], ear: Ear) -> AsyncIterator[Speaker]:
    """A connected client."""
    sse = visit["transport"] == "sse"
    target = sse_client(visit["url"]) if sse else visit["url"]
    async with (
        Client(target, mode=visit["mode"], **callbacks(visit, ear)) as client,
        contextlib.AsyncExitStack() as stack,
    ):
        yield Speaker(client, ear, stack)


if __name__ == "__main__":
    logging.disable()
    # The steps of the older era are deprecated in the SDK, not in the protocol that they speak.
    warnings.simplefilter("ignore")
    travel(connect)
