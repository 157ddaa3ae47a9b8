"""What a hostile or odd server behind the middleware says, message by message, and what the client gets of it."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from smcp_security.adapters.asgi import Message, Receive, Scope, Send
from tests.envelopes import call, encoded, legacy, response

CALL: Final = call("echo", {"text": "hello"}, id=1)
RESULT: Final = encoded(response(1, {"content": []}))
EVENT: Final = b"event: message\r\ndata: " + RESULT + b"\r\n\r\n"
JSON: Final = "application/json"
SSE: Final = "text/event-stream"
LIMIT: Final = 1024 * 1024


class Fate(StrEnum):
    """What becomes of the server's answer."""

    SAME = "passes as it came"
    SAID = "passes as shown"
    WITHHELD = "is withheld"
    CUT = "what came whole passes, then an error and the end"
    FAILS = "fails as without the middleware"


class Fields(tuple[tuple[bytes, bytes], ...]):
    """Header fields that are handed over as an iterator, which can be walked once: ASGI allows it."""


@dataclass(frozen=True)
class Answer:
    """What the server says, and its fate. `gets` is the body that the client reads where it is not the server's own."""

    name: str
    says: tuple[Message, ...]
    fate: Fate = Fate.SAME
    code: str = ""
    gets: bytes = b""

    def cells(self) -> tuple[str, ...]:
        """The row as the document shows it."""
        return (self.name, str(self.fate), self.code)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The server: it reads the request, then says its piece."""
        while (await receive()).get("more_body"):
            pass
        for message in self.says:
            fields = message.get("headers")
            await send({**message, "headers": iter(fields)} if isinstance(fields, Fields) else dict(message))


def start(media: str = JSON, *fields: tuple[str, str], status: int = 200, **more: Any) -> Message:
    """The head of an answer."""
    named = [("content-type", media), *fields] if media else list(fields)
    headers = [(name.encode(), value.encode("latin-1")) for name, value in named]
    return {"type": "http.response.start", "status": status, "headers": headers, **more}


def part(body: bytes = b"", more: bool = False) -> Message:
    """One piece of a body."""
    return {"type": "http.response.body", "body": body, "more_body": more}


def whole(name: str, body: bytes, media: str = JSON, *fields: tuple[str, str], **more: Any) -> Answer:
    """An answer in one piece."""
    return Answer(name, (start(media, *fields), part(body)), **more)


def pieces(name: str, parts: Sequence[bytes], media: str = SSE, **more: Any) -> Answer:
    """An answer in many."""
    return Answer(name, (start(media), *(part(piece, True) for piece in parts), part()), **more)


def _withheld(name: str, body: bytes, code: str, media: str = JSON, *fields: tuple[str, str]) -> Answer:
    return whole(name, body, media, *fields, fate=Fate.WITHHELD, code=code)


def bodies() -> Iterable[Answer]:
    """JSON answers."""
    yield whole("a result", RESULT)
    yield pieces("a result, a byte at a time", [RESULT[n : n + 1] for n in range(len(RESULT))], JSON)
    yield pieces("a result after a thousand empty pieces", [*[b""] * 1000, RESULT], JSON)
    yield whole("blanks around a result", b" \r\n" + RESULT + b"\n", fate=Fate.SAID, gets=RESULT)
    yield whole("nothing at all", b"")
    yield whole("nothing but blanks", b" \n")
    for id in (99, "1", None, True, [1]):
        yield whole(f"a result for id {id!r}", encoded(response(id, {"content": []})))
    yield whole("a result without an id", b'{"jsonrpc":"2.0","result":{}}')
    yield whole("an answer for a request never made", encoded(response("never", {"tools": [{"name": "x"}]})))
    yield whole("a question in place of an answer", encoded(legacy("roots/list", id=1)))
    yield whole("an object of another kind", b'{"detail":"Not Found"}')
    for name, body in _UNREADABLE.items():
        yield _withheld(name, body, "SMCP703")
    fits = b'{"jsonrpc":"2.0","id":1,"result":"' + b"x" * (LIMIT - 36) + b'"}'
    yield whole("a result of exactly the limit", fits)
    yield _withheld("a result of one byte more", fits.replace(b"x", b"xx", 1), "SMCP701")
    large = pieces("64 MiB that never become a result", [b" " * 65536] * 1024, JSON)
    yield Answer(large.name, large.says, Fate.WITHHELD, "SMCP701")


_UNREADABLE: Final = {
    "half a result": RESULT[:-1],
    "two results": RESULT * 2,
    "a result and a brace": RESULT + b"}",
    "a list of results": b"[" + RESULT + b"]",
    "a text": b'"result"',
    "null": b"null",
    "the same key twice": b'{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}',
    "the same id twice": b'{"jsonrpc":"2.0","id":1,"id":2,"result":{}}',
    "NaN": b'{"jsonrpc":"2.0","id":1,"result":{"a":NaN}}',
    "a number without end": b'{"jsonrpc":"2.0","id":1,"result":1e999}',
    "5,000 digits": b'{"jsonrpc":"2.0","id":1,"result":' + b"9" * 5000 + b"}",
    "100,000 levels": b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "half of a pair": b'{"jsonrpc":"2.0","id":1,"result":"\\ud83d"}',
    "a byte that is no UTF-8": b'{"jsonrpc":"2.0","id":1,"result":"\xff"}',
    "a result with a BOM": b"\xef\xbb\xbf" + RESULT,
    "a result in UTF-16": RESULT.decode().encode("utf-16"),
    "a result with a NUL": RESULT + b"\0",
    "a page": b"<html></html>",
    "an event": EVENT,
}


def streams() -> Iterable[Answer]:
    """Event streams."""
    note = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}\n\n'
    yield pieces("an event, a byte at a time", [EVENT[n : n + 1] for n in range(len(EVENT))])
    for name, end in {"LF": b"\n", "CR": b"\r", "CRLF": b"\r\n"}.items():
        raw = b"event: message" + end + b"data: " + RESULT + end * 2
        yield whole(f"lines that end in {name}", note + raw, SSE)
        yield pieces(f"lines that end in {name}, a byte at a time", [raw[n : n + 1] for n in range(len(raw))])
    for ends in (b"\n\r", b"\r\n\n", b"\n\r\n", b"\r\r\n", b"\r\n\r"):
        yield whole(f"an event that ends in {ends!r}", b"data: " + RESULT + ends + b"data: " + RESULT + b"\n\n", SSE)
    yield whole("comments between events", b": a\n\n:\n\n" + EVENT + b": b\r\n: c\r\n\r\n", SSE)
    yield whole("comments inside an event", b": a\ndata: " + RESULT + b"\n: b\n\n", SSE)
    yield whole("a BOM first of all", b"\xef\xbb\xbf" + EVENT, SSE, fate=Fate.SAID, gets=EVENT)
    yield whole(
        "unknown fields and fields without a colon", b"data: " + RESULT + b"\nfoo: bar\nbaz\nid\nretry: soon\n\n", SSE
    )
    yield whole("an id with a NUL", b"id: a\0b\ndata: " + RESULT + b"\n\n", SSE)
    yield whole("an event without data", b"event: message\nid: 1\nretry: 10\n\n" + EVENT, SSE)
    yield whole("a priming event", b"id: 1\ndata: \n\n" + EVENT, SSE)
    yield whole("no blank after the colon", b"data:" + RESULT + b"\n\n", SSE)
    cut = RESULT.replace(b",", b",\ndata: ")
    yield whole(
        "a result in several data lines",
        b"data: " + cut + b"\n\n",
        SSE,
        fate=Fate.SAID,
        gets=b"data: " + RESULT + b"\n\n",
    )
    yield whole(
        "10,000 data lines",
        b"data\n" * 10_000 + b"data: " + RESULT + b"\n\n",
        SSE,
        fate=Fate.SAID,
        gets=b"data: " + RESULT + b"\n\n",
    )
    for kind in (b"ping", b"Message", b"message\0", b" message"):
        yield whole(
            f"an event of kind {kind!r}, which no client reads", b"event: " + kind + b"\ndata: {]\n\n" + EVENT, SSE
        )
    yield whole("an answer to a request never made", b"data: " + encoded(response("never", {})) + b"\n\n" + EVENT, SSE)
    yield whole("an event that is never finished", EVENT + b"data: " + RESULT, SSE, fate=Fate.SAID, gets=EVENT)
    yield whole("an event that ends in one line end", EVENT + b"data: {}\n", SSE, fate=Fate.SAID, gets=EVENT)


# The three characters of a BOM read as Latin-1: the parser of all TypeScript clients drops them.
_TWICE: Final = "\xef\xbb\xbf".encode()
_MARKS: Final = {
    "decoded twice": _TWICE,
    "decoded twice after a real one": b"\xef\xbb\xbf" + _TWICE,
    "after a comment": b": a\n\xef\xbb\xbf",
    "after an empty line": b"\n\xef\xbb\xbf",
}


def bad_events() -> Iterable[Answer]:
    """Events whose data cannot be judged: an error for the call stands in their place."""
    for name, data in _UNREADABLE.items():
        if b"\n" not in data:
            yield whole(f"an event with {name}", b"data: " + data + b"\n\n", SSE, fate=Fate.WITHHELD, code="SMCP703")
    yield whole(
        "an event with two values",
        b"data: " + RESULT + b"\ndata: " + RESULT + b"\n\n",
        SSE,
        fate=Fate.WITHHELD,
        code="SMCP703",
    )
    yield whole(
        "two kinds, the last of them a message",
        b"event: ping\nevent: message\ndata: {]\n\n",
        SSE,
        fate=Fate.WITHHELD,
        code="SMCP703",
    )
    yield whole(
        "a kind that is taken back", b"event: ping\nevent\ndata: {]\n\n", SSE, fate=Fate.WITHHELD, code="SMCP703"
    )
    yield whole(
        "a second BOM before an event",
        b"\xef\xbb\xbf" * 2 + b"data: {]\n\n" + b"data: {]\n\n",
        SSE,
        fate=Fate.WITHHELD,
        code="SMCP703",
    )
    for name, mark in _MARKS.items():
        yield whole(f"a BOM {name}, before an event", mark + b"data: {]\n\n", SSE, fate=Fate.WITHHELD, code="SMCP703")
    fits = b'data: {"jsonrpc":"2.0","id":1,"result":"' + b"x" * (LIMIT - 44) + b'"}\n\n'
    yield whole("an event of exactly the limit", fits, SSE)
    yield whole("an event of one byte more", fits.replace(b"x", b"xx", 1), SSE, fate=Fate.CUT, code="SMCP701")
    yield pieces(
        "64 MiB of one event", [EVENT, b"data: ", *[b"x" * 65536] * 1024], fate=Fate.CUT, code="SMCP701", gets=EVENT
    )
    yield pieces(
        "64 MiB of one comment", [EVENT, b": ", *[b"x" * 65536] * 1024], fate=Fate.CUT, code="SMCP701", gets=EVENT
    )


def types() -> Iterable[Answer]:
    """Content types and codings of the answer."""
    for media in ("Application/JSON", "application/json; charset=utf-8", "application/json;charset=x"):
        yield _withheld(f"half a result as {media}", RESULT[:-1], "SMCP703", media)
    both = b'{"jsonrpc":"2.0",\n\n"id":1,"result":{"a":1,"a":2}}\n\n'
    for media in ("application/json; a=text/event-stream", "application/json, text/event-stream"):
        yield _withheld(f"JSON that claims to be a stream too, as {media}", both, "SMCP703", media)
    for media in ("Text/Event-Stream", "text/event-stream; charset=utf-8", "text/html, text/event-stream"):
        yield _withheld(f"half a result in an event as {media}", b"data: {\n\n", "SMCP703", media)
    for media in ("text/html", "text/plain", "application/octet-stream", "json", ""):
        yield whole(f"a result as {media or 'no type'}, which no client reads", RESULT, media)
    packed = gzip.compress(RESULT)
    for coding in ("gzip", "GZIP", "br", "identity, gzip", "x-gzip", "zstd", " gzip "):
        yield _withheld(f"a result in coding {coding!r}", packed, "SMCP702", JSON, ("content-encoding", coding))
        yield _withheld(f"a stream in coding {coding!r}", packed, "SMCP702", SSE, ("content-encoding", coding))
    twice = ("content-encoding", "identity"), ("Content-Encoding", "gzip")
    yield _withheld("a coding in a second field", packed, "SMCP702", JSON, *twice)
    about = (
        ("transfer-encoding", "chunked"),
        ("etag", '"a"'),
        ("digest", "sha-256=a"),
        ("content-digest", "sha-256=:a:"),
    )
    yield _withheld("half a result under facts about the whole body", RESULT[:-1], "SMCP703", JSON, *about)
    yield _withheld("a gzip body that nobody declared", packed, "SMCP703")
    yield whole("the identity coding", RESULT, JSON, ("content-encoding", "identity"))
    two = start("text/html", ("Content-Type", JSON))
    yield Answer("two types, one of them JSON", (two, part(RESULT[:-1])), Fate.WITHHELD, "SMCP703")
    iterator = {**start(), "headers": Fields(start(SSE, ("x-a", "b"))["headers"])}
    yield Answer("header fields in an iterator", (iterator, part(EVENT)))
    hidden = {**start(), "headers": Fields(start(JSON, ("content-encoding", "gzip"))["headers"])}
    yield Answer("a coding in an iterator", (hidden, part(packed)), Fate.WITHHELD, "SMCP702")
    texts = {**start(), "headers": [("content-type", JSON)]}
    yield Answer("header fields as text", (texts, part(RESULT[:-1])), Fate.WITHHELD, "SMCP703")


def order() -> Iterable[Answer]:
    """Messages in an order, or of a kind, that ASGI does not know."""
    for status in (201, 202, 204, 206, 304, 400, 404, 500, 599):
        yield Answer(f"status {status} and no body", (start(status=status), part()))
    yield Answer(
        "a status of 200 beside an error", (start(), part(b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}'))
    )
    huge = start(JSON, ("x-a", "a" * 2**20), ("x-b", "a\r\nset-cookie: b"))
    yield Answer("a field of 1 MiB and one with a line end", (huge, part(RESULT)))
    yield Answer("a body without a start", (part(RESULT),), Fate.FAILS)
    yield Answer("a start and no body", (start("text/plain"),))
    yield Answer("a body after the end of a page", (start("text/html"), part(b"a"), part(b"b")))
    yield Answer("a body after the end of a stream", (start(SSE), part(EVENT), part(EVENT)))
    yield Answer("two starts", (start(), start("text/html"), part(b"a")), Fate.FAILS)
    yield Answer("early hints", ({"type": "http.response.early_hint", "links": []}, start(), part(RESULT)))
    trailers = {"type": "http.response.trailers", "headers": [(b"x-a", b"b")], "more_trailers": False}
    yield Answer("trailers", (start(trailers=True), part(RESULT), trailers))
    for kind in ("http.response.pathsend", "http.response.zerocopysend", "http.disconnect", "websocket.send", "x"):
        sneaky = {"type": kind, "path": "/etc/hostname", "body": b"x", "file": 0}
        yield Answer(f"a message of type {kind}", (start(), sneaky), Fate.FAILS)


UPSTREAMS: Final = {
    "JSON bodies": tuple(bodies()),
    "Event streams": tuple(streams()),
    "Events that cannot be judged": tuple(bad_events()),
    "Types and codings": tuple(types()),
    "Order and kinds of messages": tuple(order()),
}
