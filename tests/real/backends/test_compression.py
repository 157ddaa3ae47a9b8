"""Compressors on either side of the middleware: inside they have nothing to do, and one that compresses all the same
is not believed; outside they work as ever."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from mcp import Client
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from smcp_security import SMCPMiddleware
from tests.real.backends.modern import fastapi, fastmcp, sdk
from tests.real.backends.streams import TwoEndpoints, listener
from tests.real.house import PATIENCE, served
from tests.real.messages import Request, call, modern
from tests.real.scenarios import plain
from tests.real.servers.recorder import Recorder
from tests.real.servers.replay import Replay
from tests.real.wire import ask, opened

pytestmark = [
    pytest.mark.real,
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]
ACCEPTS = ("accept-encoding", "gzip, deflate, br, zstd")
BUILDERS: dict[str, Callable[[], ASGIApp]] = {
    "sdk-json": lambda: sdk("json")[0],
    "sdk-stateful": lambda: sdk("stateful")[0],
    "fastmcp-json": lambda: fastmcp("json")[0],
}


class Stubborn:
    """A compressor that compresses whatever the client says, event streams included, as long as it is `on`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.on = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.on:
            await self.app(scope, receive, send)
            return

        async def compressed(message: Any) -> None:
            if message["type"] == "http.response.start":
                kept = [field for field in message["headers"] if field[0].lower() != b"content-length"]
                message = {**message, "headers": [*kept, (b"content-encoding", b"gzip")]}
            elif message.get("body"):
                # Members may follow each other (RFC 1952, 2.2), so each piece can be one.
                message = {**message, "body": gzip.compress(message["body"])}
            await send(message)

        await self.app(scope, receive, compressed)


async def visit(edge: ASGIApp, path: str, mode: str) -> list[Any]:
    """What an SDK client sees, whose HTTP library says that it can decode."""
    async with served(edge) as address, Client(address.url(path), mode=mode) as client:
        with anyio.fail_after(PATIENCE):
            tools = plain(await client.list_tools())
            calls = [plain(await client.call_tool("big", {"size": size})) for size in (10, 50_000)]
            return [tools, *calls, plain(await client.call_tool("slow", {"steps": 5}))]


@pytest.mark.parametrize("name", BUILDERS)
async def test_a_client_sees_no_difference_wherever_a_compressor_stands(name: str, mode: str) -> None:
    build = BUILDERS[name]
    inside = SMCPMiddleware(GZipMiddleware(build(), minimum_size=1))
    outside = GZipMiddleware(SMCPMiddleware(build()), minimum_size=1)
    both = GZipMiddleware(SMCPMiddleware(GZipMiddleware(build(), minimum_size=1)), minimum_size=1)
    seen = [await visit(edge, "/mcp", mode) for edge in (build(), inside, outside, both)]
    assert seen[0][2]["structuredContent"] == {"result": "x" * 50_000}
    assert seen[1:] == [seen[0]] * 3


@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize("name", ["sdk-json", "sdk-stateful"])
async def test_what_is_compressed_all_the_same_is_withheld_and_what_is_not_passes(name: str, era: str) -> None:
    told = []
    for compressor in (Stubborn(BUILDERS[name]()), GZipMiddleware(BUILDERS[name]())):
        recorder = Recorder(compressor)
        async with served(SMCPMiddleware(recorder)) as address:
            request = call(era, "echo", {"text": "hello"}, id=7).adding(ACCEPTS)
            if era == "legacy":
                # The answer to the handshake would be withheld as well.
                compressor.on = False  # type: ignore[union-attr]
                request = request.setting("mcp-session-id", (await opened(address)).id)
                compressor.on = True  # type: ignore[union-attr]
            reply = await ask(address, request)
            told.append((reply.status, reply.header("content-encoding"), reply.message))
            assert recorder.seen[-1].header("accept-encoding") == []
    withheld, passed = told
    assert withheld[:2] == passed[:2] == (200, None)
    assert withheld[2]["id"] == passed[2]["id"] == 7
    assert (withheld[2]["error"]["code"], withheld[2]["error"]["data"]["code"]) == (-31502, "SMCP702")
    assert passed[2]["result"]["content"] == [{"type": "text", "text": "hello"}]


async def test_a_compressed_stream_of_the_older_transport_fails_at_once_instead_of_hanging() -> None:
    get = Request(headers=(("accept", "text/event-stream"), ACCEPTS), method="GET", path="/sse", length=False)
    async with served(SMCPMiddleware(Stubborn(sdk("sse")[0]))) as address:
        reply = await ask(address, get)
        assert (reply.status, reply.header("content-encoding")) == (502, None)
        assert json.loads(reply.body)["error"]["data"]["code"] == "SMCP702"
    async with (
        served(SMCPMiddleware(GZipMiddleware(sdk("sse")[0], minimum_size=1))) as address,
        listener(address, get) as stream,
    ):
        first = await stream.heard()
        assert first is not None
        assert TwoEndpoints(address, str(first.field("data"))).path.startswith("/messages/?session_id=")


async def test_what_lies_beside_mcp_is_compressed_as_ever() -> None:
    app, _ = fastapi("stateless")
    recorder = Recorder(GZipMiddleware(app, minimum_size=1))
    async with served(SMCPMiddleware(recorder)) as address:
        page = Request(headers=(ACCEPTS,), method="GET", path="/health", length=False)
        reply = await ask(address, page)
        assert (reply.status, reply.header("content-encoding")) == (200, "gzip")
        assert json.loads(gzip.decompress(reply.body)) == {"well": True}
        assert recorder.seen[-1].header("accept-encoding") == [ACCEPTS[1]]
        listed = await ask(address, modern("tools/list").at("/api/mcp").adding(ACCEPTS))
        assert (listed.header("content-encoding"), "result" in listed.message) == (None, True)


@pytest.mark.parametrize(
    ("encodings", "readable"),
    [(["gzip"], False), (["br"], False), (["identity", "gzip"], False), (["GZIP"], False), (["identity"], True)],
)
@pytest.mark.parametrize("media", ["application/json", "text/event-stream"])
async def test_an_encoding_is_believed_by_its_name_and_only_identity_is_readable(
    encodings: list[str], readable: bool, media: str
) -> None:
    body = b'{"jsonrpc":"2.0","id":7,"result":{"content":[]}}'
    body = body if media == "application/json" else b"data: " + body + b"\n\n"
    headers = [("content-type", media), *(("content-encoding", each) for each in encodings)]
    async with served(SMCPMiddleware(Replay([body], headers))) as address:
        reply = await ask(address, call("modern", "add", {"a": 1, "b": 2}, id=7))
    assert (reply.status, reply.message["id"]) == (200, 7)
    assert ("result" in reply.message) is readable
    if not readable:
        assert reply.message["error"]["data"]["code"] == "SMCP702"
        assert reply.header("content-encoding") is None


async def test_an_outer_compressor_holds_no_event_back() -> None:
    app, signals = sdk("stateful")
    async with served(GZipMiddleware(SMCPMiddleware(app), minimum_size=1)) as address:
        params = {"name": "pace", "arguments": {}}
        request = modern("tools/call", params, id=7, progressToken="t").adding(ACCEPTS)
        async with listener(address, request) as events:
            assert (await events.next_message())["method"] == "notifications/progress"
            assert not signals.release.is_set()
            signals.release.set()
            assert (await events.next_message())["id"] == 7
