"""The transport of 2024-11-05: refusals travel on the session's GET stream, between whole events, to nobody else."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from smcp_security import SMCPMiddleware
from smcp_security.adapters.asgi import Receive, Scope, Send
from smcp_security.checks.rung import Recall
from tests.adapters.exchange import Exchange, Server, asking, guarded, posting
from tests.envelopes import PLAIN, call, encoded, legacy, response

pytestmark = pytest.mark.anyio

SHELL = "a; cat /etc/passwd | sh"
KEY = secrets.token_urlsafe(32)


class _Site:
    """A server of the older transport: GET /sse announces a session, POST /messages is accepted with 202."""

    def __init__(self) -> None:
        self.posted: list[bytes] = []
        self.say = anyio.Event()
        self.end = anyio.Event()
        self.halves = [b": a comment that is still be", b"ing written\n\n"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve both paths."""
        if scope["method"] == "POST":
            self.posted.append((await receive())["body"])
            await send({"type": "http.response.start", "status": 202, "headers": []})
            await send({"type": "http.response.body", "body": b"Accepted"})
            return
        session = scope["path"].rpartition("/")[2] if scope["query_string"] == b"" else scope["query_string"].decode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        endpoint = f"event: endpoint\r\ndata: /messages/?session_id={session}\r\n\r\n".encode()
        await send({"type": "http.response.body", "body": endpoint + self.halves[0], "more_body": True})
        await self.say.wait()
        await send({"type": "http.response.body", "body": self.halves[1], "more_body": True})
        await self.end.wait()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def _open(middleware: SMCPMiddleware, *sessions: str) -> AsyncIterator[list[Exchange]]:
    """GET streams of some sessions, open until the end of the block."""
    site = middleware.app
    assert isinstance(site, _Site)
    streams = [asking(path="/sse", query_string=session.encode()) for session in sessions]
    async with anyio.create_task_group() as group:
        for stream in streams:
            group.start_soon(stream.through, middleware)
        await anyio.wait_all_tasks_blocked()
        yield streams
        site.say.set()
        site.end.set()


def _post(value: Any, session: str, **more: Any) -> Exchange:
    return posting(encoded(value), PLAIN, path="/messages/", query_string=f"session_id={session}".encode(), **more)


async def test_a_refusal_is_written_on_the_stream_of_its_session_between_whole_events() -> None:
    middleware = guarded(_Site())
    async with _open(middleware, "ann", "bob") as (ann, bob):
        refused = await _post(call("run", {"command": SHELL}, id=7), "ann").through(middleware)
        assert (refused.status, refused.body) == (202, b"")
        before, _, data = ann.body.partition(b"event: message\ndata: ")
        assert before.endswith(b"session_id=ann\r\n\r\n")
        assert json.loads(data)["id"] == 7 and json.loads(data)["result"]["isError"] and data.endswith(b"\n\n")
        assert b"message\n" not in bob.body
    assert middleware.app.posted == []  # type: ignore[attr-defined]
    # What was half written when the refusal came is whole behind it.
    assert ann.body.endswith(b": a comment that is still being written\n\n") and ann.complete


async def test_an_honest_message_reaches_the_server() -> None:
    site = _Site()
    exchange = await _post(call("echo", id=7), "ann").through(guarded(site))
    assert site.posted == [encoded(call("echo", id=7))] and exchange.status == 202


@pytest.mark.parametrize("session", ["elsewhere", "ended"])
async def test_where_the_stream_is_not_here_the_server_gets_a_stand_in_with_the_id(session: str) -> None:
    site = _Site()
    middleware = guarded(site)
    if session == "ended":
        async with _open(middleware, "ended"):
            pass
    exchange = await _post(call("run", {"command": SHELL}, id="k"), session).through(middleware)
    [told] = site.posted
    assert json.loads(told)["id"] == "k" and json.loads(told)["method"] != "tools/call" and b"passwd" not in told
    assert exchange.status == 202


async def test_a_refused_notification_is_dropped() -> None:
    site = _Site()
    middleware = guarded(site)
    async with _open(middleware, "ann") as (ann,):
        exchange = await _post(legacy("notifications/none", id=None), "ann").through(middleware)
        assert (exchange.status, exchange.body) == (202, b"") and b"event: message" not in ann.body
    assert site.posted == []


async def test_a_client_of_the_newer_transport_gets_its_answer_on_the_post() -> None:
    site = _Site()
    fields = [*PLAIN, ("accept", "application/json, text/event-stream")]
    exchange = posting(encoded(call("run", {"command": SHELL}, id=7)), fields, query_string=b"session_id=ann")
    assert (await exchange.through(guarded(site))).value["result"]["isError"] and site.posted == []


@pytest.mark.parametrize(
    "query",
    [
        b"session_id=a&" + b"b=1&" * 50,
        b"session_id=a&session_id=b",
        b"session_id=%ff%00",
        b"\xff=session_id",
        b"&" * 9000,
    ],
)
async def test_a_query_string_of_any_kind_makes_nothing_raise(query: bytes) -> None:
    site = _Site()
    for value in (call("echo"), call("run", {"command": SHELL})):
        exchange = posting(encoded(value), PLAIN, path="/messages/", query_string=query)
        assert (await exchange.through(guarded(site))).status in (200, 202, 400)
    assert site.posted[0] == encoded(call("echo"))


async def test_an_endpoint_event_of_any_kind_makes_nothing_raise() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for data in (b"/m?session_id=a&" + b"b=1&" * 50, b"\xff?session_id=\xff", b"", b"?", b"/m?sessionId=%"):
            await send(
                {"type": "http.response.body", "body": b"event: endpoint\ndata: " + data + b"\n\n", "more_body": True}
            )
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    exchange = await asking(path="/sse").through(guarded(app))
    assert exchange.complete and exchange.body.count(b"event: endpoint") == 5


async def test_answers_on_the_stream_belong_to_what_the_session_asked() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    site = _Site()
    lists = encoded(response(3, {"tools": [{"name": "sse-lesson", "inputSchema": schema}]}))
    site.halves = [b"", b"event: message\r\ndata: " + lists + b"\r\n\r\n"]
    middleware = guarded(site)
    async with _open(middleware, "ann"):
        await _post(legacy("tools/list", id=3), "ann").through(middleware)
    definitions = middleware.framework._armed.definitions
    learned = definitions.recall(Recall("sse-lesson", "/sse"))
    assert learned is not None and learned.declared == {"n"}
    # Another server behind the same edge may mean another tool by the same name, and a session is the caller's word.
    assert (
        definitions.recall(Recall("sse-lesson", "/mcp")) is None
        and definitions.recall(Recall("sse-lesson", "ann")) is None
    )


async def test_a_made_up_session_does_not_hide_a_call_from_what_was_learned() -> None:
    server = Server(encoded(response(5, {"tools": [{"name": "hidden", "inputSchema": {"required": ["n"]}}]})))
    middleware = guarded(server)
    await posting(legacy("tools/list", id=5)).through(middleware)
    for query in (b"", b"session_id=zz", b"sessionId=q"):
        server.calls.clear()
        await posting(encoded(call("hidden", {}, id=5)), PLAIN, query_string=query).through(middleware)
        assert not any(b"hidden" in body for _, body in server.calls), query
        await posting(encoded(call("hidden", {"n": 1}, id=5)), PLAIN, query_string=query).through(middleware)
        assert b"hidden" in server.calls[-1][1], query


async def test_a_stream_names_one_session_of_an_ordinary_length() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for session in (b"long" * 1000, b"first", b"second"):
            data = b"event: endpoint\ndata: /m?session_id=" + session + b"\n\n"
            await send({"type": "http.response.body", "body": data, "more_body": True})
        opened.extend(middleware._streams._open)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    opened: list[str] = []
    middleware = guarded(app)
    await asking(path="/sse").through(middleware)
    assert opened == ["first"]
    opened.clear()
    await posting(legacy("tools/list", id=5), path="/sse").through(middleware)
    assert opened == []


async def test_a_refusal_whose_answer_has_no_id_of_its_own_gets_that_of_the_request() -> None:
    site = _Site()
    middleware = guarded(site)
    twin = {**call("echo", {}, id=7)}
    twin["params"]["Arguments"] = {}
    async with _open(middleware, "ann") as (stream,):
        assert (await _post(twin, "ann").through(middleware)).status == 202
    [error] = [json.loads(line[6:]) for line in stream.body.split(b"\n") if line.startswith(b"data: {")]
    assert error["id"] == 7 and error["error"]["data"]["code"] == "SMCP123" and site.posted == []


@pytest.mark.parametrize("body", [b"not JSON", b'{"id":7,"id":8}', b"x" * 70_000])
async def test_a_message_that_was_never_read_ends_the_stream_so_that_nobody_waits(body: bytes) -> None:
    site = _Site()
    middleware = guarded(site, server={"max_body": "64KiB"})
    async with _open(middleware, "ann", "bob") as (stream, other):
        refused = await posting(body, PLAIN, path="/messages/", query_string=b"session_id=ann").through(middleware)
        assert refused.status in (400, 413)
        assert stream.complete and not other.complete
        # Its server may not have noticed: whatever it were told now, it would answer into nothing.
        assert (await _post(call("echo"), "ann").through(middleware)).status == 404 and site.posted == []
        assert (await _post(call("echo"), "bob").through(middleware)).status == 202


async def test_a_refused_notification_leaves_the_stream_open() -> None:
    site = _Site()
    middleware = guarded(site)
    async with _open(middleware, "ann") as (stream,):
        assert (await _post(legacy("notifications/none", id=None), "ann").through(middleware)).status == 202
        assert not stream.complete
        assert (await _post(call("echo"), "ann").through(middleware)).status == 202


async def test_a_result_over_the_cap_is_an_error_for_its_id_and_the_session_goes_on() -> None:
    site = _Site()
    large = encoded(response(3, {"content": [{"type": "text", "text": "x" * 5_000}]}))
    after = b"event: message\r\ndata: " + encoded(response(4, {})) + b"\r\n\r\n"
    site.halves = [b"", b"event: message\r\ndata: " + large + b"\r\n\r\n" + after]
    middleware = guarded(site, results={"max_size": "1KiB"})
    async with _open(middleware, "ann") as (stream,):
        await _post(call("echo", id=3), "ann").through(middleware)
        await _post(call("echo", id=4), "ann").through(middleware)
    told = [
        json.loads(line[6:]) for line in stream.body.replace(b"\r", b"").split(b"\n") if line.startswith(b"data: {")
    ]
    assert [message["id"] for message in told] == [3, 4]
    assert told[0]["error"]["code"] == -31502 and "result" in told[1] and b"xxx" not in stream.body


UNREAD = [("content-encoding", "gzip"), ("content-length", "99999999"), ("content-type", "text/plain")]


@pytest.mark.parametrize("field", UNREAD)
async def test_a_stranger_who_knows_a_session_cannot_end_its_stream(
    field: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMCP_API_KEY", KEY)
    site = _Site()
    middleware = SMCPMiddleware(site, {"version": 1, "limits": [], "server": {"flood": "off"}})
    ours = ("authorization", f"Bearer {KEY}")
    unread = [*(item for item in PLAIN if item[0] != field[0]), field]
    ann = asking(path="/sse", query_string=b"ann", fields=[*PLAIN, ours])
    async with anyio.create_task_group() as group:
        group.start_soon(ann.through, middleware)
        await anyio.wait_all_tasks_blocked()
        for who, ended in (((("x", "y")), False), ((("authorization", "Bearer wrong")), False), (ours, True)):
            refused = posting(b"{}", [*unread, who], path="/messages/", query_string=b"session_id=ann")
            assert (await refused.through(middleware)).status in (413, 415)
            assert ann.complete is ended
        site.say.set()
        site.end.set()
