"""Which request of an SDK runs the code that asks: on SDK 1.x, on 2.x and on FastMCP. No SDK is imported for that.

SDK 1.x runs the tools of a session in the context that began it, so that its context variables tell of somebody else's
request; its own one is set anew for each message. SDK 2.x has none, and gives its `Context` to who asks for it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from smcp_security.adapters.current import SCOPE_KEY, Exchange, exchange_here

_LEGACY: Final = "mcp.server.lowlevel.server"
_MODERN: Final = "mcp.server.mcpserver.context"
_FASTMCP: Final = "fastmcp.server.dependencies"
_FASTMCP_CONTEXT: Final = "fastmcp.server.context"


class Host(StrEnum):
    """Who calls a tool's function."""

    SDK1 = "mcp 1"
    SDK2 = "mcp 2"
    FASTMCP = "fastmcp"


class Served(msgspec.Struct, frozen=True):
    """A message that an SDK serves now. `scope` is that of its HTTP request, None on stdio and in memory.

    `id` is the message's as a text, `tool` the name by which a tool is called, `session` the SDK's; None where the SDK
    does not say.
    """

    host: Host
    scope: MutableMapping[str, Any] | None
    id: str | None = None
    tool: str | None = None
    session: object = None


def served(given: object = None) -> Served | None:
    """The message being served; None outside of every SDK. `given` is the `Context` that SDK 2.x handed over, if any.

    Without `given`, a message of SDK 2.x looks like none.
    """
    found = _of_modern(given) if given is not None else None
    return found or _of_fastmcp() or _of_legacy()


def exchange_of(serving: Served | None) -> Exchange | None:
    """What an edge outside has made of the very message that is being served."""
    if serving is not None and serving.scope is not None:
        found = serving.scope.get(SCOPE_KEY)
        if isinstance(found, Exchange):
            return found
        if serving.host is Host.SDK1:
            # The context is that of the request that began the session.
            return None
    return exchange_here()


def is_of(exchange: Exchange, serving: Served | None) -> bool:
    """Whether the message that is served may be the one that was judged: in process, servers call servers."""
    if serving is None:
        return True
    if serving.session is not None and serving.session is not exchange.serving and not _came_with(serving, exchange):
        return False
    request = exchange.decision.request
    return serving.id is None or (request is not None and str(request.id) == serving.id)


def _came_with(serving: Served, exchange: Exchange) -> bool:
    """Whether the HTTP request that is served may have brought the verdict in. Ids of two sessions coincide."""
    if serving.scope is None:
        return False
    # An edge of another kind, further out, tells of itself in no scope of this one.
    return exchange.serving is None or serving.scope.get(SCOPE_KEY) is exchange


def context_class() -> type | None:
    """The class that SDK 2.x fills a parameter with, if that SDK is loaded."""
    module = sys.modules.get(_MODERN)
    found = getattr(module, "Context", None)
    return found if isinstance(found, type) else None


def _of_modern(given: object) -> Served | None:
    kind = context_class()
    if kind is None or not isinstance(given, kind):
        return None
    try:
        context = given.request_context  # type: ignore[attr-defined]
    except ValueError:  # made by hand, outside of every request
        return None
    return _serving(Host.SDK2, context)


def _of_fastmcp() -> Served | None:
    module = sys.modules.get(_FASTMCP)
    if module is None:
        return None
    context = module.fastmcp_request_ctx.get()
    if context is not None:
        return _serving(Host.FASTMCP, context)
    # A tool that code of the server calls by itself.
    contexts = sys.modules.get(_FASTMCP_CONTEXT)
    if contexts is not None and contexts._current_context.get() is not None:
        return Served(Host.FASTMCP, None)
    return None


def _of_legacy() -> Served | None:
    variable = getattr(sys.modules.get(_LEGACY), "request_ctx", None)
    context = None if variable is None else variable.get(None)
    return None if context is None else _serving(Host.SDK1, context)


def _serving(host: Host, context: Any) -> Served:
    scope, id = getattr(context.request, "scope", None), context.request_id
    params = getattr(getattr(context, "_srctx", context), "params", None)
    tool = params.get("name") if isinstance(params, Mapping) else None
    return Served(
        host,
        scope if isinstance(scope, MutableMapping) else None,
        None if id is None else str(id),
        tool if isinstance(tool, str) else None,
        getattr(getattr(context, "_srctx", context), "session", None),
    )
