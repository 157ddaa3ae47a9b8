"""HTTP requests that carry one MCP message, built by hand so that a test can spoil any part of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

MODERN: Final = "2026-07-28"
LEGACY: Final = "2025-11-25"
META: Final[Mapping[str, Any]] = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "wire", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
_NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_PLAIN: Final = (("content-type", "application/json"), ("accept", "application/json, text/event-stream"))


@dataclass(frozen=True)
class Request:
    """One HTTP request, exactly as it will be written; `host` may be None to leave the header out."""

    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "POST"
    path: str = "/mcp"
    host: str | None = "127.0.0.1:8000"
    length: bool = True

    def raw(self) -> bytes:
        """The bytes on the wire."""
        fields = [] if self.host is None else [("host", self.host)]
        fields += self.headers
        if self.length:
            fields.append(("content-length", str(len(self.body))))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields)
        return f"{self.method} {self.path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + self.body

    def adding(self, *fields: tuple[str, str]) -> Request:
        """With further header fields after the present ones."""
        return replace(self, headers=(*self.headers, *fields))

    def without(self, name: str) -> Request:
        """With no header of that name."""
        return replace(self, headers=tuple(field for field in self.headers if field[0] != name))

    def setting(self, name: str, value: str) -> Request:
        """With exactly one header of that name."""
        return self.without(name).adding((name, value))

    def carrying(self, body: bytes | str) -> Request:
        """With another body."""
        return replace(self, body=body.encode() if isinstance(body, str) else body)

    def at(self, path: str) -> Request:
        """Sent to another path."""
        return replace(self, path=path)

    def named(self, host: str | None) -> Request:
        """With another Host."""
        return replace(self, host=host)

    def respelled(self, old: str, new: str) -> Request:
        """With one spelling in the body replaced by another; the old one must be there."""
        assert old.encode() in self.body
        return self.carrying(self.body.replace(old.encode(), new.encode()))


def encoded(message: Any) -> bytes:
    """Compact JSON in UTF-8, as SDK clients write it."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def modern(method: str, params: Mapping[str, Any] | None = None, *, id: int | str = 1, **meta: Any) -> Request:
    """A request of the 2026-07-28 revision with all its headers; `meta` replaces or adds fields of `_meta`."""
    content = {**(params or {}), "_meta": {**META, **meta}}
    routing = [("mcp-protocol-version", MODERN), ("mcp-method", method)]
    if method in _NAMED:
        routing.append(("mcp-name", str(content[_NAMED[method]])))
    return Request(encoded({"jsonrpc": "2.0", "id": id, "method": method, "params": content}), (*_PLAIN, *routing))


def legacy(method: str, params: Mapping[str, Any] | None = None, *, id: int | str = 1, session: str = "") -> Request:
    """A request of the 2025-11-25 revision, inside `session` if one is given."""
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": id, "method": method}
    if params is not None:
        message["params"] = dict(params)
    return posted(message, session=session)


def posted(message: Any, *, session: str = "") -> Request:
    """Any message in the frame of the 2025-11-25 revision: a notification, a response, nonsense."""
    fields = [("mcp-protocol-version", LEGACY)]
    if session:
        fields.append(("mcp-session-id", session))
    return Request(encoded(message), (*_PLAIN, *fields))


def initialize(id: int | str = 1, **capabilities: Any) -> Request:
    """The handshake of the older era."""
    info = {"name": "wire", "version": "1"}
    params = {"protocolVersion": LEGACY, "capabilities": capabilities, "clientInfo": info}
    return legacy("initialize", params, id=id).without("mcp-protocol-version")


def stream(session: str) -> Request:
    """The GET that opens a session's standing stream."""
    fields = (("accept", "text/event-stream"), ("mcp-protocol-version", LEGACY), ("mcp-session-id", session))
    return Request(headers=fields, method="GET", length=False)


def call(era: str, tool: str, arguments: Mapping[str, Any] | None = None, **options: Any) -> Request:
    """A `tools/call` of either era ("modern" or "legacy")."""
    build = modern if era == "modern" else legacy
    return build("tools/call", {"name": tool, "arguments": dict(arguments or {})}, **options)
