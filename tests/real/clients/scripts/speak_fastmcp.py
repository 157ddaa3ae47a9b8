"""The client of `fastmcp` 4: both eras over streamable HTTP."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import AsyncIterator
from typing import Any

import anyio
import mcp_types as types
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from itinerary import Ear, travel
from pydantic import BaseModel


def plain(value: Any) -> Any:
    """A result as the data that a user of the client sees."""
    return value.model_dump(mode="json", by_alias=True, exclude_none=True) if isinstance(value, BaseModel) else value


class Speaker:
    """A connected client, one method for each kind of step."""

    def __init__(self, client: Client[Any], ear: Ear) -> None:
        self.client, self.ear = client, ear

    async def hello(self, step: dict[str, Any]) -> Any:
        client = self.client
        capabilities = plain(client.server_capabilities)
        return [client.protocol_version, plain(client.server_info), client.instructions, capabilities]

    async def list(self, step: dict[str, Any]) -> Any:
        ask = getattr(self.client, f"list_{step['what']}")
        return [plain(each) for each in await ask()]

    async def call(self, step: dict[str, Any]) -> Any:
        return plain(await self.client.call_tool_mcp(step["tool"], step["arguments"]))

    async def follow(self, step: dict[str, Any]) -> Any:
        steps: list[Any] = []
        async with anyio.create_task_group() as group:

            async def progress(done: float, total: float | None, message: str | None) -> None:
                steps.append([done, total, message])
                group.start_soon(self.client.call_tool_mcp, "nod", {})

            result = await self.client.call_tool_mcp(step["tool"], step["arguments"], progress_handler=progress)
        return [plain(result), steps]

    async def cancel(self, step: dict[str, Any]) -> Any:
        with anyio.CancelScope() as scope:

            async def begun(done: float, total: float | None, message: str | None) -> None:
                scope.cancel()

            await self.client.call_tool_mcp(step["tool"], {}, progress_handler=begun)
        return "cancelled" if scope.cancelled_caught else "not cancelled"

    async def read(self, step: dict[str, Any]) -> Any:
        return plain(await self.client.read_resource_mcp(step["uri"]))

    async def prompt(self, step: dict[str, Any]) -> Any:
        return plain(await self.client.get_prompt_mcp(step["name"], step["arguments"]))

    async def complete(self, step: dict[str, Any]) -> Any:
        reference = types.PromptReference(type="ref/prompt", name=step["name"])
        return plain(await self.client.complete_mcp(reference, step["argument"]))

    async def subscribe(self, step: dict[str, Any]) -> Any:
        return plain(await self.client.session.subscribe_resource(step["uri"]))

    async def unsubscribe(self, step: dict[str, Any]) -> Any:
        return plain(await self.client.session.unsubscribe_resource(step["uri"]))

    async def level(self, step: dict[str, Any]) -> Any:
        await self.client.set_logging_level(step["level"])

    async def ping(self, step: dict[str, Any]) -> Any:
        return await self.client.ping()

    async def rooted(self, step: dict[str, Any]) -> Any:
        await self.client.send_roots_list_changed()

    async def progress(self, step: dict[str, Any]) -> Any:
        await self.client.progress("p", 1, 2, step["message"])

    async def wait(self, step: dict[str, Any]) -> Any:
        return await self.ear.wait(step["method"])


def callbacks(visit: dict[str, Any], ear: Ear) -> dict[str, Any]:
    """Handlers that answer every question of the server."""

    async def elicit(message: str, kind: Any, params: Any, context: Any) -> Any:
        ear.hear({"method": "elicitation/create", "params": plain(params)})
        return ElicitResult(action="accept", content={"day": visit["day"]})

    async def sample(messages: Any, params: Any, context: Any) -> str:
        ear.hear({"method": "sampling/createMessage", "params": plain(params)})
        return "blue"

    async def roots(context: Any) -> Any:
        ear.hear({"method": "roots/list"})
        return ["file:///home/ann/project"]

    async def log(message: Any) -> None:
        ear.hear({"method": "log", "params": plain(message)})

    async def hear(message: Any) -> None:
        ear.hear(plain(message) if isinstance(message, BaseModel) else {"exception": type(message).__name__})

    return {
        "elicitation_handler": elicit,
        "sampling_handler": sample,
        "roots": roots,
        "log_handler": log,
        "message_handler": hear,
    }


@contextlib.asynccontextmanager
async def connect(visit: dict[str, Any], ear: Ear) -> AsyncIterator[Speaker]:
    """A connected client."""
    async with Client(visit["url"], mode=visit["mode"], **callbacks(visit, ear)) as client:
        yield Speaker(client, ear)


if __name__ == "__main__":
    logging.disable()
    warnings.simplefilter("ignore")
    travel(connect)
