"""What views answer, in every kind of response that Django has, judged as it passes under both of Django's handlers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from io import BytesIO
from typing import Any

import anyio
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse

from smcp_security.adapters.current import exchange_here
from tests.adapters import exchange, wsgi_exchange
from tests.adapters.django.project import MIDDLEWARE, Desk, framework, project, served
from tests.envelopes import call, encoded, legacy, response

JSON = "application/json"
EVENTS = "text/event-stream"
CALL = {"body": call("echo")}
GOOD = encoded(response(1, {"content": [{"type": "text", "text": "fine"}]}))
TWICE = b'{"jsonrpc":"2.0","id":1,"id":1,"result":{}}'
SYNC_INSIDE = [MIDDLEWARE, "tests.adapters.django.neighbours.does_nothing"]
pytestmark = pytest.mark.parametrize(
    ("server", "middleware"),
    [("wsgi", [MIDDLEWARE]), ("asgi", [MIDDLEWARE]), ("asgi", SYNC_INSIDE)],
    ids=["wsgi", "asgi", "asgi-sync-inside"],
)
KINDS = pytest.mark.parametrize("kind", ["whole", "sync", "async"])
STREAMED = pytest.mark.parametrize("kind", ["sync", "async"])


class Source:
    """The pieces of an answer as an iterator of either kind; knows what was asked of it, and whether it was closed."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = pieces
        self.given = 0
        self.closed = 0
        self.seen: list[Any] = []

    def sync(self) -> Iterator[bytes]:
        """As a generator."""
        try:
            for piece in self._pieces:
                yield self._give(piece)
        finally:
            self.closed += 1

    async def awaited(self) -> AsyncIterator[bytes]:
        """As an async generator, which waits before each piece."""
        try:
            for piece in self._pieces:
                await asyncio.sleep(0)
                yield self._give(piece)
        finally:
            self.closed += 1

    def response(self, kind: str, media: str, **more: Any) -> Any:
        """As a response of Django's."""
        if kind == "whole":
            return HttpResponse(b"".join(self.sync()), content_type=media, **more)
        pieces = self.sync() if kind == "sync" else self.awaited()
        return StreamingHttpResponse(pieces, content_type=media, **more)

    def _give(self, piece: bytes | Exception) -> bytes:
        if isinstance(piece, Exception):
            raise piece
        self.given += 1
        self.seen.append(exchange_here())
        return piece


def _answered(server: str, middleware: Any, kind: str, media: str, *pieces: bytes, **more: Any) -> Any:
    source = Source(*pieces)
    desk = Desk(lambda request: source.response(kind, media, **more))
    got = served(server, desk.of("async" if kind == "async" else "sync"), CALL, MIDDLEWARE=middleware)
    assert source.closed == 1
    return got


def event(data: bytes) -> bytes:
    """One event of a stream."""
    return b"event: message\ndata: " + data + b"\n\n"


@KINDS
def test_an_honest_json_answer_passes_byte_for_byte(server: str, middleware: Any, kind: str) -> None:
    halves = (GOOD[:20], b"", GOOD[20:])
    got = _answered(server, middleware, kind, JSON, *halves, headers={"X-Of-View": "yes"})
    assert (got.status, got.body) == (200, GOOD)
    assert got.headers["x-of-view"] == "yes" and got.headers["content-type"] == JSON


@KINDS
def test_an_answer_that_readers_take_differently_is_withheld(server: str, middleware: Any, kind: str) -> None:
    got = _answered(server, middleware, kind, JSON, TWICE[:9], TWICE[9:], headers={"ETag": "x"})
    assert got.status == 200 and got.value["error"]["data"]["code"] == "SMCP703" and got.value["id"] == 1
    assert got.headers["content-length"] == str(len(got.body)) and "etag" not in got.headers


@KINDS
def test_an_event_that_readers_take_differently_is_withheld(server: str, middleware: Any, kind: str) -> None:
    got = _answered(server, middleware, kind, EVENTS, event(TWICE) + event(GOOD))
    assert got.body.count(b"data:") == 1 and b"SMCP703" in got.body


@KINDS
def test_honest_events_pass_as_they_come(server: str, middleware: Any, kind: str) -> None:
    note = encoded(legacy("notifications/progress", {"progressToken": 1, "progress": 0.5}, id=None))
    whole = event(note) + b": ping\n\n" + event(GOOD)
    got = _answered(server, middleware, kind, EVENTS, *(whole[at : at + 7] for at in range(0, len(whole), 7)))
    assert (got.status, got.body, got.headers["content-type"]) == (200, whole, EVENTS)


@KINDS
def test_what_is_neither_json_nor_events_passes_unread(server: str, middleware: Any, kind: str) -> None:
    assert _answered(server, middleware, kind, "text/plain", b"a", b"\xff").body == b"a\xff"


@KINDS
def test_an_answer_over_the_cap_is_withheld_and_not_read_on(server: str, middleware: Any, kind: str) -> None:
    source = Source(*[b"[" * 1000] * 100)
    desk = Desk(lambda request: source.response(kind, JSON))
    guarded = framework(results={"max_size": 2000})
    got = served(server, desk.view, CALL, MIDDLEWARE=middleware, SMCP_POLICY=guarded)
    assert got.value["error"]["data"]["code"] == "SMCP701"
    assert source.closed == 1 and (kind == "whole" or source.given == 3)


@pytest.mark.parametrize("encoding", ["gzip", "br"])
@KINDS
def test_an_answer_that_was_compressed_inside_is_withheld(
    server: str, middleware: Any, kind: str, encoding: str
) -> None:
    source = Source(b"\x1f\x8b")
    desk = Desk(lambda request: source.response(kind, JSON, headers={"Content-Encoding": encoding}))
    got = served(server, desk.view, CALL, MIDDLEWARE=middleware)
    assert got.value["error"]["data"]["code"] == "SMCP702"
    assert "content-encoding" not in got.headers


def test_a_file_is_judged_too(server: str, middleware: Any) -> None:
    def offering(content: bytes) -> Callable[[HttpRequest], Any]:
        return Desk(lambda request: FileResponse(BytesIO(content), content_type=JSON)).view

    wrapped = {"wsgi.file_wrapper": lambda file, size: [file.read()]} if server == "wsgi" else {}
    asked = {**CALL, **wrapped}
    got = served(server, offering(TWICE), asked, MIDDLEWARE=middleware)
    assert got.value["error"]["data"]["code"] == "SMCP703"
    assert served(server, offering(GOOD), asked, MIDDLEWARE=middleware).body == GOOD


@STREAMED
def test_what_a_view_streams_runs_under_its_verdict(server: str, middleware: Any, kind: str) -> None:
    source = Source(event(GOOD))
    desk = Desk(lambda request: source.response(kind, EVENTS))
    served(server, desk.view, CALL, MIDDLEWARE=middleware)
    assert [each.decision for each in source.seen] == [desk.request.smcp]


@STREAMED
def test_a_view_that_fails_while_it_streams_breaks_the_stream_and_holds_nothing(
    server: str, middleware: Any, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source(event(GOOD).replace(b'"id":1', b'"id":9'), ValueError("of the view"))
    desk = Desk(lambda request: source.response(kind, EVENTS))
    guarded = framework(concurrency=[{"per": "address", "max": 1}])
    for _ in range(2):
        with pytest.raises((ValueError, ExceptionGroup)):
            served(server, desk.view, CALL, MIDDLEWARE=middleware, SMCP_POLICY=guarded)
    assert source.closed == len(desk.requests) == 2


@STREAMED
def test_events_reach_the_client_before_the_view_has_ended(server: str, middleware: Any, kind: str) -> None:
    """A view that streams for ever: its client leaves after two events, and the view is told."""
    note = event(encoded(legacy("notifications/progress", {"progressToken": 1, "progress": 0.5}, id=None)))
    source = Source(*[note] * 100_000)
    desk = Desk(lambda request: source.response(kind, EVENTS))
    with project(desk.view, MIDDLEWARE=middleware):
        pieces = _leaving(server, 2)
    assert pieces[:2] == [note, note] and len(pieces) < 1000
    assert source.closed == 1


def _leaving(server: str, after: int) -> list[bytes]:
    """The pieces that a client gets who leaves after some of them."""
    if server == "wsgi":
        talk = wsgi_exchange.Exchange().begin(WSGIHandler(), wsgi_exchange.posting(**CALL))
        for _ in range(after):
            talk.pieces.append(next(iter(talk.iterable)))
        talk.hang_up()
        return talk.pieces
    other = exchange.posting(**CALL)

    async def run() -> None:
        async def send(message: Any) -> None:
            other.sent.append(dict(message))
            if len(other.sent) > after:
                other.gone.set()
            await anyio.lowlevel.checkpoint()

        with anyio.fail_after(10):
            await ASGIHandler()(other.scope, other.receive, send)

    anyio.run(run)
    return [message["body"] for message in other.sent[1:] if message["body"]]
