"""The client of `mcp` 1.x: streamable HTTP and the deprecated HTTP+SSE transport, in an environment of its own."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import AsyncIterator
from typing import Any

import anyio
from itinerary import Ear, travel
from mcp import ClientSession, types
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl, BaseModel, FileUrl


def plain(value: Any) -> Any:
    """A result as the data that a user of the client sees."""
    return value.model_dump(mode="json", by_alias=True, exclude_none=True) if isinstance(value, BaseModel) else value


class Speaker:
    """A connected session, one method for each kind of step."""

    def __init__(self, session: ClientSession, greeting: types.InitializeResult, ear: Ear) -> None:
        self.session, self.greeting, self.ear = session, greeting, ear

    async def hello(self, step: dict[str, Any]) -> Any:
        return plain(self.greeting)

    async def list(self, step: dict[str, Any]) -> Any:
        ask = getattr(self.session, f"list_{step['what']}")
        pages = [await ask()]
        while pages[-1].nextCursor:
            pages.append(await ask(params=types.PaginatedRequestParams(cursor=pages[-1].nextCursor)))
        return [plain(page) for page in pages]

    async def call(self, step: dict[str, Any]) -> Any:
        return plain(await self.session.call_tool(step["tool"], step["arguments"]))

    async def follow(self, step: dict[str, Any]) -> Any:
        steps: list[Any] = []
        async with anyio.create_task_group() as group:

            async def progress(done: float, total: float | None, message: str | None) -> None:
                steps.append([done, total, message])
                group.start_soon(self.session.call_tool, "nod", {})

            result = await self.session.call_tool(step["tool"], step["arguments"], progress_callback=progress)
        return [plain(result), steps]

    async def cancel(self, step: dict[str, Any]) -> Any:
        # This SDK tells the server nothing when a caller gives up, so its user must.
        id = self.session._request_id
        with anyio.CancelScope() as scope:

            async def begun(done: float, total: float | None, message: str | None) -> None:
                params = types.CancelledNotificationParams(requestId=id, reason="no longer needed")
                notification = types.CancelledNotification(method="notifications/cancelled", params=params)
                await self.session.send_notification(types.ClientNotification(notification))
                scope.cancel()

            await self.session.call_tool(step["tool"], {}, progress_callback=begun)
        return "cancelled" if scope.cancelled_caught else "not cancelled"

    async def read(self, step: dict[str, Any]) -> Any:
        return plain(await self.session.read_resource(AnyUrl(step["uri"])))

    async def prompt(self, step: dict[str, Any]) -> Any:
        return plain(await self.session.get_prompt(step["name"], step["arguments"]))

    async def complete(self, step: dict[str, Any]) -> Any:
        reference = types.PromptReference(type="ref/prompt", name=step["name"])
        return plain(await self.session.complete(reference, step["argument"]))

    async def subscribe(self, step: dict[str, Any]) -> Any:
        return plain(await self.session.subscribe_resource(AnyUrl(step["uri"])))

    async def unsubscribe(self, step: dict[str, Any]) -> Any:
        return plain(await self.session.unsubscribe_resource(AnyUrl(step["uri"])))

    async def level(self, step: dict[str, Any]) -> Any:
        return plain(await self.session.set_logging_level(step["level"]))

    async def ping(self, step: dict[str, Any]) -> Any:
        return plain(await self.session.send_ping())

    async def rooted(self, step: dict[str, Any]) -> Any:
        await self.session.send_roots_list_changed()

    async def progress(self, step: dict[str, Any]) -> Any:
        await self.session.send_progress_notification("p", 1, 2, step["message"])

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
        if isinstance(message, Exception):
            ear.hear({"exception": type(message).__name__})
        elif isinstance(message, BaseModel):
            ear.hear(plain(message))

    return {
        "elicitation_callback": elicit,
        "sampling_callback": sample,
        "list_roots_callback": roots,
        "message_handler": hear,
    }


@contextlib.asynccontextmanager
async def connect(visit: dict[str, Any], ear: Ear) -> AsyncIterator[Speaker]:
    """A session after its handshake."""
    sse = visit["transport"] == "sse"
    transport: Any = sse_client(visit["url"]) if sse else streamable_http_client(visit["url"])
    async with transport as streams, ClientSession(streams[0], streams[1], **callbacks(visit, ear)) as session:
        yield Speaker(session, await session.initialize(), ear)


if __name__ == "__main__":
    logging.disable()
    warnings.simplefilter("ignore")
    travel(connect)
