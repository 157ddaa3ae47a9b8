"""The SDK's own `tools/list` before a `tools/call`: how it finds out which `Mcp-Param-*` headers the call must have.

On 2026-07-28 over HTTP, SDK 2.x asks the server for its tools, through the whole chain of middleware, before it serves
a call. That is no message of the client's: there is nothing to judge, to count or to write down. But it comes before
the call is judged, so it is answered with no tools, and nothing runs for a caller whom nobody knows yet. Whatever could
be taken for such a question would get nothing either. Once the call is allowed, the tools are asked for here, and the
SDK's own function compares the headers.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final

from mcp.shared import inbound
from mcp.shared.exceptions import MCPError
from mcp.types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY
from starlette.requests import Request

from smcp_security import answers
from smcp_security.adapters.sdk.guard import Wire
from smcp_security.revisions import MODERN

Ask = Callable[[Wire], Awaitable[Wire]]
"""The parameters of a `tools/list` to what the server answers to it."""

LIST: Final = "tools/list"
_CALL: Final = "tools/call"
_OWED: Final = "smcp.lookup"
"""Where the scope of a request says that the SDK wanted to compare its headers. The outermost hook sees all first."""
_META: Final = (PROTOCOL_VERSION_META_KEY, CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY)
_MOST_PAGES: Final = 100
_ASKING: Final[ContextVar[Any]] = ContextVar("smcp_asking", default=None)
"""The session of the call whose headers are being compared."""


async def is_lookup(ctx: Any) -> bool:
    """Whether the SDK asks this by itself; then `compare` is owed to the call that follows.

    `ctx` is the SDK's context of what is served now. A POST of this revision brings one message, and its request keeps
    the bytes: where they are a call, the list that is served with that request was never sent. What is served says
    nothing of that, nor do headers.
    """
    request = ctx.request
    if ctx.method != LIST or ctx.protocol_version not in MODERN or not isinstance(request, Request):
        return False
    if _method(await request.body()) != _CALL:
        return False
    request.scope[_OWED] = True
    return True


def is_ours(ctx: Any) -> bool:
    """Whether the tools are asked for by `compare`, for the call of this very session."""
    return ctx.method == LIST and _ASKING.get() is ctx.session


async def compare(ctx: Any, params: Mapping[str, Any] | None, ask: Ask) -> None:
    """Compare the headers of an allowed call with its arguments, if the SDK wanted to. `params` are the client's.

    Raises `MCPError` where they differ, and what the server raises where it cannot tell its tools.
    """
    scope = getattr(ctx.request, "scope", None) or {}
    if ctx.method != _CALL or not scope.pop(_OWED, False):
        return
    given = params or {}
    before = _ASKING.set(ctx.session)
    try:
        schema = await _schema(given, ask)
    finally:
        _ASKING.reset(before)
    if schema is None:
        return
    wrong = inbound.validate_mcp_param_headers(schema, given.get("arguments") or {}, ctx.request.headers)
    if wrong is not None:
        raise MCPError(code=wrong.code, message=wrong.message, data=wrong.data)


async def _schema(params: Mapping[str, Any], ask: Ask) -> Any:
    """The input schema of the tool that is called; None if the server tells of none."""
    said = params.get("_meta") or {}
    asked: Wire = {"_meta": {key: said[key] for key in _META if key in said}}
    for _ in range(_MOST_PAGES):
        page = await ask(asked)
        for tool in page.get("tools", ()):
            if tool.get("name") == params.get("name"):
                return tool.get("inputSchema")
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str):
            return None
        asked = {**asked, "cursor": cursor}
    raise MCPError(code=answers.INTERNAL, message="The server's list of tools has no end.")


def _method(body: bytes) -> Any:
    """The method of a message as the SDK reads it: with this parser, whose last key of a name counts."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return message.get("method") if isinstance(message, dict) else None
