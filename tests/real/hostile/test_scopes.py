"""Scopes that no proper server makes, given to the middleware by hand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from smcp_security.adapters.asgi import Receive, Scope, Send
from tests.adapters.exchange import Exchange, Server, guarded, posting
from tests.envelopes import PLAIN, call, encoded
from tests.real.hostile.row import Said
from tests.real.hostile.scopes import BODY, CALL, SCOPES, Odd

pytestmark = pytest.mark.anyio

ROWS = [pytest.param(row, id=f"{title}: {row.name}") for title, rows in SCOPES.items() for row in rows]


def _said(exchange: Exchange) -> Said:
    if not exchange.sent:
        return Said(0)
    value = {} if exchange.status == 200 else exchange.value
    error = value.get("error", {})
    return Said(exchange.status, error.get("data", {}).get("code", ""), error.get("code"))


@pytest.mark.parametrize("row", ROWS)
async def test_an_odd_scope_gets_the_documented_answer(row: Odd) -> None:
    server, before = Server(), asyncio.all_tasks()
    exchange = await row.make().through(guarded(server))
    assert (_said(exchange), len(server.calls)) == (row.said, row.calls), exchange.sent
    assert asyncio.all_tasks() == before
    honest = await posting(CALL).through(guarded(server))
    assert honest.status == 200 and server.calls[-1][1] == BODY


async def test_the_app_gets_the_judged_body_whatever_the_scope_said_of_its_length() -> None:
    for length in ("", "0", "5", "999"):
        server = Server()
        await posting(BODY, [*PLAIN, ("Content-Length", length), ("Accept-Encoding", "gzip")]).through(guarded(server))
        [(scope, body)] = server.calls
        lengths = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
        assert (lengths, body) == ([str(len(BODY)).encode()], BODY)
        assert b"accept-encoding" not in {name.lower() for name, _ in scope["headers"]}


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "HEAD"])
async def test_a_body_that_no_header_announces_is_not_handed_on(method: str) -> None:
    server = Server()
    exchange = Exchange({**posting(CALL).scope, "method": method}, [{"type": "http.request", "body": BODY}])
    await exchange.through(guarded(server))
    assert server.body == b""


@pytest.mark.parametrize("kind", ["http.response.pathsend", "http.response.zerocopysend"])
async def test_ways_around_the_inspection_are_not_offered_to_the_app(kind: str) -> None:
    server = Server()
    offered: dict[str, Any] = {kind: {}, "http.response.trailers": {}}
    await posting(CALL, extensions=offered).through(guarded(server))
    assert server.calls[0][0]["extensions"] == {"http.response.trailers": {}}


async def test_a_hostile_id_is_not_handed_on_in_a_stand_in() -> None:
    """On the older transport a refusal whose stream is elsewhere becomes a stand-in with the id of the request."""
    shell = "a; cat /etc/passwd | sh"
    for id, calls in ((7, 1), (shell, 0)):
        server = Server()
        refused = encoded(call("run", {"command": shell}, id=id))
        await posting(refused, PLAIN, path="/messages", query_string=b"session_id=elsewhere").through(guarded(server))
        assert [shell.encode() in body for _, body in server.calls] == [False] * calls


@pytest.mark.parametrize(("path", "subprotocols", "reached"), [("/mcp", [], 0), ("/ws", ["mcp"], 0), ("/ws", [], 1)])
async def test_a_websocket_that_speaks_mcp_never_reaches_the_app(
    path: str, subprotocols: list[str], reached: int
) -> None:
    calls: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        calls.append(scope["type"])

    scope = {**posting(CALL).scope, "type": "websocket", "path": path, "subprotocols": subprotocols}
    await Exchange(scope, [{"type": "websocket.connect"}]).through(guarded(app))
    assert calls == ["websocket"] * reached
