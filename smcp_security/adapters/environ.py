"""A WSGI environ read as the scope that the rest of the edge understands, and the environ that the app gets. Pure.

Of repeated header fields servers make one, joined with commas, and to some `X_User` is `X-User`: what was sent cannot
be told any more. What is judged is what the app will read, so neither opens a way around the policy. But a gateway that
vouches for callers must drop the fields of strangers in both spellings, unless the server does (gunicorn, Werkzeug).
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final, TypeAlias

from smcp_security.adapters.callers import spared
from smcp_security.adapters.facts import Scope
from smcp_security.checks.http import Http
from smcp_security.decision import Decision
from smcp_security.policy import Policy

Environ: TypeAlias = dict[str, Any]

_NO_FIELDS: Final[frozenset[bytes]] = frozenset()
# CGI has these two without a prefix; some servers give them twice (nginx to FastCGI and uwsgi).
_PLAIN: Final = (
    ("CONTENT_TYPE", "HTTP_CONTENT_TYPE", b"content-type"),
    ("CONTENT_LENGTH", "HTTP_CONTENT_LENGTH", b"content-length"),
)
_TWICE: Final = frozenset({"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"})
# What nearly every request has; a name is spelt anew otherwise, which costs more than to look it up.
_KNOWN: Final = {
    "HTTP_" + name.upper().replace("-", "_"): name.encode()
    for name in (
        "host connection user-agent accept accept-encoding accept-language authorization origin mcp-protocol-version "
        "mcp-session-id mcp-method mcp-name last-event-id x-forwarded-for x-forwarded-proto x-forwarded-host"
    ).split()
}
BYPASSES: Final = ("eventlet.input", "gunicorn.socket", "werkzeug.socket", "wsgi.file_wrapper", "wsgi.websocket")
"""Ways for an app to reach the connection itself, or to hand bytes to the server that nobody could judge."""
# A compressing middleware inside would blind the response side.
_HIDDEN: Final = ("HTTP_ACCEPT_ENCODING", *BYPASSES)
_FRAMING: Final = ("HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_LENGTH")
# Whom the server in front has authenticated (RFC 3875, 4.1).
_AUTHENTICATED: Final = ("REMOTE_USER", "REMOTE_IDENT", "AUTH_TYPE")


def scope_of(environ: Mapping[str, Any]) -> Scope:
    """The request as an ASGI server would have told it, without what no edge asks for."""
    root, below = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")
    if root and below and below[0] != "/":
        # Of `/appmcp` below `/app`, servers leave `mcp`, and apps read it as `/mcp`.
        below = f"/{below}"
    return {
        "type": "http",
        "method": environ["REQUEST_METHOD"],
        "path": _text(root + below),
        "root_path": _text(root) if root else "",
        "query_string": _octets(environ.get("QUERY_STRING", "")),
        "headers": fields_of(environ),
        "client": (environ.get("REMOTE_ADDR", ""), 0),
    }


def fields_of(environ: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """The header fields, with names in small letters."""
    try:
        fields = [
            (_KNOWN.get(name) or _octets(name[5:].replace("_", "-").lower()), value.encode("latin-1"))
            for name, value in environ.items()
            if name[:5] == "HTTP_" and name not in _TWICE
        ]
    except UnicodeEncodeError:  # no server gives such a value
        return fields_of(
            {name: _octets(value).decode("latin-1") for name, value in environ.items() if isinstance(value, str)}
        )
    for name, twin, field in _PLAIN:
        value, again = environ.get(name), environ.get(twin)
        if value:
            fields.append((field, _octets(value)))
        # Two that disagree are two fields, which the transport rung refuses.
        if again and again != value:
            fields.append((field, _octets(again)))
    return fields


def judged(
    environ: Mapping[str, Any], http: Http, forward: bytes | None, decision: Decision, policy: Policy
) -> Environ:
    """The environ that the app gets, under the policy that the message was judged by.

    What is not posted has no body.
    """
    hidden = _NO_FIELDS if policy.identity is None else spared(policy, http)
    inner: Environ = {**environ, "wsgi.input": BytesIO(forward or b""), "wsgi.input_terminated": True, "smcp": decision}
    for name in (*_HIDDEN, *map(_variable, hidden)):
        inner.pop(name, None)
    if forward is not None:
        for name in _FRAMING:
            inner.pop(name, None)
        inner["CONTENT_LENGTH"] = str(len(forward))
    if policy.identity is not None:
        _introduce(inner, decision)
    return inner


def _introduce(inner: Environ, decision: Decision) -> None:
    """Say who calls as CGI does. What the server in front may have put there was not verified by this policy."""
    for name in _AUTHENTICATED:
        inner.pop(name, None)
    if decision.caller is not None:
        inner["REMOTE_USER"] = decision.caller.id.encode().decode("latin-1")


def _variable(field: bytes) -> str:
    return "HTTP_" + field.decode("latin-1").upper().replace("-", "_")


def _octets(text: str) -> bytes:
    """The bytes that the server had read (PEP 3333, "Unicode Issues"). What no header can hold matches nothing."""
    return text.encode("latin-1", "backslashreplace")


def _text(path: str) -> str:
    return path if path.isascii() else _octets(path).decode("utf-8", "replace")
