"""Answers over real sockets, chunk by chunk: what is masked in a stream, and what becomes of one nobody can read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.middleware.gzip import GZipMiddleware

from smcp_security import SMCPMiddleware
from tests.real.edges.results_wire import MASK, TOKEN, Speaker, answer, event
from tests.real.house import served
from tests.real.messages import call
from tests.real.site import reached
from tests.real.tasks import left_over, running
from tests.real.wire import ask, events, streaming

pytestmark = [pytest.mark.real, pytest.mark.anyio]
POLICY: Mapping[str, Any] = {"limits": [], "server": {"flood": "off"}, "results": {"redact": ["secrets"]}}
CALL = call("modern", "look")


def _guarded(app: Any, **results: Any) -> Any:
    return SMCPMiddleware(app, policy={"version": 1, **POLICY, "results": {**POLICY["results"], **results}})


async def _told(app: Any) -> list[Any]:
    async with served(app) as address:
        return events((await ask(address, CALL)).body)


@pytest.mark.parametrize("cut", [20, 60, 75, 90, 100])
async def test_a_secret_that_two_chunks_of_one_event_share_is_masked(cut: int) -> None:
    whole = event(answer(f"key {TOKEN} there"))
    place = whole.index(TOKEN.encode()) - 60 + cut
    told = await _told(_guarded(Speaker([whole[:place], whole[place:]])))
    assert told == [answer(f"key {MASK} there")]


async def test_an_event_that_comes_byte_by_byte_is_masked() -> None:
    whole = event(answer(TOKEN))
    told = await _told(_guarded(Speaker([whole[place : place + 1] for place in range(len(whole))])))
    assert told == [answer(MASK)]


async def test_an_event_is_passed_on_before_the_next_one_comes() -> None:
    log = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": f"see {TOKEN}"}}
    speaker = Speaker([event(log), event(answer("done"))], held=1)
    async with served(_guarded(speaker)) as address, streaming(address, CALL) as wire:
        first = await wire.event()
        assert first["params"]["data"] == f"see {MASK}" and speaker.sent == 1
        speaker.release.set()
        assert await wire.event() == answer("done")
        assert await wire.ended() == b""


async def test_an_event_of_a_mebibyte_is_masked_and_comes_whole() -> None:
    text = "a quiet river and a market. " * 36_000
    told = await _told(_guarded(Speaker([event(answer(f"{text}{TOKEN}"))]), max_size="2MiB"))
    assert told == [answer(f"{text}{MASK}")]


async def test_an_event_over_the_cap_is_an_error_with_its_id_and_what_follows_is_not_read() -> None:
    whole = event(answer(TOKEN + "x" * 10_000))
    told = await _told(_guarded(Speaker([whole[:6_000], whole[6_000:], event(answer("later"))]), max_size="4KiB"))
    assert [each["id"] for each in told] == [1]
    assert told[0]["error"]["code"] == -31502 and told[0]["error"]["data"]["code"] == "SMCP701"
    assert TOKEN not in json.dumps(told)


async def test_a_client_that_hangs_up_ends_the_server_and_leaves_no_task_behind() -> None:
    speaker = Speaker([event(answer("first", id=9)), event(answer(TOKEN))], held=1)
    async with served(_guarded(speaker)) as address:
        async with streaming(address, CALL):  # so that what is started once was started
            speaker.release.set()
        await reached(speaker.left)
        again = running()
        speaker.release, speaker.left = type(speaker.release)(), type(speaker.left)()
        async with streaming(address, CALL) as wire:
            wire.hang_up()
            await reached(speaker.left)
        assert await left_over(again) == []


async def test_what_a_middleware_further_in_compressed_is_withheld() -> None:
    body = json.dumps(answer(TOKEN)).encode()
    packed = Speaker([gzip.compress(body)], "application/json", [(b"content-encoding", b"gzip")])
    async with served(_guarded(packed)) as address:
        reply = await ask(address, CALL.adding(("accept-encoding", "gzip")))
    assert reply.message["error"]["data"]["code"] == "SMCP702" and TOKEN not in reply.text


async def test_a_compressing_middleware_further_in_is_not_asked_to_and_outside_it_may() -> None:
    plain = Speaker([json.dumps(answer(f"{TOKEN} {'x' * 2_000}")).encode()], "application/json")
    wants = CALL.adding(("accept-encoding", "gzip"))
    async with served(_guarded(GZipMiddleware(plain))) as address:
        inside = await ask(address, wants)
    assert inside.message["result"]["content"][0]["text"].startswith(MASK)
    async with served(GZipMiddleware(_guarded(plain))) as address:
        outside = await ask(address, wants)
    assert outside.header("content-encoding") == "gzip"
    assert json.loads(gzip.decompress(outside.body))["result"]["content"][0]["text"].startswith(MASK)


async def test_an_honest_stream_comes_byte_for_byte_in_value() -> None:
    said = [answer("one \u2714", id=5), answer("plain", structuredContent={"n": 12345678901234567890, "f": 1.5})]
    assert await _told(_guarded(Speaker([event(each) for each in said]))) == said


async def test_an_answer_to_a_request_of_nobody_is_masked_under_the_strictest_rules() -> None:
    told = await _told(_guarded(Speaker([event(answer(f"x {TOKEN}", id="of-another-session"))])))
    assert TOKEN not in json.dumps(told)


async def test_a_json_body_in_chunks_is_masked_and_its_length_is_right() -> None:
    body = json.dumps(answer(f"key {TOKEN}")).encode()
    speaker = Speaker([body[:70], body[70:]], "application/json", [(b"content-length", str(len(body)).encode())])
    async with served(_guarded(speaker)) as address:
        reply = await ask(address, CALL)
    assert reply.message == answer(f"key {MASK}")
    assert int(reply.header("content-length") or 0) in (0, len(reply.body))
