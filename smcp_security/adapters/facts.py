"""What a request says to any HTTP edge, read from an ASGI scope or from a dict of its shape. Pure."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, Final, TypeAlias

from smcp_security.checks.http import Http, read_headers
from smcp_security.checks.metadata import WELL_KNOWN, metadata
from smcp_security.checks.transport import UNIX
from smcp_security.decision import Answer
from smcp_security.policy import Policy

Scope: TypeAlias = MutableMapping[str, Any]

# What only a client of MCP sends: with it, a request without a body is MCP's too.
_OF_MCP: Final = frozenset({b"mcp-session-id", b"mcp-protocol-version"})
_OF_METADATA: Final = (
    ("content-type", "application/json"),
    ("cache-control", "public, max-age=300"),
    # Clients in web pages read it before they have a token; it says nothing that is not public.
    ("access-control-allow-origin", "*"),
    ("access-control-allow-headers", "*"),
)


def http_of(scope: Mapping[str, Any]) -> Http:
    """What the engine judges of a request besides its body."""
    query = scope.get("query_string", b"").decode("latin-1")
    return Http(scope["method"], scope["path"], read_headers(scope["headers"]), _peer(scope), query)


def _peer(scope: Mapping[str, Any]) -> str:
    client = scope.get("client")
    return client[0] if client and client[0] else UNIX


def encoding_of(scope: Mapping[str, Any]) -> str:
    """The request's Content-Encoding, as an app at an unlisted path may take it."""
    encodings = [value for name, value in scope["headers"] if name.lower() == b"content-encoding"]
    return b",".join(encodings).decode("latin-1").strip().lower()


def bears_marks(scope: Mapping[str, Any]) -> bool:
    """Whether a request without a body is MCP's by its header fields."""
    return not _looks_for_issuer(scope) and any(name.lower() in _OF_MCP for name, _ in scope["headers"])


def _looks_for_issuer(scope: Mapping[str, Any]) -> bool:
    """Clients name their revision when they ask for metadata ("Protected Resource Metadata Discovery"): no MCP yet."""
    return "/.well-known/" in scope["path"] and scope["method"].upper() == "GET"


def known_metadata(scope: Mapping[str, Any], policy: Policy) -> Answer | None:
    """The metadata of the protected resource (RFC 9728), if it is asked for: public, and the same for all."""
    if WELL_KNOWN not in scope["path"] or scope["method"] not in ("GET", "HEAD", "OPTIONS"):
        return None
    known = metadata(policy)
    # Mounted below a path, or at the well-known one itself.
    whole, root = scope["path"].rstrip("/"), scope.get("root_path", "").rstrip("/")
    if known is None or known.paths.isdisjoint((whole, whole.removeprefix(root))):
        return None
    return Answer(200, _OF_METADATA, b"" if scope["method"] == "OPTIONS" else known.body)
