"""A Django request as the other edges know one, its body as ASGI messages, and the request that the view gets.

What views read, `META`, is what is judged: where a release of Django takes `X_User` for `X-User`, both do. Under ASGI
the scope tells besides which header fields came more than once.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final

from smcp_security.adapters.body import Body, Receive
from smcp_security.adapters.callers import introduce, spared
from smcp_security.adapters.current import SCOPE_KEY, Exchange
from smcp_security.adapters.environ import BYPASSES, fields_of
from smcp_security.adapters.facts import Scope, http_of
from smcp_security.adapters.wsgi_input import receiving, unread
from smcp_security.errors import Misplaced
from smcp_security.policy import Policy

_log: Final = logging.getLogger("smcp_security")
# Of a body that is judged nothing is left but its bytes; what compresses inside would blind the response side.
_HIDDEN: Final = ("HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_LENGTH", *BYPASSES)
_FRAMING: Final = frozenset({b"accept-encoding", b"content-length", b"transfer-encoding"})
# Whom the server in front has authenticated (RFC 3875, 4.1): this policy has not.
_AUTHENTICATED: Final = ("REMOTE_USER", "REMOTE_IDENT", "AUTH_TYPE")
# What a request remembers of the body and headers that it had.
_REMEMBERED: Final = ("_post", "_files", "headers")
ENCODINGS: Final = "HTTP_ACCEPT_ENCODING"


def on_asgi(request: Any) -> bool:
    """Whether an ASGI server waits for the response."""
    return "scope" in request.__dict__


def described(request: Any) -> Scope:
    """The request as an ASGI server would have told it, without what no edge asks for."""
    meta = request.META
    fields = fields_of(meta)
    if on_asgi(request):
        fields = _told_apart(fields, request.scope["headers"])
    return {
        "type": "http",
        "method": request.method,
        # To a pattern that ends in `$` a line break at the end of a path is none.
        "path": request.path.rstrip("\n"),
        "root_path": meta.get("SCRIPT_NAME") or "",
        "query_string": (meta.get("QUERY_STRING") or "").encode("utf-8", "backslashreplace"),
        "headers": fields,
        "client": (meta.get("REMOTE_ADDR") or "", 0),
    }


def _told_apart(fields: list[tuple[bytes, bytes]], raw: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The fields with those apart that Django has joined."""
    if len({name for name, _ in raw}) == len(raw):  # ASGI servers send names in small letters
        return fields
    repeated = {name for name, count in Counter(name.lower() for name, _ in raw).items() if count > 1}
    apart = [(name.lower(), value) for name, value in raw if name.lower() in repeated]
    return [field for field in fields if field[0] not in repeated] + apart


def body_of(request: Any) -> Body:
    """The body, to be read once. Raises `Misplaced` at the first read if somebody else has read from it before."""
    if hasattr(request, "_body"):
        return Body(receiving(_ending(BytesIO(request._body))))
    if request._read_started:
        return Body(_read_before(request))
    return Body(receiving(_ending(request._stream) if on_asgi(request) else request.META))


def _ending(stream: Any) -> Mapping[str, Any]:
    return {"wsgi.input": stream, "wsgi.input_terminated": True}


def _read_before(request: Any) -> Receive:
    async def receive() -> Any:
        _log.error(
            "the body of a request to %.200r was read before SMCPMiddleware could: put it above the middleware that "
            "reads bodies (`manage.py check` names it)",
            request.path,
        )
        raise Misplaced("the body was read before SMCPMiddleware could")

    return receive


def is_spent(request: Any) -> bool:
    """Whether nobody can read the body any more, neither this edge nor the view."""
    return bool(request._read_started) and not hasattr(request, "_body")


def put_back(request: Any, body: Body) -> None:
    """A request of which `body` has read, as though nobody had."""
    if hasattr(request, "_body"):
        return
    if on_asgi(request):
        request._stream.seek(0)
        return
    request._stream = unread({"wsgi.input": request._stream}, body)["wsgi.input"]
    _put_meta(request, {**request.META, "wsgi.input": request._stream})


def renew(request: Any, scope: Scope, forward: bytes | None, exchange: Exchange, policy: Policy) -> None:
    """Make it the request of what was judged: its only body, and no field that the view must not see."""
    hidden = frozenset() if policy.identity is None else spared(policy, http_of(scope))
    unverified = () if policy.identity is None else _AUTHENTICATED
    verdict = {"smcp": exchange.decision, SCOPE_KEY: exchange}
    meta = {**request.META, **verdict}
    for name in (ENCODINGS, *_HIDDEN, *unverified, *map(_variable, hidden)):
        meta.pop(name, None)
    if forward is not None:
        meta["CONTENT_LENGTH"] = str(len(forward))
    stream = BytesIO(forward or b"")
    if on_asgi(request):
        # Django's file of the whole body: nobody needs it any more, and Django itself leaves it open if a stream fails.
        request._stream.close()
        request.scope = {**request.scope, "headers": _kept(request.scope["headers"], forward, hidden), **verdict}
        introduce(request.scope, exchange.decision, policy)
    else:
        meta.update({"wsgi.input": stream, "wsgi.input_terminated": True})
    _put_meta(request, meta)
    request._body, request._stream, request._read_started = forward or b"", stream, False


def _put_meta(request: Any, meta: dict[str, Any]) -> None:
    """In place of the server's own, which the server goes on using."""
    request.META = meta
    if not on_asgi(request):
        request.environ = meta
    for name in _REMEMBERED:
        request.__dict__.pop(name, None)


def restore(request: Any, encodings: str | None) -> None:
    """The response has passed: what compresses outside may know again what the client accepts."""
    if encodings is not None:
        # A copy of ours since it was judged.
        request.META[ENCODINGS] = encodings
        request.__dict__.pop("headers", None)


def _kept(raw: list[tuple[bytes, bytes]], forward: bytes | None, hidden: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    hidden |= _FRAMING
    kept = [field for field in raw if field[0].lower() not in hidden and b"_" not in field[0]]
    return kept if forward is None else [*kept, (b"content-length", str(len(forward)).encode())]


def _variable(field: bytes) -> str:
    return "HTTP_" + field.decode("latin-1").upper().replace("-", "_")
