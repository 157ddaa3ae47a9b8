"""The odd servers again, behind a real HTTP server: what a client reads from the socket is what the rows say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.asgi import App, Receive, Scope, Send
from tests.real.hostile.knock import BOUNDLESS
from tests.real.hostile.upstreams import CALL, RESULT, UPSTREAMS, Answer, Fate, part, start
from tests.real.house import Address, served
from tests.real.messages import Request, encoded
from tests.real.tasks import left_over, running
from tests.real.wire import Reply, wired

pytestmark = [pytest.mark.real, pytest.mark.anyio]

ROWS = {f"{title}: {row.name}": row for title, rows in UPSTREAMS.items() for row in rows}
_FRAMING = ("date", "server", "content-length", "transfer-encoding", "connection")


class _Switch:
    """Answers as the row that the request names; without a name, honestly."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        named = dict(scope["headers"]).get(b"x-row", b"").decode()
        honest = Answer("honest", (start(), part(RESULT)))
        await (list(ROWS.values())[int(named)] if named else honest)(scope, receive, send)


def _asking(name: str = "") -> Request:
    fields = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")]
    fields.append(("connection", "close"))
    if name:
        fields.append(("x-row", str(list(ROWS).index(name))))
    return Request(encoded(CALL), tuple(fields))


@pytest.fixture(scope="module")
async def sites() -> AsyncIterator[tuple[Address, Address]]:
    """The switch behind the middleware, and alone."""
    guarded: App = SMCPMiddleware(_Switch(), framework=SMCPSecurityFramework(BOUNDLESS))
    async with served(guarded) as protected, served(_Switch()) as bare:
        yield protected, bare


async def _told(address: Address, request: Request) -> Reply | None:
    """The whole answer; None where the connection broke before its end."""
    async with wired(address) as wire:
        try:
            return await wire.ask(request)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            return None


def _read(reply: Reply | None) -> Any:
    """What a client makes of an answer: how it was framed is the server's business."""
    if reply is None:
        return None
    return reply.status, [field for field in reply.headers if field[0] not in _FRAMING], reply.body


@pytest.mark.parametrize("name", ROWS)
async def test_a_client_reads_what_the_row_says_and_the_next_request_is_served(
    sites: tuple[Address, Address], name: str
) -> None:
    protected, bare = sites
    row, before = ROWS[name], running()
    reply = await _told(protected, _asking(name))
    if row.fate is Fate.SAME:
        assert _read(reply) == _read(await _told(bare, _asking(name)))
    elif row.fate is Fate.FAILS:
        assert reply is None or (reply.status, reply.body) == (500, b"Internal Server Error")
    elif row.fate is Fate.SAID:
        assert reply is not None and reply.body == row.gets
    else:
        assert reply is not None and reply.body.startswith(row.gets)
        assert reply.body.count(b'"code":-31502') == 1 and f'"code":"{row.code}"' in reply.text
    assert await left_over(before) == []
    honest = await _told(protected, _asking())
    assert honest is not None and honest.body == RESULT
