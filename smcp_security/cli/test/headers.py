"""The headers of a case: what any client sends, besides those that the case is about. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

from smcp_security.checks.envelope import VERSION_KEY
from smcp_security.policy.server import ServerPolicy
from smcp_security.revisions import MIRRORED, MODERN, NEWEST_LEGACY

_BODY: Final = {"content-type": "application/json", "accept": "application/json, text/event-stream"}


def sent(given: Mapping[str, str], message: Mapping[str, Any], server: ServerPolicy) -> dict[str, str]:
    """The headers that go with a message, where a case gives any: with none of them nothing about HTTP is judged.

    Without this an `Origin` alone would be refused for the Host that is not there, whatever the policy says of origins.
    """
    if not given:
        return {}
    stated = {name.lower() for name in given}
    usual = {"host": _host(server), **_BODY, **_routing(message, server)}
    return {**{name: value for name, value in usual.items() if name not in stated}, **given}


def _host(server: ServerPolicy) -> str:
    """A name that the policy lets clients ask for."""
    first = next(iter(server.hosts or ()), "localhost")
    return "localhost" if first == "*" else first.removesuffix(":*")


def _routing(message: Mapping[str, Any], server: ServerPolicy) -> dict[str, str]:
    method, params = message.get("method"), message.get("params")
    params = params if isinstance(params, Mapping) else {}
    meta = params.get("_meta")
    claimed = meta.get(VERSION_KEY) if isinstance(meta, Mapping) else None
    revision = claimed or (MODERN[-1] if server.min_protocol in MODERN else NEWEST_LEGACY)
    named = {"mcp-protocol-version": str(revision)}
    if revision in MODERN and isinstance(method, str):
        named["mcp-method"] = method
        target = params.get("uri" if method == "resources/read" else "name") if method in MIRRORED else None
        named |= {"mcp-name": _mirrored(target)} if isinstance(target, str) else {}
    return named


def _mirrored(value: str) -> str:
    """A value as a header holds it (2026-07-28, "Value Encoding")."""
    if value.isascii() and value.isprintable() and value == value.strip() and not value.startswith("=?"):
        return value
    return f"=?base64?{b64encode(value.encode('utf-8', 'surrogatepass')).decode()}?="
