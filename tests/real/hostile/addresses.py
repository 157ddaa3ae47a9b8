"""Whom and what a request asks for: Host, Origin, the target and its twins, the method."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tests.real.attacks import ADD, ECHO
from tests.real.hostile.row import After, Row, Said, garbage, served, spoiled
from tests.real.messages import Request

NOT_FOUND: Final = Said(404)
_GET: Final = Request(headers=(("accept", "text/event-stream"),), method="GET", length=False)


def hosts() -> Iterable[Row]:
    """Forged Host fields: DNS rebinding, and names that only look like the loopback."""
    for name in _FOREIGN_HOSTS:
        yield spoiled(f"Host {name!a}", ECHO.named(name), "SMCP101", ECHO.named("localhost:8000"))
    both = ECHO.named(None).adding(("host", "localhost"), ("Host", "attacker.example"))
    yield garbage("two Hosts", both.raw(), ECHO.raw())
    forwarded = ("x-forwarded-host", "localhost:8000"), ("forwarded", 'host="localhost:8000"')
    yield spoiled(
        "a foreign Host behind a forged X-Forwarded-Host",
        ECHO.named("attacker.example").adding(*forwarded),
        "SMCP101",
        ADD.adding(*forwarded),
    )
    for name in ("localhost", "LOCALHOST:1", "127.0.0.1:65535", "[::1]:8000", " localhost:8000\t", "localhost:"):
        yield served(f"Host {name!a}", ADD.named(name))


_FOREIGN_HOSTS: Final = (
    "attacker.example", "attacker.example:8000", "localhost.attacker.example", "127.0.0.1.attacker.example",
    "localhost@attacker.example", "attacker.example@localhost", "user:localhost@127.0.0.1", "localhost.",
    "127.0.0.1.", "localhost.:8000", "localhost:8000:8000", "localhost:http", "localhost:-1", "localhost:+80",
    "localhost: 80", "localhost:８０".encode().decode("latin-1"), "0.0.0.0", "0.0.0.0:8000", "0", "127.1", "127.0.0.2",
    "2130706433", "0x7f000001", "0177.0.0.1", "127.000.000.001", "[::]", "[::]:8000", "::1", "[::1", "::1]", "[::1]]",
    "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]", "[::1%25lo]", "[localhost]", "local\x01host", "null", "*", "",
    "localhost, attacker.example", "localhost/", "localhost/mcp", "localhost#", "localhost?", "localhost\\",
    "localhost%00", "localhost%2eattacker.example", "http://localhost", "//localhost",
    "ⓛocalhost".encode().decode("latin-1"), "lo\xadcalhost", "localhost;attacker.example",
    "localhost attacker.example", "'localhost'", "localhost:8000.attacker.example",
)  # fmt: skip


def origins() -> Iterable[Row]:
    """Forged Origin fields: web pages that may not call this server."""
    for name in _FOREIGN_ORIGINS:
        yield spoiled(
            f"Origin {name!a}",
            ECHO.adding(("origin", name)),
            "SMCP102",
            ECHO.adding(("origin", "http://localhost:5173")),
        )
    twice = ECHO.adding(("origin", "http://localhost"), ("ORIGIN", "http://localhost"))
    yield spoiled("the same Origin in two fields", twice, "SMCP102", ECHO.adding(("origin", "http://localhost")))
    for name in ("http://localhost", "HTTP://LOCALHOST:3000", "https://127.0.0.1:8443", "http://[::1]:3000"):
        yield served(f"Origin {name!a}", ADD.adding(("origin", name)))


_FOREIGN_ORIGINS: Final = (
    "null", "", "*", "localhost", "localhost:5173", "http://", "http:localhost", "http:///localhost", "//localhost",
    "file://", "file://localhost", "http://attacker.example", "http://localhost.attacker.example",
    "http://localhost@attacker.example", "http://attacker.example@localhost", "http://localhost.",
    "http://127.0.0.1.", "http://localhost/", "http://localhost:80/", "http://localhost:80/mcp", "http://localhost?",
    "http://localhost#x", "http://localhost:80:80", "http://localhost:x", "http://localhost http://attacker.example",
    "http://localhost, http://attacker.example", "ftp://localhost", "javascript://localhost",
    "chrome-extension://localhost", "ws://localhost", "http://0.0.0.0", "http://127.1", "http://[::]",
    "http://[::ffff:127.0.0.1]", "http://loc\xc3\xa0lhost", "http://xn--lcalhost-2eb",
    "http://localhost%00.attacker.example", "http://localhost\\@attacker.example", "https://http://localhost",
    "http://http://localhost:80",
)  # fmt: skip


def targets() -> Iterable[Row]:
    """Odd targets, and twins of the path: what is not the MCP path is looked at, so a call never slips by."""
    for target in ("/mcp?a=b", "/mcp?method=tools/call&name=echo", "/%6dcp", "/%6D%63%70", "/mcp?" + "q=1&" * 4_000):
        yield served(f"target {_short(target)}", ADD.at(target))
    yield spoiled("a target of 60,005 characters", ECHO.at("/mcp?" + "q=1&" * 15_000), "SMCP103", ADD)
    for target in _TWINS:
        yield spoiled(f"a call to {_short(target)}", ECHO.at(target), "SMCP110", ADD)
    for target, status in _SPELLINGS.items():
        yield served(f"a call to {target}", ADD.at(target), Said(status))
        yield spoiled(f"a foreign Origin at {target}", ECHO.at(target).adding(("origin", "null")), "SMCP102", ADD)
        yield spoiled(f"a GET from a foreign Host at {target}", _GET.at(target).named("attacker.example"), "SMCP101")
    for target in ("/mcp\x80", "/mcp x", "/mc\tp", "/mcp\x00", "/mcp\x7f", ""):
        yield garbage(f"target {target!a}", ADD.at(target).raw(), ADD.raw())
    for target in ("/MCP", "/mcp/..;/", "/.well-known/oauth-protected-resource", "http://localhost/mcp", "*"):
        yield served(f"GET {target}", _GET.at(target), NOT_FOUND)
    upload = Request(b"--x\r\n" + ECHO.body, (("content-type", "multipart/form-data; boundary=x"),), path="/upload")
    yield served("an upload elsewhere that quotes a call", upload, NOT_FOUND)


# Not the MCP path to anybody that we know of.
_TWINS: Final = (
    "/mcp/..;/", "/mcp/x", "/mcp/..", "/mcp%00", "/mcp%20", "/mcp%0d%0ax-a:b", "/mcp%3f",
    "/mcp%23", "/mcp%252f", "/%256dcp", "/%EF%BD%8Dcp", "*", "//", "/", "https:/mcp", "127.0.0.1:8000",
    "/mcp#fragment",
)  # fmt: skip
# The MCP path to some router or gateway, and what the one behind says to it.
_SPELLINGS: Final = {
    "//mcp": 404, "/mcp/": 307, "/mcp//": 307, "///mcp///": 404, "/mcp%2f": 307, "/%2fmcp": 404, "/MCP": 404,
    "/Mcp": 404, "/./mcp": 404, "/x/../mcp": 404, "/x/%2e%2e/mcp": 404, "/mcp/.": 404, "/%2e/mcp": 404, "mcp": 404,
    "/mcp/..;/mcp": 404, "/mcp;x=1": 404, "/mcp\\": 404,
    "http://127.0.0.1:8000/mcp": 404, "http://attacker.example/mcp": 404,
}  # fmt: skip


def methods() -> Iterable[Row]:
    """Methods that MCP does not use, other spellings of the one it does, and overrides."""
    for method in ("PUT", "PATCH", "TRACE", "post", "Post", "QUERY", "PROPFIND", "X-POST", "POST-POST", "CONNECT"):
        yield spoiled(f"method {method}", Request(ECHO.body, ECHO.headers, method), "SMCP108", ECHO)
    for method in ("PO ST", "", "PÖST", "POST,GET", "POST\t", '"POST"'):
        yield garbage(f"method {method!a}", Request(ADD.body, ADD.headers, method).raw(), ADD.raw())
    for name in ("x-http-method-override", "x-http-method", "x-method-override"):
        yield served(f"{name}: GET beside a call", ADD.adding((name, "GET")))
        yield spoiled(
            f"{name}: POST on a GET with a body",
            Request(ECHO.body, (*ECHO.headers, (name, "POST")), "GET"),
            "SMCP109",
            ADD,
        )
    for method in ("GET", "DELETE", "OPTIONS"):
        yield spoiled(f"{method} with a body", Request(ECHO.body, ECHO.headers, method), "SMCP109", ECHO)
        yield spoiled(f"{method} with a body in chunks", _chunked(method), "SMCP109", ECHO)
    length = Request(ECHO.body, ECHO.headers, "HEAD").raw()
    yield Row("HEAD with a body", length, Said(400), source="middleware")
    yield Row("HEAD with a body in chunks", _chunked("HEAD"), Said(400), source="middleware")
    yield served("OPTIONS without a body", Request(method="OPTIONS", length=False), Said(405, rpc=-32600))
    yield served("HEAD without a body", Request(headers=_GET.headers, method="HEAD", length=False), Said(405))
    socket = _GET.adding(*_WEBSOCKET).raw()
    yield Row("GET that asks for a WebSocket", socket, Said(403), after=After.CLOSED, source="middleware")


def _chunked(method: str) -> bytes:
    request = Request(headers=ECHO.headers, method=method, length=False).adding(("transfer-encoding", "chunked"))
    return request.raw() + b"4\r\n    \r\n0\r\n\r\n"


_WEBSOCKET: Final = (
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
)


def _short(target: str) -> str:
    return target if len(target) <= 60 else f"{target[:20]}... ({len(target):,} characters)"
