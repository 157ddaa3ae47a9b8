"""Streams, sessions and people who hang up: the middleware must be as transparent as no middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from tests.real.house import PATIENCE
from tests.real.messages import Request, call, legacy, modern, posted, stream
from tests.real.scenarios import Edge, visiting
from tests.real.site import Site, reached, running_site
from tests.real.tasks import left_over, running
from tests.real.wire import Session, ask, opened, streaming, wired

pytestmark = [
    pytest.mark.real,
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]


@pytest.fixture
async def site(edge: Edge) -> AsyncIterator[Site]:
    async with running_site(edge) as running_one:
        yield running_one


async def request_of(era: str, site: Site, tool: str, *, progress: bool = False) -> Request:
    """A call of `tool` in either era; the older one goes through the handshake first."""
    if era == "modern":
        return call("modern", tool, {}) if not progress else _with_token(modern)
    session = await opened(site.address)
    params: dict[str, Any] = {"name": tool, "arguments": {}}
    if progress:
        params["_meta"] = {"progressToken": "t"}
    return legacy("tools/call", params, id=7, session=session.id)


def _with_token(build: Any) -> Request:
    request: Request = build("tools/call", {"name": "pace", "arguments": {}}, id=7, progressToken="t")
    return request


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_progress_event_arrives_while_the_tool_still_runs(site: Site, era: str) -> None:
    request = await request_of(era, site, "pace", progress=True)
    async with streaming(site.address, request) as wire:
        first = await wire.event()
        assert first["params"] == {"progressToken": "t", "progress": 1, "total": 2, "message": "first half"}
        assert not site.notes.release.is_set()
        site.notes.release.set()
        assert (await wire.event())["result"]["content"] == [{"text": "paced", "type": "text"}]
        assert await wire.ended() == b""


async def test_a_notification_of_the_server_arrives_on_the_standing_stream(site: Site) -> None:
    session = await opened(site.address)
    async with streaming(site.address, stream(session.id)) as wire:
        called = await session.ask(call("legacy", "announce", id=3))
        assert called.message["result"]["isError"] is False
        assert (await wire.event())["method"] == "notifications/tools/list_changed"


async def test_a_second_standing_stream_of_a_session_is_the_servers_to_refuse(site: Site) -> None:
    session = await opened(site.address)
    async with streaming(site.address, stream(session.id)), wired(site.address) as second:
        assert (await second.ask(stream(session.id))).status == 409


async def test_the_sdk_client_hears_a_changed_list_in_the_older_era(site: Site) -> None:
    async with visiting(site.address.url(), "legacy", site.notes, site.recorder) as visit:
        await visit.call("announce")
        await reached(visit.rang)
    assert {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}.items() >= visit.heard[0].items()
    assert [seen.method for seen in site.recorder.seen].count("GET") == 1


async def test_the_sdk_client_hears_a_changed_list_in_the_newer_era(site: Site) -> None:
    async with (
        visiting(site.address.url(), "auto", site.notes, site.recorder) as visit,
        visit.client.listen(tools_list_changed=True) as subscription,
    ):
        await visit.call("announce")
        with anyio.fail_after(PATIENCE):
            event = await anext(aiter(subscription))
    assert type(event).__name__ == "ToolsListChanged"
    assert "subscriptions/listen" in site.recorder.methods


async def test_delete_ends_the_session_and_a_later_call_is_told_so(site: Site) -> None:
    session = await opened(site.address)
    assert (await session.ask(call("legacy", "add", {"a": 1, "b": 2}))).status == 200
    ended = await session.ask(Request(headers=posted({}).headers, method="DELETE", length=False))
    assert (ended.status, ended.body) == (200, b"")
    late = await session.ask(call("legacy", "add", {"a": 1, "b": 2}))
    assert (late.status, late.message["error"]["code"]) == (404, -32600)


async def test_the_sdk_client_ends_its_session_with_delete(site: Site) -> None:
    async with visiting(site.address.url(), "legacy", site.notes, site.recorder) as visit:
        await visit.call("echo", {"text": "hello"})
    assert [seen.method for seen in site.recorder.seen][-1] == "DELETE"


async def test_hanging_up_cancels_a_call_of_the_newer_era(site: Site) -> None:
    async with wired(site.address) as wire:
        await wire.send(call("modern", "long"))
        await reached(site.notes.began)
        wire.hang_up()
        await reached(site.notes.cancelled)


async def test_hanging_up_does_not_cancel_a_call_of_the_older_era(site: Site) -> None:
    session = await opened(site.address)
    async with streaming(site.address, call("legacy", "long", session=session.id)) as wire:
        await reached(site.notes.began)
        wire.hang_up()
        await reached(site.recorder.seen[-1].disconnected)
    site.notes.release.set()
    await reached(site.notes.finished)
    assert not site.notes.cancelled.is_set()


async def test_a_cancelling_notification_ends_a_call_of_the_older_era(site: Site) -> None:
    session = await opened(site.address)
    async with streaming(site.address, call("legacy", "long", id=5, session=session.id)) as wire:
        await reached(site.notes.began)
        params = {"requestId": 5, "reason": "no longer needed"}
        told = await session.ask(posted({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}))
        assert (told.status, told.body) == (202, b"")
        await reached(site.notes.cancelled)
        assert (await wire.event())["id"] == 5


async def test_an_sdk_client_that_gives_up_cancels_its_call_in_both_eras(site: Site, mode: str) -> None:
    async with visiting(site.address.url(), mode, site.notes, site.recorder) as visit:
        async with anyio.create_task_group() as group:
            group.start_soon(visit.call, "long")
            await reached(site.notes.began)
            group.cancel_scope.cancel()
        await reached(site.notes.cancelled)
        assert (await visit.call("add", {"a": 1, "b": 1}))["structuredContent"] == {"result": 2}


async def _warm(site: Site) -> Session:
    """A session that has had one streamed answer, so that the stack's own lasting tasks run already."""
    session = await opened(site.address)
    assert (await session.ask(call("legacy", "echo", {"text": "warm"}))).status == 200
    assert (await ask(site.address, call("modern", "echo", {"text": "warm"}))).status == 200
    return session


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_hanging_up_in_the_middle_of_a_body_leaves_no_task_behind(site: Site, era: str) -> None:
    session, before = await _warm(site), running()
    request = call(era, "add", {"a": 1, "b": 2}).setting("mcp-session-id", session.id)
    half = request.raw()[:-20]
    for _ in range(3):
        async with wired(site.address) as wire:
            await wire.send(half)
            wire.hang_up()
    assert (await ask(site.address, request)).status == 200
    assert await left_over(before) == []
    assert site.notes.calls.count(("add", {"a": 1, "b": 2})) == 1


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_hanging_up_in_the_middle_of_a_stream_leaves_no_task_behind(site: Site, era: str) -> None:
    await _warm(site)
    request, before = await request_of(era, site, "pace", progress=True), running()
    async with streaming(site.address, request) as wire:
        await wire.event()
        wire.hang_up()
        await reached(site.recorder.seen[-1].disconnected)
    site.notes.release.set()
    assert await left_over(before) == []
    assert (await ask(site.address, call("modern", "add", {"a": 2, "b": 2}))).message["result"]["isError"] is False


async def test_hanging_up_on_the_standing_stream_leaves_no_task_and_the_session_goes_on(site: Site) -> None:
    session = await _warm(site)
    before = running()
    async with streaming(site.address, stream(session.id)) as wire:
        wire.hang_up()
        await reached(site.recorder.seen[-1].disconnected)
    assert await left_over(before) == []
    async with streaming(site.address, stream(session.id)) as again:
        await session.ask(call("legacy", "announce", id=3))
        assert (await again.event())["method"] == "notifications/tools/list_changed"


async def test_two_requests_on_one_connection_are_both_answered(site: Site) -> None:
    async with wired(site.address) as wire:
        for number in (1, 2):
            reply = await wire.ask(call("modern", "add", {"a": number, "b": 0}, id=number))
            assert reply.message["result"]["structuredContent"] == {"result": number}


async def test_a_body_that_comes_byte_by_byte_is_read_whole(site: Site) -> None:
    request = call("modern", "add", {"a": 4, "b": 5})
    async with wired(site.address) as wire:
        for place in range(len(request.raw())):
            await wire.send(request.raw()[place : place + 1])
        assert (await wire.reply()).message["result"]["structuredContent"] == {"result": 9}


async def test_a_body_in_chunks_without_a_length_is_read_whole(site: Site) -> None:
    request = call("modern", "add", {"a": 4, "b": 5})
    head, body = Request(headers=request.headers, length=False).adding(("transfer-encoding", "chunked")), request.body
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    assert (await ask(site.address, head.raw() + chunks)).message["result"]["structuredContent"] == {"result": 9}
