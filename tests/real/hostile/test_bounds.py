"""However much a client or a server sends, little of it is held, and nothing stays when it is over."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator

import anyio
import pytest

from smcp_security.adapters.asgi import Message, Receive, Scope, Send
from smcp_security.adapters.reply import StreamEnded
from smcp_security.adapters.sdk.registered import check_placement
from tests.adapters.exchange import Exchange, asking, guarded, posting, scope_of
from tests.envelopes import PLAIN, call, encoded, legacy, response
from tests.real.hostile.upstreams import CALL, EVENT, RESULT, SSE, part, start

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024
PIECE = 64 * 1024


async def _peak(run: Callable[[], Awaitable[object]]) -> int:
    """The most bytes that were held at once while `run` ran, beyond what was held before."""
    gc.collect()
    # Once in a process, all that it holds is looked through for tools.
    check_placement()
    tracemalloc.start()
    try:
        await run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class _Forgetful(Exchange):
    """A client that reads and forgets; what it sends is made as it is asked for."""

    def __init__(self, scope: Scope, pieces: Iterator[bytes]) -> None:
        super().__init__(scope)
        self._pieces = pieces
        self.taken = self.got = 0
        self.first: Message = {}

    async def receive(self) -> Message:
        piece = next(self._pieces, None)
        self.taken += piece is not None
        return part(piece or b"", piece is not None) | {"type": "http.request"}

    async def send(self, message: Message) -> None:
        self.first = self.first or dict(message)
        self.got += len(message.get("body", b""))


async def _sink(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that reads everything and answers with nothing."""
    while (await receive()).get("more_body"):
        pass
    await send(start("text/plain", status=204))
    await send(part())


@pytest.mark.parametrize("filling", [b" ", b"x", b"[", b'{"a":', b"\0"], ids=repr)
@pytest.mark.parametrize("path", ["/mcp", "/elsewhere"])
async def test_a_body_without_end_is_not_held(path: str, filling: bytes) -> None:
    app = guarded(_sink)
    piece = filling * (PIECE // len(filling))
    client = _Forgetful(scope_of(PLAIN, path=path), iter([piece] * 256))
    peak = await _peak(lambda: client.through(app))
    assert peak < 6 * MIB
    assert client.first["status"] == (413 if path == "/mcp" else 204)
    assert client.taken <= 20 if path == "/mcp" else client.taken == 256


async def _floods(send: Send, piece: bytes, times: int) -> bool:
    """Send a piece over and over; whether the app was told to stop."""
    try:
        for _ in range(times):
            await send(part(piece, True))
        await send(part())
    except StreamEnded:
        return True
    return False


@pytest.mark.parametrize(
    ("media", "opening", "filling"),
    [
        ("application/json", b"", b"x"),
        ("application/json", b"", b" "),
        (SSE, b"", b"data: x\n"),
        (SSE, b"data: ", b"x"),
        (SSE, b"event: ", b"x"),
        (SSE, b"id: 1\n", b"foo: bar\n"),
        (SSE, b"", b"\xef\xbb\xbf"),
    ],
    ids=repr,
)
async def test_an_answer_without_end_is_cut_and_the_app_is_told(media: str, opening: bytes, filling: bytes) -> None:
    told: list[bool] = []
    piece = filling * (PIECE // len(filling))

    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(media))
        told.append(await _floods(send, opening + piece, 256))

    client = _Forgetful(posting(CALL).scope, iter([encoded(CALL)]))
    app = guarded(server)
    assert await _peak(lambda: client.through(app)) < 6 * MIB
    assert told == [True] and client.got < 2 * MIB


@pytest.mark.parametrize("filling", [b": ping\n", b"\n", b": ping\n\n", EVENT, b"id: 1\n\n"], ids=repr)
async def test_a_stream_of_whole_events_passes_however_long_it_is(filling: bytes) -> None:
    # Each event costs a verdict, so those with data come in smaller numbers.
    piece = filling * (PIECE // len(filling) // (8 if filling is EVENT else 1))

    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(SSE))
        assert not await _floods(send, piece, 8)

    client = _Forgetful(posting(CALL).scope, iter([encoded(CALL)]))
    app = guarded(server)
    assert await _peak(lambda: client.through(app)) < 2 * MIB
    assert client.got == 8 * len(piece)


async def test_endpoints_that_a_stream_names_over_and_over_are_not_kept() -> None:
    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(SSE))
        for number in range(200):
            endpoint = b"/messages?session_id=" + str(number).encode() * 20_000
            await send(part(b"event: endpoint\ndata: " + endpoint + b"\n\n", True))
        await send(part())

    client = _Forgetful(asking("GET", path="/sse").scope, iter([]))
    app = guarded(server)
    assert await _peak(lambda: client.through(app)) < 6 * MIB


async def test_requests_that_nobody_answers_are_forgotten() -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await send(start(SSE))
        await send(part())

    app = guarded(silent)

    async def ask(count: int) -> None:
        for number in range(count):
            fields = [*PLAIN, ("mcp-session-id", f"{number:032}")]
            message = encoded(legacy("tools/call", {"name": "n" * 5000, "arguments": {}}, id="i" * 5000 + str(number)))
            await _Forgetful(posting(message, fields).scope, iter([message])).through(app)

    await ask(20)
    assert await _peak(lambda: ask(200)) < MIB


async def test_a_client_that_leaves_a_stalled_stream_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    exchange, left = posting(CALL), anyio.Event()

    async def stalled(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.request"
        await send(start(SSE))
        await send(part(b"data: {", True))
        exchange.gone.set()
        assert (await receive())["type"] == "http.disconnect"
        left.set()

    await exchange.through(guarded(stalled))
    assert left.is_set() and asyncio.all_tasks() == before


async def test_a_server_that_crashes_in_the_middle_of_a_stream_crashes_as_it_would_alone() -> None:
    async def crashing(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(SSE))
        await send(part(EVENT + b"data: {", True))
        raise LookupError("the server's own")

    exchange = posting(CALL)
    with pytest.raises(LookupError):
        await exchange.through(guarded(crashing))
    assert exchange.body == EVENT and not exchange.complete


async def test_a_server_that_crashes_after_half_a_result_lets_nothing_of_it_out() -> None:
    async def crashing(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(part(RESULT[:20], True))
        raise LookupError("the server's own")

    exchange = posting(CALL)
    with pytest.raises(LookupError):
        await exchange.through(guarded(crashing))
    assert exchange.sent == []


async def test_a_server_that_says_nothing_says_nothing_through_the_middleware() -> None:
    async def mute(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    assert (await posting(call("echo")).through(guarded(mute))).sent == []
    assert encoded(response(1, {})) != RESULT
