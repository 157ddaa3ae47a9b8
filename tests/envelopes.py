"""Messages of both protocol eras, the contexts they arrive in, and a way to climb one rung: for tests of the core."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from smcp_security.checks.http import Http, read_headers
from smcp_security.checks.rung import Context, Question, Run
from smcp_security.decision import Outcome
from smcp_security.drivers import drive

T = TypeVar("T")

MODERN: Final = "2026-07-28"
LEGACY: Final = "2025-11-25"
ASSUMED: Final = "2025-03-26"
VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
_NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
# Part of every HTTP request of MCP.
PLAIN: Final = (("host", "127.0.0.1:8000"), ("content-type", "application/json"))


def encoded(value: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def legacy(method: str, params: Mapping[str, Any] | None = None, *, id: Any = 1) -> dict[str, Any]:
    """A request of a revision up to 2025-11-25; a notification if `id` is None."""
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if id is not None:
        message["id"] = id
    if params is not None:
        message["params"] = dict(params)
    return message


def modern(method: str, params: Mapping[str, Any] | None = None, *, id: Any = 1, **meta: Any) -> dict[str, Any]:
    """A request of 2026-07-28 with the `_meta` that it demands; `meta` adds to it."""
    fields = {VERSION_KEY: MODERN, CAPABILITIES_KEY: {}, **meta}
    return legacy(method, {**(params or {}), "_meta": fields}, id=id)


def call(tool: str, arguments: Mapping[str, Any] | None = None, *, era: str = "legacy", **more: Any) -> dict[str, Any]:
    """A `tools/call` of either era."""
    build = modern if era == "modern" else legacy
    return build("tools/call", {"name": tool, "arguments": dict(arguments or {})}, **more)


def response(id: Any, result: Any) -> dict[str, Any]:
    """A JSON-RPC response with a result."""
    return {"jsonrpc": "2.0", "id": id, "result": result}


def headers_of(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The HTTP headers that an SDK sends along with `message`."""
    params = message.get("params", {})
    version = params.get("_meta", {}).get(VERSION_KEY)
    if version is None:
        return [*PLAIN, ("mcp-protocol-version", LEGACY)]
    routing = [("mcp-protocol-version", version), ("mcp-method", message["method"])]
    if (key := _NAMED.get(message["method"])) is not None:
        routing.append(("mcp-name", params[key]))
    return [*PLAIN, *routing]


def http(fields: list[tuple[str, str]] | None = None, *, method: str = "POST", peer: str = "127.0.0.1") -> Http:
    """HTTP facts with the given fields, those of a plain POST by default."""
    chosen = list(PLAIN) if fields is None else fields
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in chosen]
    return Http(method, "/mcp", read_headers(raw), peer)


def arriving(message: Mapping[str, Any] | bytes, fields: list[tuple[str, str]] | None = None) -> Context:
    """The context of a message that came by HTTP POST, with the headers an SDK sends unless `fields` says others."""
    raw = message if isinstance(message, bytes) else encoded(message)
    given = headers_of(message) if fields is None and not isinstance(message, bytes) else fields
    return Context(http=http(given), address="127.0.0.1", network="127.0.0.1", raw=raw)


def without(fields: list[tuple[str, str]], name: str) -> list[tuple[str, str]]:
    """The fields without those of one name."""
    return [item for item in fields if item[0] != name]


def climb(run: Run[T], answer: Callable[[Question], object] | None = None) -> T:
    """Run one rung to its end; a question that no `answer` was given for fails the test."""

    def unexpected(question: Question) -> object:
        raise AssertionError(f"unexpected question: {question}")

    return drive(run, answer or unexpected)


def codes(outcome: Outcome) -> list[str]:
    """The codes of an outcome's findings."""
    return [finding.code for finding in outcome.findings]
