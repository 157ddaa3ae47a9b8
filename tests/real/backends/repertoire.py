"""Whole visits of the SDK's client to a server, reduced to plain data that is the same whatever stands in between."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
import mcp_types as types

from tests.real.backends.backend import Backend
from tests.real.house import PATIENCE
from tests.real.scenarios import (
    Visit,
    abundance,
    calls,
    crowd,
    failures,
    interviewed,
    lists,
    logging,
    plain,
    progress,
    visiting,
)

Act = Callable[[Visit], Awaitable[Any]]
# npm's server says this right after the handshake: whether the client's standing stream is there by then is luck.
_CHANGED = "notifications/tools/list_changed"


@dataclass(frozen=True)
class Observed:
    """What a visit came to: for the client, for its callbacks, and for the server."""

    outcomes: dict[str, Any]
    protocol: str
    heard: list[Any]
    asked: list[Any]
    server_saw: list[Any]


async def observed(backend: Backend, mode: str, *, protected: bool, acts: Sequence[Act]) -> Observed:
    """One connection in which all `acts` are done in turn."""
    async with backend.open(protected=protected) as opened:
        target = backend.target(opened)
        # No answer of the host's: npm's server asks for roots a third of a second after the start, called or not.
        options = {"list_roots_callback": None} if backend.name.startswith("node") else {}
        async with visiting(target, mode, None, None, **options) as visit:  # type: ignore[arg-type]
            with anyio.fail_after(PATIENCE * 2):
                outcomes = {act.__name__: await act(visit) for act in acts}
            protocol = visit.client.protocol_version
        saw = await opened.saw()
    heard = [each for each in visit.heard if backend.name != "node-http" or each.get("method") != _CHANGED]
    return Observed(outcomes, protocol, _sorted(heard), _sorted(visit.asked), _sorted(saw))


def _sorted(messages: list[Any]) -> list[Any]:
    """In an order that does not depend on which of several connections was quicker."""
    return sorted(messages, key=lambda each: json.dumps(each, sort_keys=True))


async def reading(visit: Visit) -> Any:
    """Resources, a template with a name outside ASCII, a prompt, completion of what may complete nothing."""
    client = visit.client
    reference = types.PromptReference(type="ref/prompt", name="greet")
    done = [visit.tried(client.read_resource(uri)) for uri in ("note://welcome", "book://caf%C3%A9", "book://é")]
    done += [visit.tried(client.get_prompt("greet", {"name": "Zoë"}))]
    done += [visit.tried(client.complete(reference, {"name": "name", "value": "Be"}))]
    return [await each for each in done]


async def thinking(visit: Visit) -> Any:
    """The server asks the model and the host, in the middle of a call."""
    return [await visit.call(tool) for tool in ("think", "places")]


async def long_stream(visit: Visit) -> Any:
    """Three hundred events on one response stream, in order."""
    steps: list[Any] = []

    async def step(done: float, total: float | None, message: str | None) -> None:
        steps.append((done, message))

    return [await visit.call("slow", {"steps": 300}, progress_callback=step), steps]


async def questions_at_once(visit: Visit) -> Any:
    """Ten calls at once, each of which asks the person a question of its own."""
    answers: list[Any] = []

    async def ask() -> None:
        answers.append(await visit.call("interview"))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(ask)
    return answers


OF_PYTHON: tuple[Act, ...] = (
    lists, calls, failures, reading, progress, interviewed, logging, thinking, crowd, abundance,
    long_stream, questions_at_once,
)  # fmt: skip
# In JSON mode a server that asks in the middle of a call has no stream to ask on.
OF_JSON: tuple[Act, ...] = (lists, calls, failures, reading, progress, logging, crowd, abundance)


async def mistakes(visit: Visit) -> Any:
    """Arguments that do not fit the tool's schema: some servers take them, others answer with an error of their own."""
    given: list[tuple[str, dict[str, Any]]] = [("add", {"a": "5", "b": 2}), ("add", {"a": 1, "b": 2, "c": 3})]
    given += [("add", {"a": 1}), ("order", {"item": "tea", "count": 11}), ("echo", {"text": ["a"]})]
    await visit.client.list_tools()
    results = [await visit.call(*each) for each in given]
    return [(result.get("isError", False), result.get("structuredContent")) for result in results]


# -- npm's server-everything -----------------------------------------------------------------------------------------


async def npm_lists(visit: Visit) -> Any:
    """Every list there is."""
    client = visit.client
    found = await client.list_tools(), await client.list_resources(), await client.list_resource_templates()
    return [plain(each) for each in (*found, await client.list_prompts())]


async def npm_calls(visit: Visit) -> Any:
    """Text, numbers, structured content, an image, links, a tool that is not there."""
    texts = ("", "naïve ☕ 日本語", "line\nbreak", '{"a": [1, 2]}', "word " * 20_000)
    said = [await visit.call("echo", {"message": text}) for text in texts]
    said += [await visit.call("get-sum", {"a": 2, "b": 0.5})]
    said += [await visit.call("get-structured-content", {"location": "Chicago"})]
    said += [await visit.call("get-annotated-message", {"messageType": "error", "includeImage": True})]
    said += [await visit.call(name) for name in ("get-tiny-image", "get-resource-links", "no-such-tool")]
    return said


async def npm_progress(visit: Visit) -> Any:
    """Progress on the response stream, in order, before the result."""
    steps: list[Any] = []

    async def step(done: float, total: float | None, message: str | None) -> None:
        steps.append((done, total))

    arguments = {"duration": 0.05, "steps": 5}
    return [await visit.call("trigger-long-running-operation", arguments, progress_callback=step), steps]


async def npm_questions(visit: Visit) -> Any:
    """The server asks the person and the model in the middle of a call."""
    asked = await visit.call("trigger-sampling-request", {"prompt": "Name a colour.", "maxTokens": 10})
    return [asked, await visit.call("trigger-elicitation-request")]


async def npm_reading(visit: Visit) -> Any:
    """Resources, prompts and completion."""
    client = visit.client
    reference = types.PromptReference(type="ref/prompt", name="completable-prompt")
    done = [visit.tried(client.get_prompt("args-prompt", {"city": "Zürich", "state": "ZH"}))]
    done += [visit.tried(client.get_prompt("nobody", {}))]
    done += [visit.tried(client.complete(reference, {"name": "department", "value": "S"}))]
    done += [visit.tried(client.read_resource("demo://resource/static/document/features.md"))]
    done += [visit.tried(client.read_resource("demo://resource/dynamic/nothing/0"))]
    return [await each for each in done]


async def npm_crowd(visit: Visit) -> Any:
    """Twenty calls at once, each with an answer of its own."""
    sums: dict[int, Any] = {}
    await visit.call("get-sum", {"a": 0, "b": 0})

    async def add(number: int) -> None:
        sums[number] = await visit.call("get-sum", {"a": number, "b": number})

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(add, number)
    return dict(sorted(sums.items()))


OF_NPM: tuple[Act, ...] = (npm_lists, npm_calls, npm_progress, npm_questions, npm_reading, npm_crowd)
