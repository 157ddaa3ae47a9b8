"""Hostile and odd servers behind the middleware: what a client gets of each answer, and how much of it is held."""

from __future__ import annotations

import asyncio
import json

import pytest

from smcp_security.adapters.asgi import Receive, Scope, Send
from tests.adapters.exchange import Server, guarded, posting
from tests.real.hostile.fates import differs
from tests.real.hostile.upstreams import CALL, EVENT, RESULT, SSE, UPSTREAMS, Answer, part, start
from tests.real.wire import events

pytestmark = pytest.mark.anyio

ROWS = [pytest.param(row, id=f"{title}: {row.name}") for title, rows in UPSTREAMS.items() for row in rows]


@pytest.mark.parametrize("row", ROWS)
async def test_an_answer_of_the_server_meets_the_documented_fate(row: Answer) -> None:
    before = asyncio.all_tasks()
    assert await differs(row) == ""
    assert asyncio.all_tasks() == before
    assert (await posting(CALL).through(guarded(Server(RESULT)))).body == RESULT


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=repr)
async def test_a_whole_event_reaches_the_client_before_the_server_says_anything_more(end: bytes) -> None:
    exchange, raw = posting(CALL), b"id: 1" + end + b"data: " + RESULT + end * 2
    held: list[bytes] = []

    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(SSE))
        for place in range(len(raw)):
            await send(part(raw[place : place + 1], True))
        held.append(exchange.body)
        await send(part())

    await exchange.through(guarded(server))
    assert RESULT in held[0] and exchange.body == raw


@pytest.mark.parametrize("comment", [b":\n", b": ping\r\n", b": ping\n\n", b":\r\n:\r\n"])
async def test_a_comment_that_keeps_a_stream_alive_passes_at_once(comment: bytes) -> None:
    exchange = posting(CALL)
    held: list[bytes] = []

    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(SSE))
        await send(part(comment, True))
        held.append(exchange.body)
        await send(part(EVENT))

    await exchange.through(guarded(server))
    assert held == [comment] and json.loads(events(exchange.body) and RESULT)["id"] == 1


async def test_an_event_that_cannot_be_judged_never_passes_wherever_the_stream_is_split() -> None:
    note = b'data: {"jsonrpc":"2.0","method":"notifications/message"}\r\n\r\n'
    raw = note + b"id: 2\r\ndata: {]\r\n\r\n" + EVENT
    for place in range(len(raw)):
        exchange = posting(CALL)
        await exchange.through(guarded(_Split(raw, place)))
        said = events(exchange.body)
        assert [message.get("error", {}).get("code") for message in said] == [None, -31502]
        assert b"{]" not in exchange.body and exchange.complete


class _Split:
    def __init__(self, raw: bytes, place: int) -> None:
        self.pieces = raw[:place], raw[place:]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(SSE))
        for piece in self.pieces:
            await send(part(piece, True))
        await send(part())
