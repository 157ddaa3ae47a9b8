"""Scopes and messages that no proper server makes, and servers of tomorrow may: the same answers, or none.

The HTTP server in front of the tests (h11) stops most of these. Others let more through, so here the middleware gets
them by hand.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from smcp_security.adapters.asgi import Message
from tests.adapters.exchange import Exchange, asking, posting
from tests.envelopes import PLAIN, call, encoded, headers_of, modern
from tests.real.hostile.row import SERVED, Said, refused

CALL: Final = call("echo", {"text": "hello"})
BODY: Final = encoded(CALL)
FIELDS: Final = tuple(headers_of(CALL))


@dataclass(frozen=True)
class Odd:
    """An exchange made by hand; the app behind is called `calls` times."""

    name: str
    make: Callable[[], Exchange]
    said: Said = SERVED
    calls: int = 1

    def cells(self) -> tuple[str, ...]:
        """The row as the document shows it."""
        return (self.name, self.said.shown, "is called" if self.calls else "untouched")


def _refused(name: str, make: Callable[[], Exchange], code: str) -> Odd:
    return Odd(name, make, refused(code), 0)


def _with(*fields: tuple[str, str], body: bytes = BODY, **scope: Any) -> Callable[[], Exchange]:
    return lambda: posting(body, [*FIELDS, *fields], **scope)


def _bare(method: str, *fields: tuple[str, str]) -> Callable[[], Exchange]:
    return lambda: asking(method, fields=[PLAIN[0], *fields])


def framing() -> Iterable[Odd]:
    """Lengths and codings that a strict server would have refused."""
    for value in ("-1", "+5", "5.0", "0x10", "1e3", "5 5", "５".encode().decode("latin-1"), "\xb2", "5,5"):
        yield _refused(f"a length of {value!a}", _with(("content-length", value)), "SMCP107")
    for value in ("9" * 16, "9" * 5000, "1048577"):
        yield _refused(f"a length of {len(value):,} digits over the limit", _with(("content-length", value)), "SMCP104")
    for value in ("", "0", str(len(BODY) - 1), str(len(BODY) + 1)):
        yield Odd(f"a length of {value!r} on a body of {len(BODY)} bytes", _with(("content-length", value)))
    both = _with(("content-length", str(len(BODY))), ("transfer-encoding", "chunked"))
    yield _refused("a length and chunks", both, "SMCP107")
    twice = _with(("content-length", str(len(BODY))), ("Content-Length", str(len(BODY))))
    yield _refused("the same length in two cases", twice, "SMCP107")
    yield _refused(
        "two codings of transfer", _with(("transfer-encoding", "chunked"), ("transfer-encoding", "gzip")), "SMCP107"
    )
    for method in ("GET", "DELETE", "HEAD", "OPTIONS"):
        yield _refused(f"{method} with a length", _bare(method, ("content-length", "5")), "SMCP109")
        yield _refused(f"{method} with a length of words", _bare(method, ("content-length", "five")), "SMCP109")
    yield Odd("GET with a body that no header announces (HTTP/2)", _silent_body)


def _silent_body() -> Exchange:
    exchange = asking("GET", fields=[PLAIN[0], ("accept", "text/event-stream")])
    exchange.incoming = [{"type": "http.request", "body": BODY, "more_body": False}]
    return exchange


def heads() -> Iterable[Odd]:
    """Header fields as no server hands them over."""
    upper = [(name.upper(), value) for name, value in FIELDS]
    yield Odd("names in capitals", lambda: posting(BODY, upper))
    yield _refused("no header at all", lambda: posting(BODY, []), "SMCP101")
    yield _refused("two Hosts in two cases", _with(("Host", "attacker.example")), "SMCP101")
    yield _refused("an empty Host", lambda: posting(BODY, [("host", ""), *FIELDS[1:]]), "SMCP101")
    yield _refused("two types in two cases", _with(("Content-Type", "text/plain")), "SMCP107")
    yield _refused("10,000 fields", _with(*((f"x-{n}", "a") for n in range(10_000))), "SMCP103")
    yield _refused("a value of 1 MiB", _with(("x-a", "a" * 2**20)), "SMCP103")
    newer = modern("tools/list")
    for value in ("tools/list\n", "tools/list\0", "tools/list\r\nx-a: b", "\x0btools/list"):
        fields = [item if item[0] != "mcp-method" else ("mcp-method", value) for item in headers_of(newer)]
        yield _refused(f"Mcp-Method {value!a}", lambda fields=fields: posting(encoded(newer), fields), "SMCP124")
    yield Odd("fields in a tuple of lists", lambda: _refielded(lambda fields: tuple(list(item) for item in fields)))
    yield Odd("fields in an iterator", lambda: _refielded(iter))


def _refielded(change: Callable[[Any], Any]) -> Exchange:
    exchange = posting(CALL)
    exchange.scope["headers"] = change(exchange.scope["headers"])
    return exchange


def scopes() -> Iterable[Odd]:
    """Paths, peers and methods."""
    for client in (None, ("", 0), ("unix", 0), ("not an address", 1), ("fe80::1%eth0", 1), ["127.0.0.1", 1]):
        yield Odd(f"a peer of {client!r}", lambda client=client: posting(CALL, client=client))
    for method in ("post", "Post", "POST ", "", "TRACE", "CONNECT"):
        yield _refused(f"method {method!r}", lambda method=method: posting(CALL, method=method), "SMCP108")
    for path in ("//mcp", "/mcp//", "/mcp/", "/MCP", "mcp", "/x/../mcp", "/mcp;a", "/mcp\\"):
        yield Odd(f"path {path}", lambda path=path: posting(CALL, path=path))
    for path in ("", "/mcp\0", "/ＭＣＰ", "/mcp\u0301", "/" * 60_000 + "x"):
        yield _refused(f"a call to {_short(path)}", lambda path=path: posting(CALL, path=path), "SMCP110")
    for root in ("/api", "/api/", "api", "/mcp", "/mcp/mcp", "/api" * 10_000):
        yield Odd(f"root path {_short(root)} that the path lacks", lambda root=root: posting(CALL, root_path=root))
    yield Odd("a root path before the path", lambda: posting(CALL, path="/api/mcp", root_path="/api"))
    yield Odd("a raw path of another name", lambda: posting(CALL, raw_path=b"/other"))
    yield Odd("no query string and no root path", lambda: _lacking("query_string", "root_path", "extensions"))


def _lacking(*names: str) -> Exchange:
    exchange = posting(CALL)
    for name in names:
        exchange.scope.pop(name)
    return exchange


def messages() -> Iterable[Odd]:
    """What `receive` may say."""
    halves = BODY[:40], BODY[40:]
    yield Odd("a thousand empty messages before the body", lambda: _saying(*[_part(b"")] * 1000, _part(BODY, False)))
    yield Odd("a message for every byte", lambda: posting(BODY, FIELDS, pieces=len(BODY)))
    yield Odd("no more_body and no body in the last message", lambda: _saying(_part(BODY), {"type": "http.request"}))
    yield Odd("a body after the end of the body", lambda: _saying(_part(BODY, False), _part(b"x", False)))
    yield Odd("a body in a bytearray", lambda: _saying({**_part(b"", False), "body": bytearray(BODY)}))
    yield Odd("a body in a memoryview", lambda: _saying({**_part(b"", False), "body": memoryview(BODY)}))
    gone: Message = {"type": "http.disconnect"}
    yield Odd("a client that is gone at once", lambda: _saying(gone), Said(0), 0)
    yield Odd("a client that is gone half way", lambda: _saying(_part(halves[0]), gone), Said(0), 0)
    yield Odd(
        "a client that is gone before the last byte", lambda: _saying(_part(BODY), gone, _part(b"", False)), Said(0), 0
    )
    yield _refused("half a body that claims to be all", lambda: _saying(_part(halves[0], False)), "SMCP114")


def _saying(*incoming: Message) -> Exchange:
    exchange = posting(BODY, FIELDS)
    exchange.incoming = [dict(message) for message in incoming]
    return exchange


def _part(body: bytes, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def siblings() -> Iterable[Odd]:
    """A forgotten route that serves MCP: what its parser may take for a call never reaches it."""
    for name, body in _CALLS_ELSEWHERE.items():
        yield _refused(f"a call elsewhere, {name}", lambda body=body: posting(body, PLAIN, path="/rpc"), "SMCP110")
    for name, packed in _PACKED.items():
        fields = [*PLAIN, ("content-encoding", name.split()[0])]
        yield _refused(
            f"a call elsewhere, in {name}",
            lambda packed=packed, fields=fields: posting(packed, fields, path="/rpc"),
            "SMCP110",
        )
    plain = [PLAIN[0], ("content-type", "text/plain")]
    yield _refused("a call elsewhere, as plain text", lambda: posting(BODY, plain, path="/rpc"), "SMCP110")
    yield _refused("a call elsewhere, of no type", lambda: posting(BODY, plain[:1], path="/rpc"), "SMCP110")
    for method in ("post", "Post"):
        small = lambda method=method: posting(BODY, PLAIN, path="/rpc", method=method)  # noqa: E731
        yield _refused(f"a call elsewhere, by {method}", small, "SMCP110")
    for name, body in _OTHERS_ELSEWHERE.items():
        yield Odd(f"elsewhere, {name}", lambda body=body: posting(body, PLAIN, path="/rpc"))


def _carrying(value: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":' + value + b"}}}"


_PACKED: Final = {
    "gzip": gzip.compress(BODY),
    "GZIP": gzip.compress(BODY),
    "deflate": zlib.compress(BODY),
    "gzip of two members": gzip.compress(b" ") + gzip.compress(BODY),
}
_CALLS_ELSEWHERE: Final = {
    "plain": BODY,
    "after 200 KB of blanks": b" \n" * 100_000 + BODY,
    "with a BOM": b"\xef\xbb\xbf" + BODY,
    "in UTF-16": BODY.decode().encode("utf-16"),
    "in UTF-32 without a BOM": BODY.decode().encode("utf-32-be"),
    "in a batch": b"[" + BODY + b"]",
    "with the method twice": BODY.replace(b'"method"', b'"method":"x","method"', 1),
    "with escapes": BODY.replace(b"tools/call", b"tool\\u0073/call").replace(b"jsonrpc", b"json\\u0072pc"),
    "with twin keys": BODY.replace(b'"method"', b'"Method"').replace(b'"jsonrpc"', b'"json_rpc"'),
    "with 5,000 digits": _carrying(b"9" * 5000),
    "with 2,000 levels": _carrying(b"[" * 2000 + b"]" * 2000),
    "with a byte that is no UTF-8": _carrying(b'"\xff"'),
    "with a lone surrogate": _carrying(b'"\\ud83d"'),
    "with NaN": _carrying(b"NaN"),
    "with a line end in a text": _carrying(b'"a\nb"'),
    "with a comma too many": _carrying(b"[1,]"),
    "twice": BODY + b"\n" + BODY,
    "after 1 MiB of something else": BODY.replace(b'"method"', b'"x":"' + b"x" * 2**20 + b'","method"'),
}
_OTHERS_ELSEWHERE: Final = {
    "another JSON-RPC": b'{"jsonrpc":"2.0","id":1,"method":"textDocument/hover","params":{}}',
    "a document about MCP": b'{"title":"tools/call","body":"jsonrpc 2.0, method: tools/call"}',
    "JSON of 2,000 levels": b"[" * 2000 + b"]" * 2000,
    "a number of 5,000 digits": b"9" * 5000,
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100,
    "a text that quotes a call": b"See " + BODY,
}


def _short(path: str) -> str:
    return ascii(path) if len(path) <= 40 else f"{path[:8]!a}... ({len(path):,} characters)"


SCOPES: Final = {
    "Framing": tuple(framing()),
    "Header fields": tuple(heads()),
    "Paths, peers, methods": tuple(scopes()),
    "Messages": tuple(messages()),
    "Forgotten routes": tuple(siblings()),
}
