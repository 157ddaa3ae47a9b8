"""The way back through the ASGI middleware under fuzz: whatever a server sends, the client gets only what was judged.

The first byte picks who asked and what the server calls its answer, the next how many cuts follow; then the places of
the cuts; then the body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any, Final

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from smcp_security.adapters.asgi import Message, Receive, Scope, Send
from tests.fuzz import rfc8259, samples, sse
from tests.fuzz.oracle import expect
from tests.real import messages as wire

MEDIA: Final = (
    ((b"content-type", b"application/json"),),
    ((b"content-type", b"text/event-stream"),),
    ((b"Content-Type", b"Text/Event-Stream; charset=utf-8"),),
    ((b"content-type", b"application/json"), (b"content-length", b"5")),
    ((b"content-type", b"text/plain"), (b"content-type", b"text/event-stream")),
)
ASKED: Final = (
    wire.call("legacy", "echo", {"text": "hello"}),
    wire.modern("tools/list"),
    wire.stream("s"),
    wire.posted({"jsonrpc": "2.0", "method": "notifications/initialized"}),
)
SIZES: Final = (1 << 20, 200)
WORDS: Final = (
    *sse.WORDS,
    b'{"jsonrpc":"2.0","id":1,"result":{}}',
    b'"id":1',
    b'"error"',
    b'"id":null',
    b'{"a":1,"a":2}',
)


def judge(data: bytes) -> None:
    """Let a server answer an honest request with the body in `data`."""
    first, count = (*data[:2], 0, 0)[:2]
    cuts, body = data[2 : 2 + (count & 7)], data[2 + (count & 7) :]
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    fields = MEDIA[first % len(MEDIA)]
    request = ASKED[first // len(MEDIA) % len(ASKED)]
    sent = asyncio.run(_exchange(request, fields, [body[start:end] for start, end in pairwise(places)], first >> 7))
    _check_frames(sent)
    _check_body(b"".join(message.get("body", b"") for message in sent[1:]), _media(sent[0]), request)


def seeds() -> Iterator[bytes]:
    """Answers as JSON and as streams, whole and cut, to each of the requests."""
    answer = b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"hello"}]}}'
    for number in range(len(MEDIA) * len(ASKED)):
        streamed = number % len(MEDIA) in (1, 2, 4)
        yield bytes([number, 3, 9, 20, 33]) + (b"event: message\ndata: " + answer + b"\n\n" if streamed else answer)
    for number, seed in enumerate(sse.seeds()):
        yield bytes([1 + 5 * (number % 4), 0]) + seed[1 + (seed[0] & 7) :]
    for number, sent in enumerate(samples.messages()):
        yield bytes([128 + number % 20, 0]) + sent


@cache
def _framework(size: int) -> SMCPSecurityFramework:
    return SMCPSecurityFramework({"limits": [], "server": {"flood": "off"}, "results": {"max_size": size}})


async def _exchange(
    request: wire.Request, fields: tuple[tuple[bytes, bytes], ...], chunks: list[bytes], small: int
) -> list[Message]:
    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": list(fields)})
        try:
            for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:
            return  # the stream was ended by policy

    async def receive() -> Message:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def keep(message: Message) -> None:
        sent.append(dict(message))

    sent: list[Message] = []
    await SMCPMiddleware(server, framework=_framework(SIZES[small]))(_scope(request), receive, keep)
    return sent


def _scope(request: wire.Request) -> dict[str, Any]:
    headers = [(b"host", b"127.0.0.1:8000"), *((name.encode(), value.encode()) for name, value in request.headers)]
    scope = {"type": "http", "method": request.method, "path": request.path, "root_path": "", "query_string": b""}
    return {**scope, "headers": headers, "client": ("127.0.0.1", 4711), "extensions": {}}


def _check_frames(sent: list[Message]) -> None:
    kinds = [message["type"] for message in sent]
    expect(kinds[:1] == ["http.response.start"], "an answer begins with its start")
    expect(set(kinds[1:]) == {"http.response.body"}, "then there is only its body")
    more = [message.get("more_body", False) for message in sent[1:]]
    expect(not more[-1] and all(more[:-1]), "and the body ends once")
    lengths = [int(value) for name, value in sent[0]["headers"] if name.lower() == b"content-length"]
    size = sum(len(message.get("body", b"")) for message in sent)
    expect(not lengths or sent[0]["headers"] == [*MEDIA[3]] or lengths == [size], "a length that we wrote is right")


def _media(start: Message) -> bytes:
    return b",".join(value for name, value in start["headers"] if name.lower() == b"content-type").lower()


def _check_body(body: bytes, media: bytes, request: wire.Request) -> None:
    streamed = b"text/event-stream" in media
    if streamed:
        told = [data for name, data in sse.reference(body) if name in ("", "message") and data]
    else:
        told = [body] if body.strip() else []
    for data in told:
        try:
            value = rfc8259.read(data)
        except rfc8259.NotJson:
            value = None
        except rfc8259.TooDeep:
            continue
        expect(isinstance(value, dict), "a client gets only messages that can be read in one way")
        if streamed and request.method == "GET" and isinstance(value, dict) and b'"SMCP7' in data:
            expect(value.get("id") is not None, "on a standing stream an error names the request it is about")
