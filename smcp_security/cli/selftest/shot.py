"""One HTTP request, exactly as it goes out: attacks spoil a part of an honest one. Pure."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Final

MODERN: Final = "2026-07-28"
LEGACY: Final = "2025-11-25"
VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
META: Final[Mapping[str, Any]] = {
    VERSION_KEY: MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "smcp-selftest", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
OWN_HOST: Final = "(own)"
"""Stands for the host that the target's URL names."""
OWN_NAME: Final = "{own name}"
"""Stands, in a Host or a header, for that host without its port."""
PATH: Final = "{path}"
"""Stands for the path of the target's URL."""
_NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_HEADER: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_PLAIN: Final = (("content-type", "application/json"), ("accept", "application/json, text/event-stream"))

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Shot:
    """A request. `host` None leaves the header out. Never shown: it may carry the operator's credential."""

    body: bytes = b""
    fields: Fields = field(default=(), repr=False)
    method: str = "POST"
    path: str = PATH
    host: str | None = OWN_HOST

    def raw(self, host: str, path: str, query: str = "") -> bytes:
        """The bytes on the wire, for a target with this host, path and query."""
        named = host if self.host == OWN_HOST else self.host
        fields = [] if named is None else [("host", named)]
        fields += [*self.fields, ("connection", "close")]
        if self.body or self.method == "POST":
            fields.append(("content-length", str(len(self.body))))
        own = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
        head = "".join(f"{name}: {value}\r\n" for name, value in fields).replace(OWN_NAME, own)
        where = self.path.replace(PATH, path)
        where += f"{'&' if '?' in where else '?'}{query}" if query else ""
        return f"{self.method} {where} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + self.body

    def adding(self, *fields: tuple[str, str]) -> Shot:
        """With further header fields behind the present ones."""
        return replace(self, fields=(*self.fields, *fields))

    def without(self, name: str) -> Shot:
        """With no header of that name."""
        return replace(self, fields=tuple(each for each in self.fields if each[0].lower() != name))

    def setting(self, name: str, value: str) -> Shot:
        """With one header of that name."""
        return self.without(name).adding((name, value))

    def carrying(self, body: bytes | str) -> Shot:
        """With another body."""
        return replace(self, body=body.encode() if isinstance(body, str) else body)

    def respelled(self, old: str, new: str) -> Shot:
        """With the first of one spelling in the body replaced."""
        return self.carrying(self.body.replace(old.encode(), new.encode(), 1))

    def at(self, path: str) -> Shot:
        """Sent to another path; `{path}` in it is that of the target."""
        return replace(self, path=path)

    def named(self, host: str | None) -> Shot:
        """With another Host, or none."""
        return replace(self, host=host)

    def by(self, method: str) -> Shot:
        """By another HTTP method."""
        return replace(self, method=method)


def encoded(value: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _mirrored(value: str) -> str:
    """A value as a routing header: in Base64 where it is no plain text (2026-07-28, "Value Encoding")."""
    if _HEADER.fullmatch(value) and not value.startswith("=?"):
        return value
    return f"=?base64?{b64encode(value.encode('utf-8', 'surrogatepass')).decode()}?="


@dataclass(slots=True)
class Voice:
    """One era of the protocol as this server wants it spoken: its session, if it has any, and the credential."""

    modern: bool
    credential: Fields = field(default=(), repr=False)
    session: str = field(default="", repr=False)
    revision: str = LEGACY
    """What the older era's handshake came to."""
    method: str = "tools/list"
    """What asks for nothing that anybody would miss, and is answered."""
    _ids: count[int] = field(default_factory=lambda: count(4_001))

    @property
    def era(self) -> str:
        """The era's name."""
        return "modern" if self.modern else "legacy"

    def plain(self, **extra: Any) -> Shot:
        """The harmless request; `extra` stands in `_meta`, where anybody may put something."""
        return self.ask(self.method, {}, extra)

    def ask(self, method: str, params: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> Shot:
        """A request with all the headers of its era."""
        meta = {**META, **(extra or {})} if self.modern else extra
        told = {**params, **({"_meta": meta} if meta else {})}
        message = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": told}
        routing = [("mcp-protocol-version", MODERN if self.modern else self.revision)]
        if self.modern:
            routing.append(("mcp-method", method))
            routing += [("mcp-name", _mirrored(str(params[_NAMED[method]])))] if method in _NAMED else []
        return self.framed(message, routing)

    def framed(self, message: Any, routing: Sequence[tuple[str, str]]) -> Shot:
        """Any message in the frame of this era."""
        session = [("mcp-session-id", self.session)] if self.session else []
        return Shot(encoded(message), (*_PLAIN, *routing, *session, *self.credential))

    def call(self, tool: str, arguments: Mapping[str, Any]) -> Shot:
        """The call of a tool."""
        return self.ask("tools/call", {"name": tool, "arguments": arguments})

    def greeting(self) -> Shot:
        """The handshake of the older era, outside of any session."""
        params = {
            "protocolVersion": LEGACY,
            "capabilities": {},
            "clientInfo": {"name": "smcp-selftest", "version": "1"},
        }
        message = {"jsonrpc": "2.0", "id": next(self._ids), "method": "initialize", "params": params}
        return Shot(encoded(message), (*_PLAIN, *self.credential))

    def greeted(self) -> Shot:
        """What the client says when the handshake is done."""
        message = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        return self.framed(message, [("mcp-protocol-version", self.revision)])
