"""Long streams, many streams at once in one session, clients that leave in the middle: as without the middleware."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest

from tests.real.backends.backend import Backend, Opened
from tests.real.backends.streams import Line, line, listener
from tests.real.house import PATIENCE
from tests.real.messages import META, Request, call, encoded, legacy, modern, posted, stream
from tests.real.site import reached
from tests.real.tasks import left_over, running
from tests.real.wire import Reply, ask, wired

pytestmark = [pytest.mark.real, pytest.mark.anyio]
IN_PROCESS = ["sdk-store", "fastmcp-stateful", "fastapi-stateful"]
STREAMS = 25


def reporting(tool: str, arguments: dict[str, Any], *, era: str = "legacy", id: int = 7) -> Request:
    """A call that asks for progress."""
    params = {"name": tool, "arguments": arguments}
    if era == "modern":
        return modern("tools/call", params, id=id, progressToken=id)
    return legacy("tools/call", {**params, "_meta": {"progressToken": id}}, id=id)


@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize("name", ["sdk-stateful", "fastmcp-stateful"])
async def test_a_stream_of_a_thousand_events_is_the_same_byte_for_byte(
    name: str, era: str, server: Callable[[str], Backend]
) -> None:
    backend, whole = server(name), []
    for protected in (False, True):
        async with backend.open(protected=protected) as opened, line(backend, opened, era=era) as spoken:
            request = spoken.dressed(reporting("slow", {"steps": 1000}, era=era))
            async with listener(opened.address, request) as events:
                whole.append([each.raw for each in await events.all()])
    assert len(whole[0]) == 1001
    assert whole[1] == whole[0]


async def many_at_once(opened: Opened, spoken: Line) -> list[Any]:
    """Calls that all wait at the same time, each with a stream of its own, and the standing stream beside them."""
    async with AsyncExitStack() as stack:
        standing = await stack.enter_async_context(listener(opened.address, spoken.dressed(stream(spoken.session))))
        requests = [spoken.dressed(reporting("pace", {}, id=number)) for number in range(STREAMS)]
        waiting = [await stack.enter_async_context(listener(opened.address, each)) for each in requests]
        begun = [await each.next_message() for each in waiting]
        assert (await spoken.tell(call("legacy", "announce", id=99))).status == 200
        heard = await standing.next_message()
        await opened.release()
        ended = [(await each.next_message(), await each.heard()) for each in waiting]
    return [begun, heard, ended]


@pytest.mark.parametrize("name", [*IN_PROCESS, "legacy-stateful"])
async def test_many_streams_of_one_session_do_not_get_into_each_others_way(
    name: str, server: Callable[[str], Backend]
) -> None:
    backend, told = server(name), []
    for protected in (False, True):
        async with backend.open(protected=protected) as opened, line(backend, opened) as spoken:
            with anyio.fail_after(PATIENCE * 2):
                told.append(await many_at_once(opened, spoken))
    begun, heard, ended = told[0]
    assert [each["params"]["progressToken"] for each in begun] == list(range(STREAMS))
    assert heard["method"] == "notifications/tools/list_changed"
    assert [(result["id"], end) for result, end in ended] == [(number, None) for number in range(STREAMS)]
    assert told[1] == told[0]


@pytest.mark.parametrize("name", ["sdk-stateful", "fastmcp-stateful", "legacy-stateful"])
async def test_delete_ends_the_open_streams_of_a_session_and_what_comes_later_is_told_so(
    name: str, server: Callable[[str], Backend]
) -> None:
    backend, told = server(name), []
    for protected in (False, True):
        async with backend.open(protected=protected) as opened, line(backend, opened) as spoken:
            async with listener(opened.address, spoken.dressed(stream(spoken.session))) as standing:
                delete = Request(headers=posted({}).headers, method="DELETE", length=False)
                ended = await spoken.tell(delete, awaited=False)
                rest = [each.raw for each in await standing.all()]
            late = await spoken.tell(call("legacy", "add", {"a": 1, "b": 2}))
            told.append((ended, rest, late.status, late.message["error"]["code"]))
    assert told[0][0].status == 200
    assert told[0][1:] == ([], 404, -32600)
    assert told[1] == told[0]


@pytest.mark.parametrize("protected", [False, True], ids=["bare", "protected"])
@pytest.mark.parametrize("name", ["sdk-stateless", "fastmcp-stateful", "fastapi-stateful"])
async def test_hanging_up_cancels_a_call_of_the_newer_era_and_leaves_no_task(
    name: str, protected: bool, server: Callable[[str], Backend]
) -> None:
    backend = server(name)
    async with backend.open(protected=protected) as opened, line(backend, opened, era="modern") as spoken:
        assert opened.signals is not None
        assert (await spoken.tell(call("modern", "echo", {"text": "warm"}))).status == 200
        before = running()
        async with wired(opened.address) as wire:
            await wire.send(spoken.dressed(reporting("pace", {}, era="modern")))
            await reached(opened.signals.began)
            wire.hang_up()
            await reached(opened.signals.cancelled)
        assert await left_over(before) == []
        assert (await spoken.tell(call("modern", "echo", {"text": "on"}))).status == 200


@pytest.mark.parametrize("name", [*IN_PROCESS, "legacy-stateful"])
async def test_many_clients_that_leave_in_the_middle_leave_no_task(name: str, server: Callable[[str], Backend]) -> None:
    backend = server(name)
    async with backend.open(protected=True) as opened, line(backend, opened) as spoken:
        assert (await spoken.tell(call("legacy", "echo", {"text": "warm"}))).status == 200
        await opened.watch()
        for number in range(10):
            async with listener(opened.address, spoken.dressed(reporting("pace", {}, id=number))) as events:
                await events.next_message()
                events.hang_up()
        await opened.release()
        assert await opened.left() == []
        # In the older era to leave is not to cancel: the calls went on.
        assert opened.signals is None or not opened.signals.cancelled.is_set()
        assert (await spoken.tell(call("legacy", "echo", {"text": "on"}))).status == 200


@pytest.mark.parametrize("protected", [False, True], ids=["bare", "protected"])
@pytest.mark.parametrize("name", ["sdk-stateless", "fastapi-stateful"])
async def test_listeners_of_the_newer_era_come_and_go_without_a_trace(
    name: str, protected: bool, server: Callable[[str], Backend]
) -> None:
    backend = server(name)
    async with backend.open(protected=protected) as opened, line(backend, opened, era="modern") as spoken:
        assert (await spoken.tell(call("modern", "echo", {"text": "warm"}))).status == 200
        before = running()
        wanted = {"notifications": {"toolsListChanged": True}}
        for number in range(10):
            listen = spoken.dressed(modern("subscriptions/listen", wanted, id=f"listen-{number}"))
            async with listener(opened.address, listen) as events:
                acknowledged = await events.next_message()
                assert acknowledged["method"] == "notifications/subscriptions/acknowledged"
                events.hang_up()
        assert await left_over(before) == []


async def _asked(spoken: Line, request: Request) -> Reply:
    return await ask(spoken.address, spoken.dressed(request))


async def test_npms_server_asks_for_roots_on_the_standing_stream(server: Callable[[str], Backend]) -> None:
    backend, told = server("node-http"), []
    root = {"uri": "file:///home/ann/project", "name": "project"}
    for protected in (False, True):
        async with backend.open(protected=protected) as opened:
            spoken = Line(opened.address, backend.path)
            hello = {"protocolVersion": "2025-11-25", "capabilities": {"roots": {}}}
            hello["clientInfo"] = META["io.modelcontextprotocol/clientInfo"]
            first = await _asked(spoken, legacy("initialize", hello).without("mcp-protocol-version"))
            spoken.session = str(first.header("mcp-session-id"))
            # The server asks soon after the handshake: the stream must be open by then.
            async with listener(opened.address, spoken.dressed(stream(spoken.session))) as standing:
                noted = posted({"jsonrpc": "2.0", "method": "notifications/initialized"})
                assert (await _asked(spoken, noted)).status == 202
                question = await standing.next_message()
                while question.get("method") != "roots/list":
                    question = await standing.next_message()
                answer = {"jsonrpc": "2.0", "id": question["id"], "result": {"roots": [root]}}
                assert (await _asked(spoken, noted.carrying(encoded(answer)))).status == 202
                listed = await spoken.tell(call("legacy", "get-roots-list", id=5))
            told.append((question, listed.message["result"]))
    assert root["uri"] in told[0][1]["content"][0]["text"]
    assert told[1] == told[0]


async def test_a_client_that_leaves_npms_server_leaves_the_proxy_and_no_task(server: Callable[[str], Backend]) -> None:
    backend = server("node-http")
    long = {"duration": 30, "steps": 600}
    async with backend.open(protected=True) as opened, line(backend, opened) as spoken:
        assert opened.recorder is not None
        proxy: Any = opened.recorder.app
        before = running()
        for number in range(3):
            request = spoken.dressed(reporting("trigger-long-running-operation", long, id=number))
            async with listener(opened.address, request) as events:
                await events.next_message()
                assert proxy.waiting == 1
                events.hang_up()
                await reached(opened.recorder.seen[-1].disconnected)
        assert await left_over(before) == []
        assert proxy.waiting == 0
        assert (await spoken.tell(call("legacy", "echo", {"message": "on"}))).status == 200
