"""The WSGI edge under real servers: gunicorn with both kinds of workers, and the standard library's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from tests.real.edges.wsgi_house import gunicorn, standard
from tests.real.house import PATIENCE, Address
from tests.real.messages import Request, call, legacy, posted
from tests.real.wire import Reply, Wire, ask, streaming, wired

pytestmark = [pytest.mark.real, pytest.mark.anyio]

SHELL = {"command": "a; cat /etc/passwd | sh"}
BIG = "x" * 70_000


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the app's streams wait."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("release", "closed"):
        os.mkfifo(folder / name)
    return folder


@pytest.fixture(scope="module", params=["sync", "gthread", "wsgiref"])
def address(request: pytest.FixtureRequest, desk: Path) -> Iterator[Address]:
    """The same app behind each server."""
    if request.param != "wsgiref":
        with gunicorn("tests.real.edges.wsgi_app:app", request.param, EDGE_DESK=str(desk)) as address:
            yield address
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGE_DESK", str(desk))
        with standard(import_module("tests.real.edges.wsgi_app").app) as address:
            yield address


def _code(reply: Reply) -> str:
    return str(reply.message["error"]["data"]["code"])


async def _event(wire: Wire) -> Any:
    """The next event of a stream, be it in chunks or up to the end of the connection."""
    if wire._chunked:
        return await wire.event()
    with anyio.fail_after(PATIENCE):
        return json.loads((await wire.reader.readuntil(b"\n\n")).removeprefix(b"data: "))


def _chunked(request: Request, *, lie: bytes = b"") -> bytes:
    """The request with its body in two chunks, and no length."""
    head, _, body = request.raw().partition(b"\r\n\r\n")
    fields = [line for line in head.split(b"\r\n") if not line.startswith(b"content-length")]
    fields.append(b"transfer-encoding: chunked")
    half = len(body) // 2
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:half], body[half:]))
    return b"\r\n".join(fields) + b"\r\n\r\n" + (lie or chunks + b"0\r\n\r\n")


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_an_honest_call_passes_and_an_attack_never_reaches_the_view(address: Address, era: str) -> None:
    passed = await ask(address, call(era, "say", {"text": "hé", "n": 5}))
    assert passed.status == 200
    assert json.loads(passed.message["result"]["content"][0]["text"]) == {"text": "hé", "n": 5}
    refused = await ask(address, call(era, "break", SHELL))
    assert refused.status == 200 and refused.message["result"]["isError"] is True
    assert b"passwd" not in refused.body


async def test_a_file_that_the_server_would_send_by_itself_is_judged(address: Address) -> None:
    small = await ask(address, call("legacy", "file", {"text": "small"}))
    assert small.status == 200 and "small" in small.message["result"]["content"][0]["text"]
    large = await ask(address, call("legacy", "file", {"text": BIG}))
    assert large.message["error"]["code"] == -31502 and b"xxx" not in large.body


async def test_a_result_over_the_cap_is_withheld(address: Address) -> None:
    withheld = await ask(address, call("legacy", "say", {"text": BIG}))
    assert (withheld.status, withheld.message["error"]["code"]) == (200, -31502)


async def test_a_refused_body_is_answered_though_nobody_read_it(address: Address) -> None:
    refused = await ask(address, call("legacy", "say", {"text": "x" * 1_100_000}))
    assert (refused.status, _code(refused)) == (413, "SMCP104")


async def test_a_view_that_breaks_is_the_servers_to_answer_and_it_serves_on(address: Address) -> None:
    broken = await ask(address, call("legacy", "break", {}))
    assert broken.status == 500
    assert (await ask(address, call("legacy", "say", {}))).status == 200


async def test_a_stream_that_breaks_ends_and_the_server_serves_on(address: Address) -> None:
    async with streaming(address, call("legacy", "break_late", {})) as wire:
        assert (await _event(wire))["params"]["data"] == "begun"
        with pytest.raises((EOFError, ValueError)):
            await _event(wire)
    assert (await ask(address, call("legacy", "say", {}))).status == 200


@pytest.mark.parametrize("announced", [1, 10])
async def test_a_client_that_hangs_up_in_its_body_is_no_trouble(address: Address, announced: int) -> None:
    whole = call("legacy", "say", {})
    async with wired(address) as wire:
        await wire.send(whole.raw()[:-announced])
        wire.writer.write_eof()
        reply = await wire.reply()
    assert (reply.status, _code(reply)) == (400, "SMCP003")
    assert (await ask(address, whole)).status == 200


async def test_a_chunked_body_is_read_where_the_server_ends_it_and_refused_where_not(address: Address) -> None:
    reply = await ask(address, _chunked(call("legacy", "say", {"text": "in pieces"})))
    if reply.status == 200:
        assert "in pieces" in reply.text
    else:  # wsgiref hands over the connection, of which nothing may be read then
        assert (reply.status, _code(reply)) == (400, "SMCP114")


async def test_broken_chunks_are_refused_and_the_server_serves_on(address: Address) -> None:
    for lie in (b"zz\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloworld", b"-1\r\n\r\n"):
        async with wired(address) as wire:
            await wire.send(_chunked(call("legacy", "say", {}), lie=lie))
            wire.writer.write_eof()
            assert (await wire.reply()).status in (400, 500)
    assert (await ask(address, call("legacy", "say", {}))).status == 200


async def test_an_upload_goes_through_whole(address: Address) -> None:
    data = bytes(range(256)) * 12_000
    reply = await ask(address, Request(data, (("content-type", "application/octet-stream"),), path="/upload"))
    assert (reply.status, reply.body) == (200, str(len(data)).encode())


async def test_mcp_at_a_path_that_nobody_named_is_refused(address: Address) -> None:
    refused = await ask(address, call("legacy", "say", {}).at("/upload"))
    assert (refused.status, _code(refused)) == (403, "SMCP110")
    assert (await ask(address, Request(b"hello", path="/upload"))).body == b"5"


@pytest.mark.parametrize("path", ["//mcp", "/mcp/", "/./mcp", "/x/%2e%2e/mcp", "/%6dcp", "/MCP", "/mcp;x=1"])
async def test_other_spellings_of_the_path_are_no_way_around(address: Address, path: str) -> None:
    for attack in (call("legacy", "break", SHELL).at(path), posted([1]).at(path)):
        reply = await ask(address, attack)
        assert reply.status >= 400 or reply.message["result"]["isError"] is True
        assert b"passwd" not in reply.body


async def test_repeated_and_disguised_fields_are_no_way_around(address: Address) -> None:
    honest = call("modern", "say", {})
    for fields in (
        (("mcp-name", "say"),),
        (("Mcp-Method", "tools/list"),),
        (("host", "x.example"), ("host", "127.0.0.1")),
        (("content-length", "1"),),
        (("content-type", "text/plain"),),
    ):
        reply = await ask(address, honest.adding(*fields))
        # gunicorn refuses some of them by itself; whose first or only copy counts is what was judged.
        assert reply.status >= 400 or reply.message["result"]["content"][0]["text"] == "{}"
    assert (await ask(address, honest)).status == 200


async def test_a_slow_stream_reaches_the_client_as_it_comes_and_is_closed_when_the_client_goes(
    address: Address, desk: Path
) -> None:
    async with streaming(address, call("legacy", "stream", {"text": "done"})) as wire:
        assert (await _event(wire))["params"]["data"] == "begun"
        await to_thread.run_sync((desk / "release").write_bytes, b"go on")
        assert "done" in (await _event(wire))["result"]["content"][0]["text"]
        wire.hang_up()
    with anyio.fail_after(PATIENCE):
        assert await to_thread.run_sync((desk / "closed").read_bytes, abandon_on_cancel=True) == b"closed"
    assert (await ask(address, call("legacy", "say", {}))).status == 200


async def test_what_a_refusal_left_unread_is_no_request_of_its_own(address: Address) -> None:
    hidden = call("legacy", "say", {"text": "smuggled"})
    honest = call("legacy", "say", {"text": "honest"})
    async with wired(address) as wire:
        refused = hidden.carrying(hidden.raw()).adding(("origin", "https://attacker.example"))
        await wire.send(refused.raw() + honest.raw())
        assert (await wire.reply()).status == 403
        rest = b""
        with suppress(EOFError, ConnectionError):  # servers without keep-alive leave now
            while b"honest" not in rest:
                rest += await wire.reader.readexactly(1)
    assert b"smuggled" not in rest


async def test_many_clients_at_once_get_their_own_answers(address: Address) -> None:
    got: dict[int, Any] = {}

    async def one(who: int) -> None:
        reply = await ask(address, call("legacy", "say", {"who": who}, id=0))
        got[who] = json.loads(reply.message["result"]["content"][0]["text"])

    async with anyio.create_task_group() as group:
        for who in range(24):
            group.start_soon(one, who)
    assert got == {who: {"who": who} for who in range(24)}


async def test_a_refused_posted_answer_is_accepted_and_says_nothing(address: Address) -> None:
    answer = {"jsonrpc": "2.0", "id": "s1", "result": {"action": "accept", "content": {"a": SHELL["command"]}}}
    reply = await ask(address, posted(answer))
    assert (reply.status, reply.body) == (202, b"")
    assert (await ask(address, legacy("tools/call", {"name": "say", "arguments": {}}))).status == 200
