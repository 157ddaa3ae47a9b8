"""Which request a message of the server answers, as far as that is certain. Pure.

On the exchange of its own request an answer is proven by its id. Elsewhere (a standing stream, a resumed one) ids were
chosen by the caller, who may use one twice: what a message was traced to there says what it may be, not what it is.
"""

from __future__ import annotations

from typing import Final

from smcp_security.checks.rung import Context
from smcp_security.message import Message

_HEXADECIMAL: Final = frozenset("0123456789abcdef")


def asked_method(context: Context, message: Message) -> str:
    """The method that the message certainly answers; "" if nobody knows, or if it is the result of a task."""
    origin = context.origin
    if origin is None or not _proven(context, message) or origin.method.startswith("tasks/"):
        return ""
    return origin.method


def asked_target(context: Context, message: Message) -> str:
    """The tool, prompt or resource of the request that the message seems to answer; "" if there is none."""
    if context.origin is None:
        return ""
    request = context.request
    return request.target if request is not None and _proven(context, message) else context.origin.target


def tool_of(context: Context, message: Message) -> str | None:
    """The tool whose call a message answers; "" for what certainly answers no call, None if nobody knows."""
    origin, request = context.origin, context.request
    if origin is None:
        return None
    proven = _proven(context, message)
    if origin.method != "tools/call":
        return "" if proven else None
    if proven and request is not None and request.method == "tools/call":
        return request.target or None
    # Long names are remembered as a hash, which fits no glob that the name may fit.
    hashed = len(origin.target) == 64 and set(origin.target) <= _HEXADECIMAL
    return None if hashed else origin.target or None


def _proven(context: Context, message: Message) -> bool:
    request = context.request
    return request is not None and type(request.id) is type(message.id) and request.id == message.id
