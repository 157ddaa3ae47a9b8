"""Other spellings of the path, which servers and gateways behind the middleware take for the one that it guards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.real.backends.backend import Backend
from tests.real.backends.streams import Line, line, listener
from tests.real.messages import Request, call, legacy, posted, stream
from tests.real.wire import Reply, wired

pytestmark = [pytest.mark.real, pytest.mark.anyio]
EVIL = ("origin", "http://attacker.example")
# Express takes no account of case or of a slash at the end; gateways resolve dots and the absolute form of a target.
SPELLINGS = ["/mcp", "/MCP", "/Mcp/", "//mcp", "/%6Dcp", "/x/../mcp", "/./mcp", "http://127.0.0.1/mcp", "http://a/MCP"]


async def status_of(spoken: Line, request: Request, spelling: str) -> Reply:
    """The head of the answer: an event stream would have no end."""
    async with wired(spoken.address) as wire:
        await wire.send(spoken.dressed(request).at(spelling))
        return await wire.head()


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_a_foreign_page_gets_nowhere_by_another_spelling_of_the_path(
    spelling: str, server: Callable[[str], Backend]
) -> None:
    backend = server("node-http")
    async with backend.open(protected=True) as opened, line(backend, opened) as spoken:
        assert opened.recorder is not None
        opened.recorder.clear()
        delete = Request(headers=posted({}).headers, method="DELETE", length=False)
        say = call("legacy", "echo", {"message": "hello"})
        for request in (stream(spoken.session), say, delete):
            reply = await status_of(spoken, request.adding(EVIL), spelling)
            assert 400 <= reply.status < 500, (request.method, reply)
        assert opened.recorder.seen == []
        assert (await spoken.tell(say)).status == 200


@pytest.mark.parametrize("spelling", ["/sse", "/SSE", "/sse/", "//sse", "/x/../sse", "http://127.0.0.1/sse"])
async def test_a_stream_that_is_opened_by_another_spelling_is_judged_like_any_other(
    spelling: str, server: Callable[[str], Backend]
) -> None:
    backend = server("node-sse")
    policy = {"results": {"max_size": "8KiB"}}
    get = Request(headers=(("accept", "text/event-stream"),), method="GET", path=spelling, length=False)
    async with backend.open(protected=True, policy=policy) as opened:
        async with wired(opened.address) as wire:
            await wire.send(get)
            status = (await wire.head()).status
        if status != 200:
            assert 400 <= status < 500
            return
        async with listener(opened.address, get) as events:
            first = await events.heard()
            assert first is not None
            spoken = Line(opened.address, str(first.field("data")))
            hello = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
            for request in (legacy("initialize", hello), call("legacy", "echo", {"message": "x" * 30_000}, id=7)):
                told = await spoken.tell(request.setting("accept", "*/*").without("mcp-protocol-version"))
                assert told.status == 202
                answer = await events.next_message()
                while "method" in answer:
                    answer = await events.next_message()
        assert (answer["id"], answer["error"]["code"]) == (7, -31502)
