"""Honest visits of an SDK client, each reduced to plain data, so that two edges can be compared with `==`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import mcp_types as types
from mcp import Client, MCPError
from pydantic import BaseModel, FileUrl
from starlette.types import ASGIApp

from tests.real.house import PATIENCE, served
from tests.real.servers.everything import Notes, everything
from tests.real.servers.recorder import Recorder

Scenario = Callable[["Visit"], Awaitable[Any]]
Edge = Callable[[ASGIApp], ASGIApp]


def bare(app: ASGIApp) -> ASGIApp:
    """The edge that is none."""
    return app


def plain(value: Any) -> Any:
    """A result as the data that a user of the client sees."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, MCPError):
        return {"error": {"code": value.error.code, "message": value.error.message, "data": value.error.data}}
    return value


@dataclass
class Visit:
    """One connected client, the server behind the edge, and everything the client's callbacks heard."""

    client: Client
    notes: Notes
    recorder: Recorder
    heard: list[Any]
    asked: list[Any]
    rang: anyio.Event = field(default_factory=anyio.Event)

    async def call(self, name: str, arguments: dict[str, Any] | None = None, **options: Any) -> Any:
        """Call a tool; the result or the protocol error as plain data."""
        return await self.tried(self.client.call_tool(name, arguments or {}, **options))

    async def tried(self, request: Awaitable[Any]) -> Any:
        """The outcome of a request as plain data, a protocol error included."""
        try:
            return plain(await request)
        except MCPError as error:
            return plain(error)


@dataclass(frozen=True)
class Observed:
    """What a visit came to: for the client, for its callbacks, and for the server."""

    outcome: Any
    protocol: str
    heard: list[Any]
    asked: list[Any]
    server_saw: list[Any]


async def observe(scenario: Scenario, mode: str, edge: Edge, **options: Any) -> Observed:
    """Run `scenario` against a fresh server behind `edge`; `options` are those of the SDK's ASGI app."""
    notes = Notes()
    recorder = Recorder(everything(notes).streamable_http_app(**options))
    async with served(edge(recorder)) as address, visiting(address.url(), mode, notes, recorder) as visit:
        with anyio.fail_after(PATIENCE):
            outcome = await scenario(visit)
        protocol = visit.client.protocol_version
    return Observed(outcome, protocol, visit.heard, visit.asked, _in_order(recorder.messages))


@contextlib.asynccontextmanager
async def visiting(url: str, mode: str, notes: Notes, recorder: Recorder, **options: Any) -> AsyncIterator[Visit]:
    """A connected client whose callbacks answer every question and remember what they heard."""
    visit = Visit(None, notes, recorder, [], [])  # type: ignore[arg-type]

    async def hear(message: Any) -> None:
        visit.heard.append(plain(message))
        visit.rang.set()

    async def log(params: types.LoggingMessageNotificationParams) -> None:
        visit.heard.append({"log": plain(params)})

    answers = {**_answers(visit.asked), **options}
    client = Client(url, mode=mode, message_handler=hear, logging_callback=log, log_level="debug", **answers)
    async with client as visit.client:
        yield visit


def _answers(asked: list[Any]) -> dict[str, Any]:
    async def elicit(context: Any, params: Any) -> types.ElicitResult:
        asked.append(plain(params))
        return types.ElicitResult(action="accept", content={"day": "1 May"})

    async def sample(context: Any, params: Any) -> types.CreateMessageResult:
        asked.append(plain(params))
        text = types.TextContent(type="text", text="blue")
        return types.CreateMessageResult(role="assistant", content=text, model="small")

    async def roots(context: Any) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[types.Root(uri=FileUrl("file:///home/ann/project"))])

    return {"elicitation_callback": elicit, "sampling_callback": sample, "list_roots_callback": roots}


def _in_order(messages: list[Any]) -> list[Any]:
    """The messages in an order that does not depend on which of several connections was quicker."""
    return sorted((_steady(each) for each in messages), key=json.dumps)


def _steady(value: Any) -> Any:
    """The message without what is random or counts up across the process: sealed state, ids of listeners."""
    if isinstance(value, dict):
        return {key: "sealed" if key == "requestState" else _steady(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_steady(each) for each in value]
    return "listen" if isinstance(value, str) and value.startswith("listen-") else value


# -- the scenarios ---------------------------------------------------------------------------------------------------


async def lists(visit: Visit) -> Any:
    """Every list there is."""
    client = visit.client
    found = await client.list_tools(), await client.list_resources(), await client.list_resource_templates()
    return [plain(each) for each in (*found, await client.list_prompts())]


async def calls(visit: Visit) -> Any:
    """Plain calls: numbers, text of many scripts, defaults, nothing at all."""
    texts = ("", "plain", "naïve ☕ 日本語 👩‍👩‍👧", "line\nbreak\ttab", '{"a": [1, 2]}', "select a plan and O'Brien")
    said = [await visit.call("echo", {"text": text}) for text in texts]
    return [*said, await visit.call("add", {"a": 2**53 + 1, "b": -1}), await visit.call("order", {"item": "tea"})]


async def leniencies(visit: Visit) -> Any:
    """What the SDK takes although the schema says otherwise: the default policy must not refuse more."""
    return [await visit.call("add", {"a": "5", "b": 2}), await visit.call("add", {"a": 1, "b": 2, "c": 3})]


async def failures(visit: Visit) -> Any:
    """Errors of the server's own: a crash, and names it does not know."""
    client = visit.client
    lost = [visit.tried(client.read_resource("note://nowhere/at/all")), visit.tried(client.get_prompt("nobody", {}))]
    return [await visit.call("boom"), await visit.call("no_such_tool"), *[await each for each in lost]]


async def reading(visit: Visit) -> Any:
    """Resources, a template with a name outside ASCII, a prompt, completion."""
    client = visit.client
    greeting = await client.get_prompt("greet", {"name": "Zoë"})
    reference = types.PromptReference(type="ref/prompt", name="greet")
    found = await client.complete(reference, {"name": "name", "value": "Be"})
    read = [await client.read_resource(uri) for uri in ("note://welcome", "book://caf%C3%A9", "book://é")]
    return [plain(each) for each in (greeting, found, *read)]


async def progress(visit: Visit) -> Any:
    """Progress on the response stream, in order, before the result."""
    steps: list[Any] = []

    async def step(done: float, total: float | None, message: str | None) -> None:
        steps.append((done, total, message))

    return [await visit.call("slow", {"steps": 5}, progress_callback=step), steps]


async def questions(visit: Visit) -> Any:
    """The server asks the person, the model and the host in turn."""
    return [await visit.call(tool) for tool in ("ask", "think", "places")]


async def interviewed(visit: Visit) -> Any:
    """A question in the middle of a call: answered in the older era, impossible in the newer."""
    return await visit.call("interview")


async def logging(visit: Visit) -> Any:
    """A log message beside the result."""
    return await visit.call("murmur", {"text": "working on it"})


async def crowd(visit: Visit) -> Any:
    """Twenty calls at once, each with an answer of its own."""
    sums: dict[int, Any] = {}
    # The client lists the tools at its first call: once, if that call is not one of the crowd.
    await visit.call("add", {"a": 0, "b": 0})

    async def add(number: int) -> None:
        sums[number] = (await visit.call("add", {"a": number, "b": number}))["structuredContent"]

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(add, number)
    return dict(sorted(sums.items()))


async def abundance(visit: Visit) -> Any:
    """A large argument and a large result, both below every limit."""
    return [await visit.call("big", {"size": 200_000}), await visit.call("echo", {"text": "word " * 40_000})]


SCENARIOS: tuple[Scenario, ...] = (
    lists, calls, leniencies, failures, reading, progress, questions, interviewed, logging, crowd, abundance,
)  # fmt: skip
