"""The low-level server of the MCP SDK 1.x, secured: it has no hook for messages, so its `run` is wrapped.

Every transport of the SDK ends in `run` with two streams of messages. Further in, unknown methods and `initialize`
pass by the server's handlers; what the streams carry is everything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version
from inspect import signature
from typing import Any, Final

from smcp_security.adapters.current import Exchange, during
from smcp_security.adapters.sdk.guard import Guard
from smcp_security.adapters.sdk.streams import Incoming, Outgoing, Ways
from smcp_security.errors import Misplaced

KNOWN: Final = "1.30"
"""The versions whose streams were tried."""
_FAREWELL: Final = 5.0
"""Seconds that the requests of a connection may take to give back what they hold."""
_RUN: Final = ["read_stream", "write_stream", "initialization_options"]
_SERVE: Final = ["message", "req", "session", "lifespan_context", "raise_exceptions"]


class SecuredRun:
    """In place of the `run` of one low-level server."""

    def __init__(self, run: Callable[..., Awaitable[None]], guard: Guard) -> None:
        self._run = run
        self.guard = guard

    async def __call__(self, read_stream: Any, write_stream: Any, *rest: Any, **named: Any) -> None:
        """Serve one connection, both of its ways judged."""
        ways = Ways(self.guard, write_stream)
        try:
            await self._run(Incoming(read_stream, ways), Outgoing(write_stream, ways), *rest, **named)
        finally:
            # A connection mostly ends by being cancelled, and each request may have to give something back.
            with import_module("anyio").move_on_after(_FAREWELL, shield=True):
                await ways.end()


def secure_run(server: Any, guard: Guard) -> None:
    """Judge every message of a low-level server of 1.x from now on: of connections that begin after this.

    Raises `Misplaced` where the server is not built as it is known.
    """
    _look_at(server)
    server.run = SecuredRun(server.run, guard)
    server._handle_request = _within_exchange(server._handle_request)


def secured(server: Any) -> Guard | None:
    """The guard of a server that is secured."""
    run = vars(server).get("run")
    return run.guard if isinstance(run, SecuredRun) else None


def _within_exchange(serve: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Serve a request where the verdict on it is current: its task began with the connection, and knows another."""

    async def served(message: Any, req: Any, session: Any, *rest: Any, **named: Any) -> None:
        exchange = getattr(message.message_metadata, "exchange", None)
        if isinstance(exchange, Exchange):
            with during(replace(exchange, serving=session)):
                await serve(message, req, session, *rest, **named)
        else:
            await serve(message, req, session, *rest, **named)

    return served


def _look_at(server: Any) -> None:
    run, serve = (_parameters(getattr(server, name, None)) for name in ("run", "_handle_request"))
    metadata = getattr(import_module("mcp.shared.message"), "ServerMessageMetadata", None)
    if run[:3] == _RUN and serve == _SERVE and metadata is not None:
        return
    raise Misplaced(
        f"the low-level server of mcp {version('mcp')} is not the one this release knows (tried with {KNOWN}): "
        "nothing would be judged. Install a version that was tried, or put SMCPMiddleware in front of the server"
    )


def _parameters(function: Any) -> list[str]:
    return list(signature(function).parameters) if callable(function) else []
