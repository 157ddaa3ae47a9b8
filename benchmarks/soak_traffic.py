"""What the soak sends: honest requests of both eras, refusals of all sorts, and traffic that is none of MCP's.

Every kind names the answer that it must get from the protected server, so that a soak is a test as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

MODERN: Final = "2026-07-28"
LEGACY: Final = "2025-11-25"
GREEDY: Final = "203.0.113.9"
_NAMED: Final = {"tools/call": "name", "resources/read": "uri"}
_WORDS: Final = "harbour morning report river market garden letter winter summer bridge teacher island".split()
_JSON: Final = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
_REFUSED: Final = b"Refused by policy"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request comes from and goes to: an address, a path of MCP, and the session there."""

    address: str
    path: str
    session: str
    random: Random

    def title(self) -> str:
        """A text that was hardly ever sent before."""
        return " ".join(self.random.choices(_WORDS, k=6)) + f" {self.random.randrange(10**9)}"

    def id(self) -> int | str:
        """An id of either type."""
        number = self.random.randrange(10**6)
        return number if number % 2 else str(number)


Build = Callable[[Place], bytes]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request: how often it comes, and what its answer from the protected server must hold."""

    name: str
    weight: int
    build: Build
    status: int = 200
    holds: bytes = b""


def raw(method: str, path: str, body: bytes, fields: Mapping[str, str]) -> bytes:
    """The bytes of one request; a Content-Length of `fields` wins over the true one."""
    given = {"host": "127.0.0.1:8000", "content-length": str(len(body)), **fields}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def encoded(value: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def modern(place: Place, method: str, params: Mapping[str, Any] | None = None, **change: str) -> bytes:
    """A request of 2026-07-28. `change` replaces header fields."""
    token = {"progressToken": place.id()}
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        **token,
    }
    given = {**(params or {}), "_meta": meta}
    fields = {**_JSON, "mcp-protocol-version": MODERN, "mcp-method": method, "x-forwarded-for": place.address}
    if method in _NAMED:
        fields["mcp-name"] = given[_NAMED[method]]
    message = {"jsonrpc": "2.0", "id": place.id(), "method": method, "params": given}
    return raw("POST", "/mcp", encoded(message), {**fields, **change})


def legacy(place: Place, message: Mapping[str, Any] | bytes, **change: str) -> bytes:
    """Any message of 2025-11-25 inside the place's session."""
    fields = {**_JSON, "mcp-protocol-version": LEGACY, "x-forwarded-for": place.address}
    if place.session:
        fields["mcp-session-id"] = place.session
    body = message if isinstance(message, bytes) else encoded({"jsonrpc": "2.0", **message})
    return raw("POST", place.path, body, {**fields, **change})


def initialize(place: Place) -> bytes:
    """The handshake that opens a session."""
    params = {
        "protocolVersion": LEGACY,
        "capabilities": {"elicitation": {}},
        "clientInfo": {"name": "soak", "version": "1"},
    }
    return legacy(place, {"id": place.id(), "method": "initialize", "params": params})


def asked(place: Place, method: str, **params: Any) -> bytes:
    """A request of 2025-11-25."""
    return legacy(place, {"id": place.id(), "method": method, "params": params})


def standing(place: Place, method: str = "GET") -> bytes:
    """The GET that opens the session's standing stream, or the DELETE that ends the session."""
    fields = {"accept": "text/event-stream", "mcp-protocol-version": LEGACY, "mcp-session-id": place.session}
    return raw(method, place.path, b"", {**fields, "x-forwarded-for": place.address})


def listening(place: Place) -> bytes:
    """The request whose answer is the newer revision's standing stream."""
    return modern(place, "subscriptions/listen", {"notifications": {"toolsListChanged": True}})


def _call(tool: str, **arguments: Any) -> Callable[[Place], bytes]:
    return lambda place: modern(place, "tools/call", {"name": tool, "arguments": arguments})


def _legacy_call(tool: str, **arguments: Any) -> Callable[[Place], bytes]:
    return lambda place: asked(place, "tools/call", name=tool, arguments=arguments)


def _note(place: Place) -> bytes:
    return modern(place, "tools/call", {"name": "save", "arguments": {"title": place.title()}})


def _legacy_note(place: Place) -> bytes:
    return asked(place, "tools/call", name="save", arguments={"title": place.title()})


def _changed(**fields: str) -> Callable[[Place], bytes]:
    """An honest call but for some header fields."""
    spelt = {name.replace("_", "-"): value for name, value in fields.items()}
    return lambda place: modern(place, "tools/call", {"name": "save", "arguments": {"title": "a"}}, **spelt)


def _body(text: bytes) -> Callable[[Place], bytes]:
    return lambda place: legacy(place, text)


def _attack(place: Place) -> str:
    return f"{place.title()}; cat /etc/passwd | sh"


HONEST: Final = (
    Kind("call, JSON", 240, _note, holds=b'"resultType":"complete"'),
    Kind("call, events", 50, _call("count", steps=3), holds=b"notifications/progress"),
    Kind("list", 30, lambda place: modern(place, "tools/list"), holds=b'"inputSchema"'),
    Kind("discover", 20, lambda place: modern(place, "server/discover"), holds=b"supportedVersions"),
    Kind("read", 20, lambda place: modern(place, "resources/read", {"uri": "note://a"}), holds=b"the note a"),
    Kind("legacy call", 180, _legacy_note, holds=b"saved"),
    Kind("legacy list", 30, lambda place: asked(place, "tools/list"), holds=b'"inputSchema"'),
    Kind("legacy ping", 30, lambda place: asked(place, "ping"), holds=b'"result":{}'),
    Kind(
        "legacy notification",
        30,
        lambda place: legacy(place, {"method": "notifications/cancelled", "params": {"requestId": place.id()}}),
        202,
    ),
    Kind("answer to nothing", 10, lambda place: legacy(place, {"id": place.id(), "result": {}}), 202),
    Kind(
        "upload",
        20,
        lambda place: raw("POST", "/upload", place.random.randbytes(100_000), {"content-type": "image/png"}),
        holds=b"100000",
    ),
    Kind(
        "other JSON-RPC",
        10,
        lambda place: raw("POST", "/rpc", b'{"jsonrpc":"2.0","id":1,"method":"add"}', {}),
        holds=b"bytes",
    ),
)
REFUSED: Final = (
    Kind(
        "attack",
        20,
        lambda place: modern(place, "tools/call", {"name": "save", "arguments": {"title": _attack(place)}}),
        holds=_REFUSED,
    ),
    Kind(
        "legacy attack",
        20,
        lambda place: asked(place, "tools/call", name="save", arguments={"title": _attack(place)}),
        holds=_REFUSED,
    ),
    Kind("wrong arguments", 10, _call("save", title=[]), holds=_REFUSED),
    Kind("result too large", 3, _call("fill", size=200_000), holds=b"-31502"),
    Kind("legacy result too large", 3, _legacy_call("fill", size=200_000), holds=b"-31502"),
    Kind("two keys", 10, _body(b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"ping"}'), 400),
    Kind("no JSON", 10, _body(b'{"jsonrpc":'), 400),
    Kind("batch", 10, _body(b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]'), 400),
    Kind("null id", 10, _body(b'{"jsonrpc":"2.0","id":null,"method":"ping"}'), 400),
    Kind("unknown method", 10, lambda place: modern(place, "no/such"), 404, b"-32601"),
    Kind("legacy unknown method", 10, lambda place: asked(place, "no/such"), 200, b"-32601"),
    Kind("other method in the header", 10, _changed(mcp_method="tools/list"), 400, b"-32020"),
    Kind("unknown revision", 10, _changed(mcp_protocol_version="2030-01-01"), 400),
    Kind("wrong Host", 10, _changed(host="evil.example"), 421),
    Kind("wrong Origin", 10, _changed(origin="https://evil.example"), 403),
    Kind("form", 10, _changed(content_type="text/plain"), 415),
    Kind("compressed", 10, _changed(content_encoding="gzip"), 415),
    Kind(
        "legacy notification with an attack",
        10,
        lambda place: legacy(
            place, {"method": "notifications/cancelled", "params": {"requestId": 1, "reason": _attack(place)}}
        ),
        202,
    ),
    Kind(
        "answer with an attack",
        10,
        lambda place: legacy(place, {"id": place.id(), "result": {"content": {"day": _attack(place)}}}),
        202,
    ),
    Kind("MCP at a forgotten path", 10, lambda place: _forgotten(place), 403),
)
KINDS: Final = (*HONEST, *REFUSED)


def _forgotten(place: Place) -> bytes:
    return asked(Place(place.address, "/forgotten", "", place.random), "tools/list")


def picked(random: Random, count: int) -> list[Kind]:
    """So many kinds, each as often as its weight says."""
    return random.choices(KINDS, [kind.weight for kind in KINDS], k=count)
