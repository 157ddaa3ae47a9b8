"""What is known of a message besides its bytes: the caller's word for it, and the `Context` made of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from msgspec.structs import replace

from smcp_security.checks.http import Http, read_headers
from smcp_security.checks.rung import Context
from smcp_security.checks.transport import Network, client_address, network_of
from smcp_security.decision import Caller, Decision
from smcp_security.message import Kind
from smcp_security.strict_json import deserialise, faithful

Incoming: TypeAlias = "Mapping[str, Any] | bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """What an in-process caller knows of a message. `user_id` is a label for limits and audit, never a proof.

    `headers`: all HTTP headers of the request or none; where given, the transport rung judges them. `token` (an access
    token or API key, without "Bearer") and `api_key` are credentials: the identity rung judges them. `caller` is who
    the code around has made sure of by itself (a login of its own): it counts where the message has no credential, its
    roles and scopes only if it is `verified`.
    """

    user_id: str | None = ""
    ip_address: str | None = ""
    token: str | None = field(default="", repr=False)
    api_key: str | None = field(default="", repr=False)
    session_id: str | None = ""
    headers: Mapping[str, str | None] = field(default_factory=dict)
    caller: Caller | None = None


Facts: TypeAlias = "RequestContext | Mapping[str, Any] | None"


def octets(message: Incoming) -> bytes:
    """The bytes of a message handed over in process. What JSON cannot hold exactly becomes bytes that are refused."""
    if isinstance(message, bytes):
        return message
    return faithful(message) or b""


def in_process(request: Incoming, given: Facts) -> Context:
    """The context of a message handed over in process. Raises `TypeError` for facts that no `RequestContext` has."""
    facts = given if isinstance(given, RequestContext) else RequestContext(**(given or {}))
    # Frameworks have no address for a unix socket, and say None.
    address = facts.ip_address or ""
    http = None
    if facts.headers:
        # What no header can hold matches nothing.
        fields = [
            (name.encode("utf-8", "backslashreplace"), text.encode("utf-8", "backslashreplace"))
            for name, text in facts.headers.items()
            if text is not None
        ]
        http = Http("POST", "", read_headers(fields), address)
    return Context(
        http=http,
        address=address,
        network=network_of(address),
        label=facts.user_id or "",
        session=facts.session_id or (http and http.headers.get("mcp-session-id")) or "",
        unwatched=True,
        token=facts.token or "",
        api_key=facts.api_key or "",
        raw=octets(request),
        caller=facts.caller,
    )


def as_given(decision: Decision, message: Incoming) -> Decision:
    """The verdict, with the dict to forward where a dict was given: that very one, unless a rung has edited it."""
    forward = decision.message
    if not decision.allowed or not isinstance(message, dict) or not isinstance(forward, bytes):
        return decision
    untouched = decision.context is not None and decision.context.raw == forward
    return replace(decision, message=message if untouched else deserialise(forward))


def of_http(http: Http, trusted: Sequence[Network | str]) -> Context:
    """The context of an HTTP request: its address with the trusted proxies subtracted, its session."""
    address = client_address(http, trusted)
    session = http.headers.get("mcp-session-id") or ""
    return Context(http=http, address=address, network=network_of(address), session=session)


def of_response(raw: bytes, decision: Decision) -> Context:
    """The context of what the server says to an allowed request."""
    asked, request = decision.context, decision.request
    return Context(
        id=decision.id,
        raw=raw,
        request=request if request is not None and request.kind is Kind.REQUEST else None,
        session=asked.session if asked is not None else "",
        upstream=asked.upstream if asked is not None else "",
        caller=decision.caller,
    )
