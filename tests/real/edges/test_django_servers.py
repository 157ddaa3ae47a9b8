"""The Django edge under gunicorn with both kinds of workers, uvicorn and `runserver`; sync and async views."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from tests.real.edges.django_house import SERVERS, django
from tests.real.house import PATIENCE, Address
from tests.real.messages import Request, call, posted
from tests.real.wire import Reply, Wire, ask, streaming, wired

pytestmark = [pytest.mark.real, pytest.mark.anyio]

SHELL = {"command": "a; cat /etc/passwd | sh"}
BIG = "x" * 70_000
VIEWS = pytest.mark.parametrize("view", ["/mcp", "/amcp"], ids=["sync", "async"])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the project's streams wait."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("release", "closed"):
        os.mkfifo(folder / name)
    return folder


@pytest.fixture(scope="module", params=SERVERS)
def address(request: pytest.FixtureRequest, desk: Path) -> Iterator[Address]:
    """The same project behind each server."""
    with django("tests.real.edges.django_project", request.param, EDGE_DESK=str(desk)) as address:
        yield address


def _code(reply: Reply) -> str:
    return str(reply.message["error"]["data"]["code"])


async def _event(wire: Wire) -> Any:
    """The next event of a stream, be it in chunks or up to the end of the connection."""
    if wire._chunked:
        return await wire.event()
    with anyio.fail_after(PATIENCE):
        return json.loads((await wire.reader.readuntil(b"\n\n")).removeprefix(b"data: "))


@VIEWS
@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("how", ["say", "pieces", "file"])
async def test_an_honest_call_passes_and_an_attack_never_reaches_the_view(
    address: Address, era: str, view: str, how: str
) -> None:
    passed = await ask(address, call(era, how, {"text": "hé", "n": 5}).at(view))
    assert passed.status == 200 and passed.header("content-type") == "application/json"
    assert json.loads(passed.message["result"]["content"][0]["text"]) == {"text": "hé", "n": 5}
    refused = await ask(address, call(era, "break", SHELL).at(view))
    assert refused.status == 200 and refused.message["result"]["isError"] is True
    assert b"passwd" not in refused.body


@VIEWS
@pytest.mark.parametrize("how", ["say", "pieces", "file"])
async def test_a_result_over_the_cap_is_withheld(address: Address, view: str, how: str) -> None:
    withheld = await ask(address, call("legacy", how, {"text": BIG}).at(view))
    assert (withheld.status, withheld.message["error"]["code"]) == (200, -31502)


@VIEWS
async def test_what_compresses_outside_compresses_what_was_judged(address: Address, view: str) -> None:
    honest = call("legacy", "say", {"text": "hello " * 200}).at(view).adding(("accept-encoding", "gzip"))
    packed = await ask(address, honest)
    assert packed.header("content-encoding") == "gzip" and b"hello" in gzip.decompress(packed.body)


async def test_a_refused_body_is_answered_though_nobody_read_it(address: Address) -> None:
    refused = await ask(address, call("legacy", "say", {"text": "x" * 1_100_000}))
    assert (refused.status, _code(refused)) == (413, "SMCP104")


@VIEWS
async def test_a_view_that_breaks_is_the_servers_to_answer_and_it_serves_on(address: Address, view: str) -> None:
    broken = await ask(address, call("legacy", "break", {}).at(view))
    assert broken.status == 500
    assert (await ask(address, call("legacy", "say", {}).at(view))).status == 200


@VIEWS
async def test_a_stream_that_breaks_ends_and_the_server_serves_on(address: Address, view: str) -> None:
    async with streaming(address, call("legacy", "break_late", {}).at(view)) as wire:
        assert (await _event(wire))["params"]["data"] == "begun"
        with pytest.raises((EOFError, ValueError)):
            await _event(wire)
    assert (await ask(address, call("legacy", "say", {}).at(view))).status == 200


@VIEWS
async def test_a_slow_stream_reaches_the_client_as_it_comes_and_is_closed_when_the_client_goes(
    address: Address, desk: Path, view: str
) -> None:
    async with streaming(address, call("legacy", "stream", {"text": "done"}).at(view)) as wire:
        assert (await _event(wire))["params"]["data"] == "begun"
        await to_thread.run_sync((desk / "release").write_bytes, b"go on")
        assert "done" in (await _event(wire))["result"]["content"][0]["text"]
        wire.hang_up()
    with anyio.fail_after(PATIENCE):
        assert await to_thread.run_sync((desk / "closed").read_bytes, abandon_on_cancel=True) == b"closed"
    assert (await ask(address, call("legacy", "say", {}).at(view))).status == 200


@pytest.mark.parametrize("announced", [1, 10])
async def test_a_client_that_hangs_up_in_its_body_is_no_trouble(address: Address, announced: int) -> None:
    whole = call("legacy", "say", {})
    async with wired(address) as wire:
        await wire.send(whole.raw()[:-announced])
        wire.writer.write_eof()
        answer = await wire.reader.read()
    # An ASGI server tells nobody of a request that never came whole.
    assert not answer or b"SMCP003" in answer
    assert (await ask(address, whole)).status == 200


async def test_an_upload_goes_through_whole(address: Address) -> None:
    data = bytes(range(256)) * 12_000
    reply = await ask(address, Request(data, (("content-type", "application/octet-stream"),), path="/upload"))
    assert (reply.status, reply.body) == (200, str(len(data)).encode())


async def test_mcp_at_a_path_that_nobody_named_is_refused(address: Address) -> None:
    refused = await ask(address, call("legacy", "say", {}).at("/upload"))
    assert (refused.status, _code(refused)) == (403, "SMCP110")
    assert (await ask(address, Request(b"hello", path="/upload"))).body == b"5"


@pytest.mark.parametrize("path", ["//mcp", "/mcp/", "/./mcp", "/x/%2e%2e/mcp", "/%6dcp", "/MCP", "/mcp;x=1", "/mcp%0a"])
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
        # Servers refuse some of them by themselves; whose first or only copy counts is what was judged.
        assert reply.status >= 400 or reply.message["result"]["content"][0]["text"] == "{}"
    assert (await ask(address, honest)).status == 200


@VIEWS
async def test_many_clients_at_once_get_their_own_answers(address: Address, view: str) -> None:
    got: dict[int, Any] = {}

    async def one(who: int) -> None:
        reply = await ask(address, call("legacy", "say", {"who": who}, id=0).at(view))
        got[who] = json.loads(reply.message["result"]["content"][0]["text"])

    async with anyio.create_task_group() as group:
        for who in range(24):
            group.start_soon(one, who)
    assert got == {who: {"who": who} for who in range(24)}


async def test_a_refused_posted_answer_is_accepted_and_says_nothing(address: Address) -> None:
    answer = {"jsonrpc": "2.0", "id": "s1", "result": {"action": "accept", "content": {"a": SHELL["command"]}}}
    reply = await ask(address, posted(answer))
    assert (reply.status, reply.body) == (202, b"")
    assert (await ask(address, call("legacy", "say", {}))).status == 200
