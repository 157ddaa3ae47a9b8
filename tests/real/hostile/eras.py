"""Tricks with the two eras: a message that is judged as one and served as the other would be half checked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from tests.real.attacks import ADD, OLD_ADD, of_the_newer_ladder, of_the_older_era
from tests.real.hostile.row import Row, Said, of_attacks, served, spoiled
from tests.real.messages import LEGACY, META, MODERN, Request, encoded, initialize, modern, posted

_VERSION: Final = "io.modelcontextprotocol/protocolVersion"
_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"


def ladders() -> Iterable[Row]:
    """What each era refuses by its own rules."""
    yield from of_attacks(of_the_newer_ladder(), "modern: ")
    yield from of_attacks(of_the_older_era(), "legacy: ")


def downgrades() -> Iterable[Row]:
    """A modern body under a legacy header and the other way round."""
    for version in ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "", "2026-07-28 ,", "draft"):
        yield spoiled(
            f"a modern body under version {version!r}", ADD.setting("mcp-protocol-version", version), "SMCP124", ADD
        )
    yield spoiled("a modern body under no version", ADD.without("mcp-protocol-version"), "SMCP124", ADD)
    yield spoiled(
        "a legacy body under the modern version", OLD_ADD.setting("mcp-protocol-version", MODERN), "SMCP125", OLD_ADD
    )
    for version in ("1900-01-01", "2099-01-01", "latest", "2025-11-25x", "2025_11_25", ""):
        yield spoiled(
            f"a legacy body under version {version!r}",
            OLD_ADD.setting("mcp-protocol-version", version),
            "SMCP125",
            OLD_ADD,
        )
    yield served("a legacy body under no version", OLD_ADD.without("mcp-protocol-version"))
    yield served(
        "routing headers that mean nothing in the older era", OLD_ADD.adding(("mcp-method", "ping"), ("mcp-name", "x"))
    )
    mixed = ADD.without("mcp-protocol-version").adding(
        ("mcp-protocol-version", LEGACY), ("mcp-protocol-version", MODERN)
    )
    yield spoiled("both versions, the older first", mixed, "SMCP124", ADD)
    yield spoiled(
        "a modern handshake", modern("initialize", {"protocolVersion": MODERN}), "SMCP127", initialize(), status=404
    )
    offered = json.loads(initialize().body)
    offered["params"]["protocolVersion"] = MODERN
    yield served("a handshake that offers the modern revision", initialize().carrying(encoded(offered)))
    with_session = ADD.adding(("mcp-session-id", "0" * 32), ("last-event-id", "7"))
    yield served("a session and an event id that mean nothing in the newer era", with_session)


def metas() -> Iterable[Row]:
    """`_meta` of the newer era: incomplete, of other types, with twins of its keys."""
    for name, (change, code) in _METAS.items():
        yield spoiled(f"_meta with {name}", _meta(change), code, ADD)
    for value in ("text", 7, ["a"]):
        yield spoiled(f"_meta that is {value!r}", _whole(value), "SMCP125", ADD)
    yield spoiled(
        "no params at all", ADD.carrying(encoded({"jsonrpc": "2.0", "id": 1, "method": "tools/call"})), "SMCP125", ADD
    )
    yield served("a vendor's key in _meta", _meta({"example.com/trace": {"Name": "x", "name": "y"}}))


_METAS: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "a version of null": ({_VERSION: None}, "SMCP124"),
    "a version that is a number": ({_VERSION: 20260728}, "SMCP124"),
    "a version in a list": ({_VERSION: [MODERN]}, "SMCP124"),
    "a legacy version": ({_VERSION: LEGACY}, "SMCP124"),
    "no capabilities": ({_CAPABILITIES: ...}, "SMCP125"),
    "capabilities in a list": ({_CAPABILITIES: []}, "SMCP128"),
    "a twin of the version": ({_VERSION.upper(): LEGACY}, "SMCP123"),
    "a twin of the progress token": ({"ProgressToken": 1}, "SMCP123"),
    "a progress token in an object": ({"progressToken": {}}, "SMCP128"),
}


def _meta(change: dict[str, Any]) -> Request:
    meta = {key: value for key, value in {**META, **change}.items() if value is not ...}
    return _whole(meta)


def _whole(meta: Any) -> Request:
    params = {"name": "add", "arguments": {"a": 1, "b": 2}, "_meta": meta}
    return ADD.carrying(encoded({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))


def answers() -> Iterable[Row]:
    """Responses and notifications that nobody asked for."""
    accepted = Said(202)
    for name, message in _ANSWERS.items():
        yield served(f"a response to no request, {name}", posted(message), accepted)
    for name, message in _NOTES.items():
        yield served(f"a notification, {name}", posted(message), accepted)
    for name, message in _BAD_NOTES.items():
        yield Row(f"a notification, {name}", posted(message).raw(), accepted, source="middleware, which drops it")


_ANSWERS: Final = {
    "with a result": {"jsonrpc": "2.0", "id": 999, "result": {}},
    "with a text for an id": {"jsonrpc": "2.0", "id": "999", "result": {}},
    "with an error": {"jsonrpc": "2.0", "id": 0, "error": {"code": -1, "message": "no"}},
    "with a result like a call's": {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "x"}]}},
}
_NOTES: Final = {
    "of the handshake": {"jsonrpc": "2.0", "method": "notifications/initialized"},
    "that cancels a request never made": {
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": 999},
    },
    "of progress on nothing": {
        "jsonrpc": "2.0",
        "method": "notifications/progress",
        "params": {"progressToken": 9, "progress": 1},
    },
}
_BAD_NOTES: Final = {
    "of a method nobody knows": {"jsonrpc": "2.0", "method": "notifications/evil"},
    "that is a call without an id": {
        "jsonrpc": "2.0",
        "method": "tools/call",
        "params": {"name": "add", "arguments": {"a": 1, "b": 2}},
    },
    "that lists without an id": {"jsonrpc": "2.0", "method": "tools/list"},
    "without its params": {"jsonrpc": "2.0", "method": "notifications/progress"},
    "with an attack": {
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": 9, "reason": "a; cat /etc/passwd | sh"},
    },
}
