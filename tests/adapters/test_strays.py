"""MCP traffic at paths that the policy does not name, in every spelling that a lenient parser behind us would take."""

from __future__ import annotations

import gzip
import logging
import zlib
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.adapters.strays import is_mcp
from tests.adapters.exchange import Exchange, Server, guarded, posting
from tests.envelopes import PLAIN, call, encoded, legacy, modern, response

CALL = encoded(call("delete_all"))
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}

BROKEN = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":%b}}}'
LARGE = BROKEN % (b'"' + b"y" * 40_000 + b'"')

MCP = [
    CALL,
    # What Python's parser refuses, and others take.
    BROKEN % (b"9" * 5_000),
    BROKEN % (b"[" * 2_000 + b"]" * 2_000),
    BROKEN % b'"\xff"',
    BROKEN % b'"\n"',
    rb'{"\u006asonrpc":"2.0","method":"tools\/c\u0061ll","params":' + b"[" * 2_000 + b"]" * 2_000 + b"}",
    # What is too long to be read with its duplicates.
    LARGE,
    b"[" + LARGE + b"]",
    b"\xef\xbb\xbf" + LARGE,
    LARGE.decode().encode("utf-16"),
    LARGE.replace(b"tools/call", b"initialize").replace(b'"name"', b'"protocolVersion"'),
    LARGE.replace(b'"method":', b'"method":"tools/list","method":').replace(b"tools/call", b"eth_call"),
    b"[" + b"{}," * 5_000 + LARGE + b"]",
    b" \n\t" + CALL + b" ",
    b"\xef\xbb\xbf" + CALL,
    CALL.decode().encode("utf-16"),
    CALL.decode().encode("utf-16-le"),
    CALL.decode().encode("utf-16-be"),
    CALL.decode().encode("utf-32"),
    CALL.decode().encode("utf-32-be"),
    b"[" + CALL + b"]",
    b'[{"a":1},7,' + CALL + b"]",
    b'{"jsonrpc":"2.0","id":1,"method":"harmless","method":"tools/call"}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"harmless"}',
    rb'{"jsonrpc":"2.0","id":1,"m\u0065thod":"tools\u002fcall"}',
    b'{"jsonrpc":"2.0","id":1,"Method":"tools/call"}',
    b'{"JSONRPC":"2.0","METHOD":"tools/call"}',
    b'{"jsonrpc":NaN,"method":"tools/call"}',
    b'{"jsonrpc":1.0,"id":null,"method":"tools/list"}',
    encoded(legacy("notifications/initialized", id=None)),
    encoded(legacy("initialize", HELLO)),
    encoded(modern("server/discover")),
    encoded(legacy("tasks/get", {"taskId": "t"})),
    encoded(legacy("resources/read", {"uri": "file:///x"})),
]

NOT_MCP = [
    b"",
    b"{",
    b"null",
    b"7",
    b"[]",
    b"{}",
    b'{"method":"tools/call"}',
    b'{"jsonrpc":"2.0","id":1,"method":"textDocument/hover"}',
    encoded(legacy("initialize", {"processId": 1, "rootUri": None, "capabilities": {}})),
    encoded(legacy("ping")),
    encoded(legacy("eth_call")),
    encoded(legacy("notifications/none")),
    encoded(response(1, {"method": "tools/call"})),
    b'{"data":{"jsonrpc":"2.0","method":"tools/call"}}',
    b'[[{"jsonrpc":"2.0","method":"tools/call"}]]',
    b'{"jsonrpc":"2.0","method":["tools/call"]}',
    b"--boundary\r\nContent-Disposition: form-data\r\n\r\n" + CALL,
    b"a=tools/call&jsonrpc=2.0",
    b"[" * 100_000,
    b"\xff\xfe\xff",
    LARGE.replace(b"tools/call", b"eth_call"),
    LARGE.replace(b"jsonrpc", b"version"),
    b"[" + LARGE.replace(b"tools/call", b"eth_call") + b"]",
    b'{"log":' + LARGE + b"}",
    b'["jsonrpc",' + b'"tools/list",' * 900 + b"0]",
    b"x" + LARGE + b",",
]


@pytest.mark.parametrize("body", MCP, ids=range(len(MCP)))
def test_every_spelling_of_mcp_is_recognised(body: bytes) -> None:
    assert is_mcp(body, ())


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate"])
def test_a_compressed_body_is_looked_at_as_a_framework_would_inflate_it(encoding: str) -> None:
    compress = zlib.compress if encoding == "deflate" else gzip.compress
    assert is_mcp(compress(CALL), (), encoding) and not is_mcp(compress(CALL), ())
    assert is_mcp(compress(b" ") + compress(CALL), (), encoding)
    assert not is_mcp(compress(b'{"a":1}'), (), encoding) and not is_mcp(CALL[:5], (), encoding)


@pytest.mark.parametrize("body", NOT_MCP, ids=range(len(NOT_MCP)))
def test_other_traffic_is_left_alone(body: bytes) -> None:
    assert not is_mcp(body, ())


def test_methods_that_the_policy_adds_count_too() -> None:
    body = encoded(legacy("x-vendor/thing"))
    assert is_mcp(body, ["x-vendor/*"]) and not is_mcp(body, ["y/*"])


@given(st.binary(max_size=80))
def test_no_body_makes_the_look_raise(body: bytes) -> None:
    assert is_mcp(body, ("tasks/*",)) in (True, False)
    assert is_mcp(b'{"jsonrpc":"2.0","method":' + body + b"}", ()) in (True, False)


@pytest.mark.anyio
@pytest.mark.parametrize("body", MCP, ids=range(len(MCP)))
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/octet-stream"])
async def test_mcp_at_an_unlisted_path_is_refused_whatever_its_type(body: bytes, content_type: str) -> None:
    server = Server()
    exchange = posting(body, [PLAIN[0], ("content-type", content_type)], path="/mcp_message", pieces=3)
    await exchange.through(guarded(server))
    assert server.calls == [] and exchange.status == 403
    assert exchange.value["error"]["data"]["code"] == "SMCP110"


@pytest.mark.anyio
@pytest.mark.parametrize("body", NOT_MCP, ids=range(len(NOT_MCP)))
async def test_other_bodies_reach_the_app_message_by_message(body: bytes) -> None:
    server, exchange = Server(), posting(body, path="/upload", pieces=3)
    await exchange.through(guarded(server))
    assert server.body == body and exchange.status == 200


@pytest.mark.anyio
@pytest.mark.parametrize("blanks", [60, 100, 63 * 1024, 70 * 1024, 500 * 1024])
async def test_blanks_in_front_do_not_hide_a_message(blanks: int) -> None:
    server, exchange = Server(), posting(b" " * blanks + CALL, path="/forgotten", pieces=20)
    await exchange.through(guarded(server))
    assert exchange.status == 403 and server.calls == []


@pytest.mark.anyio
async def test_the_log_names_the_path_and_the_setting_but_not_the_message(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "smcp_security"):
        await posting(CALL, path="/forgotten\n" + "x" * 500).through(guarded(Server()))
    [line] = [record.getMessage() for record in caplog.records if record.name == "smcp_security"]
    assert "/forgotten" in line and "server.paths" in line and "delete_all" not in line
    assert "\n" not in line and len(line) < 400


@pytest.mark.anyio
@pytest.mark.parametrize(("setting", "status"), [("refuse", 403), ("check", 421), ("ignore", 200)])
async def test_the_policy_says_what_becomes_of_unlisted_mcp(setting: str, status: int) -> None:
    server = Server()
    rebound = posting(CALL, [("host", "evil.example"), PLAIN[1]], path="/forgotten")
    await rebound.through(guarded(server, server={"unlisted_mcp": setting}))
    assert rebound.status == status and len(server.calls) == (status == 200)


@pytest.mark.anyio
async def test_checked_strays_are_guarded_like_listed_paths() -> None:
    server = Server()
    middleware = guarded(server, server={"unlisted_mcp": "check"})
    honest = await posting(call("echo"), path="/forgotten").through(middleware)
    assert honest.status == 200 and server.body == encoded(call("echo"))
    hostile = await posting(call("run", {"c": "a; cat /etc/passwd | sh"}), path="/forgotten").through(middleware)
    assert hostile.value["result"]["isError"] and len(server.calls) == 1


class _Uploads:
    """An app that notes how much of the upload it had seen at its first byte."""

    def __init__(self) -> None:
        self.exchange = Exchange({})
        self.left_at_start = -1
        self.size = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            if self.left_at_start < 0:
                self.left_at_start = len(self.exchange.incoming)
            self.size += len(message.get("body", b""))
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "looked_at"),
    [(b"\x89PNG" + b"\x00x" * 1_000_000, 64 * 1024), (b"{" + b" " * 3_000_000, 1024 * 1024)],
)
async def test_an_upload_is_streamed_through_after_the_look(body: bytes, looked_at: int) -> None:
    app, exchange = _Uploads(), posting(body, path="/upload", pieces=200)
    app.exchange = exchange
    await exchange.through(guarded(app))
    assert app.size == len(body) and exchange.status == 200
    held = (200 - app.left_at_start) * (len(body) // 200)
    assert looked_at <= held <= looked_at + 2 * (len(body) // 200)


@pytest.mark.anyio
async def test_a_compressed_message_is_looked_at_up_to_the_bound_of_json() -> None:
    # What does not compress may come before the message, in members or in the text itself.
    noise = b" " * 10 + Random(1).randbytes(150_000).hex().encode()
    padded = gzip.compress(CALL.replace(b'"arguments":{', b'"arguments":{"x":"%b",' % noise.strip(), 1))
    assert len(padded) > 64 * 1024
    for body in (padded, gzip.compress(b"") * 40 + gzip.compress(CALL)):
        server = Server()
        refused = await posting(body, [*PLAIN, ("content-encoding", "gzip")], path="/rpc").through(guarded(server))
        assert refused.status == 403 and server.calls == []
    honest = gzip.compress(b"") * 20 + gzip.compress(b'{"a":"%b"}' % noise)
    server = Server()
    await posting(honest, [*PLAIN, ("content-encoding", "gzip")], path="/rpc").through(guarded(server))
    assert server.body == honest
