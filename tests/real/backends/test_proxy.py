"""The reverse proxy of these tests is plain: it streams both ways, passes a hang-up on, and hides no failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from starlette.types import Receive, Scope, Send

from smcp_security import SMCPMiddleware
from tests.real.backends.backend import Backend
from tests.real.backends.proxy import ReverseProxy
from tests.real.house import served
from tests.real.messages import Request, call
from tests.real.site import reached
from tests.real.wire import ask, wired

pytestmark = [pytest.mark.real, pytest.mark.anyio]


class Upstream:
    """Answers with what it got; at `/stream` with a stream that has no end."""

    def __init__(self) -> None:
        self.left = anyio.Event()
        self.pieces: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await (self._stream if scope["path"] == "/stream" else self._echo)(scope, receive, send)

    async def _echo(self, scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            more = message.get("more_body", False)
            self.pieces.append(message.get("body", b""))
        headers = [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]]
        told = {"size": sum(map(len, self.pieces)), "headers": headers, "query": scope["query_string"].decode()}
        told["path"] = scope["raw_path"].decode()
        fields = [(b"content-type", b"application/json"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
        await send({"type": "http.response.start", "status": 207, "headers": fields})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left.set()


def plain(method: str, path: str, *fields: tuple[str, str], body: bytes = b"") -> Request:
    return Request(body, fields, method, path, length=bool(body))


async def told_by_upstream(request: Request | bytes) -> tuple[Any, Any]:
    """The proxy's answer, and what the server behind it says that it got."""
    upstream = Upstream()
    async with served(upstream) as inner, served(ReverseProxy(inner.url(""))) as address:
        reply = await ask(address, request)
        return reply, json.loads(reply.body)


async def test_the_proxy_passes_every_field_and_byte_both_ways() -> None:
    fields = (("x-a", "1"), ("x-a", "2"), ("x-latin", "caf\xe9"), ("connection", "close"))
    reply, told = await told_by_upstream(plain("PUT", "/a%2Fb//c?d=%20&d=2", *fields, body=b"x" * 100_000))
    assert reply.status == 207
    assert [value for name, value in reply.headers if name == "set-cookie"] == ["a=1", "b=2"]
    assert (told["size"], told["path"], told["query"]) == (100_000, "/a%2Fb//c", "d=%20&d=2")
    assert [value for name, value in told["headers"] if name in ("x-a", "x-latin")] == ["1", "2", "caf\xe9"]
    assert ["connection", "close"] not in told["headers"]


async def test_the_proxy_passes_a_body_without_a_length_and_a_request_without_a_body() -> None:
    chunked = plain("POST", "/up", ("transfer-encoding", "chunked")).raw() + b"5\r\nhello\r\n0\r\n\r\n"
    assert (await told_by_upstream(chunked))[1]["size"] == 5
    _, told = await told_by_upstream(plain("GET", "/nothing"))
    assert told["size"] == 0
    assert not {"content-length", "transfer-encoding"} & {name for name, _ in told["headers"]}


async def test_the_proxy_streams_and_passes_a_hang_up_on() -> None:
    upstream = Upstream()
    async with served(upstream) as inner, served(ReverseProxy(inner.url(""))) as address, wired(address) as wire:
        await wire.send(plain("GET", "/stream"))
        assert (await wire.head()).status == 200
        assert await wire.reader.readuntil(b"first") == b"5\r\nfirst"
        assert not upstream.left.is_set()
        wire.hang_up()
        await reached(upstream.left)


async def test_half_a_body_never_passes_for_a_whole_one() -> None:
    upstream = Upstream()
    async with served(upstream) as inner:
        proxy = ReverseProxy(inner.url(""))
        async with served(proxy) as address:
            async with wired(address) as wire:
                head = plain("POST", "/up", ("transfer-encoding", "chunked")).raw()
                await wire.send(head + b"5\r\nhello\r\n")
                wire.hang_up()
            assert (await ask(address, plain("GET", "/after"))).status == 207
    assert upstream.pieces[-1] == b""
    assert proxy.waiting == 0


@pytest.mark.parametrize("protected", [False, True], ids=["bare", "protected"])
async def test_a_server_that_cannot_be_reached_is_a_bad_gateway(protected: bool) -> None:
    async with served(Upstream()) as gone:
        pass
    proxy = ReverseProxy(gone.url(""))
    async with served(SMCPMiddleware(proxy) if protected else proxy) as address:
        reply = await ask(address, call("modern", "add", {"a": 1, "b": 2}))
        assert (reply.status, reply.text) == (502, "the server cannot be reached")


async def test_a_preflight_is_the_servers_to_answer_and_a_foreign_one_is_refused(
    server: Callable[[str], Backend],
) -> None:
    backend, told = server("node-http"), []
    asked = (("access-control-request-method", "POST"), ("access-control-request-headers", "mcp-session-id"))
    preflight = plain("OPTIONS", "/mcp", ("origin", "http://localhost:5173"), *asked)
    for protected in (False, True):
        async with backend.open(protected=protected) as opened:
            reply = await ask(opened.address, preflight)
            told.append((reply.status, sorted(field for field in reply.headers if field[0] != "date"), reply.body))
            if protected:
                assert opened.recorder is not None
                opened.recorder.clear()
                foreign = preflight.setting("origin", "http://attacker.example")
                assert (await ask(opened.address, foreign)).status == 403
                assert opened.recorder.seen == []
    assert told[0][0] == 204
    assert told[1] == told[0]
