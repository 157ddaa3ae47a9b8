"""`SMCPMiddleware`: the policy in front of any ASGI app (FastAPI, Starlette, the MCP SDKs, FastMCP).

Pure ASGI and translation only: HTTP facts in, the framework's verdict out. `lifespan` and paths that are not MCP's go
through untouched, but for a look at whether MCP traffic hides there.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from smcp_security.adapters.body import Body
from smcp_security.adapters.callers import introduce, is_disguised, spared
from smcp_security.adapters.current import SCOPE_KEY, Exchange, during, is_judged
from smcp_security.adapters.facts import bears_marks, encoding_of, http_of, known_metadata
from smcp_security.adapters.legacy_sse import Streams, awaited, stand_in, unheard
from smcp_security.adapters.places import Places, normalised
from smcp_security.adapters.probes import answer, asked
from smcp_security.adapters.reply import Reply
from smcp_security.adapters.sdk.registered import check_placement
from smcp_security.adapters.sdk.users import current
from smcp_security.adapters.sending import send_answer
from smcp_security.adapters.strays import COMPRESSED, is_mcp
from smcp_security.armed import PolicySource
from smcp_security.decision import Answer, Decision
from smcp_security.errors import Misplaced
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.policy import Policy

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_log: Final = logging.getLogger("smcp_security")
_EDGE: Final = "asgi"
# Removed from what the app sees: a compressing middleware inside would blind the response side; the body that is
# replayed is whole, whatever its framing was.
_HIDDEN: Final = frozenset({b"accept-encoding"})
# Ways for an app to hand bytes to the server that nobody could judge.
_BYPASSES: Final = frozenset({"http.response.pathsend", "http.response.zerocopysend"})
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})


class SMCPMiddleware:
    """ASGI middleware. `policy` is a file, a dict or a `Policy`; none means safe defaults (or `SMCP_POLICY`).

    Pass `framework` instead to share one between edges. Put a CORS middleware outside this one.
    Raises `PolicyError` or `RulesError` at once, so that a server with a bad policy does not start.
    """

    def __init__(
        self, app: App, policy: PolicySource = None, *, framework: SMCPSecurityFramework | None = None
    ) -> None:
        self.app = app
        self.framework = framework if framework is not None else SMCPSecurityFramework(policy)
        self._places = Places(app)
        self._streams = Streams()
        self._placed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket" and self._is_mcp_socket(scope):
            await self._refuse_websocket(scope, receive, send)
        elif kind == "lifespan":
            await self.app(scope, receive, self._attended(send))
        else:
            await self.app(scope, receive, send)

    def _is_mcp_socket(self, scope: Scope) -> bool:
        """On a path of MCP's, or anywhere by the subprotocol of the SDK's WebSocket transport of old."""
        server = self.framework.policy.server
        asks = server.unlisted_mcp != "ignore" and "mcp" in scope.get("subprotocols", ())
        return asks or bool(self._places.place(scope, server.paths))

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = self.framework.policy.server
        if type(scope["headers"]) is not list:  # any iterable will do for ASGI, and we read it more than once
            scope = {**scope, "headers": list(scope["headers"])}
        if (probe := asked(scope, self.framework.policy)) is not None:
            await send_answer(await answer(probe, self.framework), send)
        elif (known := known_metadata(scope, self.framework.policy)) is not None:
            await send_answer(known, send)
        elif place := self._places.place(scope, server.paths):
            await self._guard(scope, place, Body(receive), send)
        elif server.unlisted_mcp == "ignore":
            await self.app(scope, receive, send)
        elif scope["method"].upper() == "POST":
            await self._look(scope, receive, send)
        elif bears_marks(scope):
            await self._found(scope, Body(receive), send)
        else:
            await self.app(scope, receive, send)

    async def _guard(self, scope: Scope, place: str, body: Body, send: Send) -> None:
        """The whole way of one MCP exchange: judge, forward what was judged, judge what comes back."""
        if not self._placed:
            self._check_placement()
        if await is_judged(scope.get(SCOPE_KEY), self.framework, body):
            await self.app(scope, body.unread(), send)
            return
        policy = self.framework.policy
        context = self.framework.http_context(http_of(scope))
        stream = "" if context.session else self._streams.session_of(scope)
        context.session = context.session or stream
        # The older transport lists on one path and calls on another. Never the session itself: callers make those up.
        context.upstream = self._streams.upstream(stream) or place
        decision = await self.framework.inspect(context, body.read, edge=_EDGE)
        if stream and self._streams.ended(stream):
            await self._too_late(decision, send)
            return
        if not decision.allowed and decision.message is None:
            await self._refused(decision, stream, scope, body, send)
            return
        forward = decision.message if isinstance(decision.message, bytes) else None
        with Reply(self.framework, decision, send, body=body, method=scope["method"], streams=self._streams) as reply:
            try:
                inner = _inner(scope, forward, decision, policy)
                exchange = inner[SCOPE_KEY] = Exchange(self.framework, decision)
                with current(inner.get("user")), during(exchange):
                    # What is not posted has no body: HTTP/2 needs no header to send one all the same.
                    await self.app(inner, body.replay(forward or b""), reply.send)
            finally:
                # Also where the app raised, or the server cancelled it: what it holds must not hang on a traceback.
                await reply.settle()
        if not decision.allowed and decision.answer is not None:
            # A refused posted response: the waiting server was told, and its answer never reaches the client.
            await send_answer(decision.answer, send)

    async def _too_late(self, decision: Decision, send: Send) -> None:
        if decision.allowed:
            await self.framework.settle(decision)
            self.framework.finish(decision, result="broken", status=404)
        await send_answer(Answer(404), send)

    async def _refused(self, decision: Decision, stream: str, scope: Scope, body: Body, send: Send) -> None:
        if body.gone or decision.answer is None:
            return
        if not (stream and awaited(decision)):
            await send_answer(decision.answer, send)
            if unheard(decision) and await self._is_theirs(stream, scope):
                await self._streams.close(stream)
        elif await self._streams.deliver(stream, decision):
            await send_answer(Answer(202), send)
        elif forward := stand_in(decision):
            inner = _inner(scope, forward, decision, self.framework.policy)
            await self.app(inner, body.replay(forward), send)
        else:
            await send_answer(decision.answer, send)

    async def _is_theirs(self, stream: str, scope: Scope) -> bool:
        """Whether a session whose stream is open here belongs to who sends: it may have been refused unasked."""
        if not self._streams.upstream(stream):
            return False
        context = self.framework.http_context(http_of(scope))
        context.session = stream
        return await self.framework.admits(context)

    async def _look(self, scope: Scope, receive: Receive, send: Send) -> None:
        """MCP traffic at a path that the policy does not name: a forgotten sibling route is a known hole."""
        server = self.framework.policy.server
        body = Body(receive)
        encoding = encoding_of(scope)
        seen = await body.peek(compressed=encoding in COMPRESSED)
        if not (seen and is_mcp(seen, server.extra_methods, encoding)):
            await self.app(scope, body.unread(), send)
        else:
            await self._found(scope, body, send)

    async def _found(self, scope: Scope, body: Body, send: Send) -> None:
        if self.framework.policy.server.unlisted_mcp == "check":
            await self._guard(scope, normalised(scope["path"]), body, send)
        else:
            _log.warning(
                "MCP traffic at %.200r was refused: add the path to server.paths, or set server.unlisted_mcp",
                scope["path"],
            )
            await self._refuse("SMCP110", scope, send)

    async def _refuse(self, code: str, scope: Scope, send: Send) -> None:
        decision = self._refusal(code, scope)
        if decision.answer is not None:
            await send_answer(decision.answer, send)

    def _refusal(self, code: str, scope: Scope) -> Decision:
        return self.framework.refuse(code, self.framework.http_context(http_of(scope)), edge=_EDGE)

    async def _refuse_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        self._refusal("SMCP111", {**scope, "method": "GET"})
        # 1008: policy violation (RFC 6455, 7.4.1); before the handshake is accepted, servers answer it with 403.
        await send({"type": "websocket.close", "code": 1008})

    def _attended(self, send: Send) -> Send:
        """The start and the end of the app: it does not start with a guard that guards nothing."""

        async def forward(message: Message) -> None:
            if message["type"] == "lifespan.shutdown.complete":
                self.framework.flush()
            elif message["type"] == "lifespan.startup.complete":
                try:
                    self._check_placement()
                except Misplaced as misplaced:
                    _log.error("%s", misplaced)
                    message = {"type": "lifespan.startup.failed", "message": str(misplaced)}
            await send(message)

        return forward

    def _check_placement(self) -> None:
        """Raise `Misplaced` if a tool is served bare though it is decorated. What is in place stays there."""
        check_placement()
        self._placed = True


def _inner(scope: Scope, forward: bytes | None, decision: Decision, policy: Policy) -> Scope:
    """The scope that the app gets, under the policy that the message was judged by."""
    hidden = _HIDDEN if policy.identity is None else _HIDDEN | spared(policy, http_of(scope))
    inner: Scope = {**scope, "headers": _headers(scope["headers"], forward, hidden), "smcp": decision}
    introduce(inner, decision, policy)
    if scope.get("extensions"):
        kept = {name: entry for name, entry in scope["extensions"].items() if name not in _BYPASSES}
        inner["extensions"] = kept
    return inner


def _headers(
    fields: list[tuple[bytes, bytes]], forward: bytes | None, hidden: frozenset[bytes]
) -> list[tuple[bytes, bytes]]:
    """The headers as the app may see them; framed anew where a body was read."""
    hidden = hidden if forward is None else hidden | _FRAMING
    kept = [
        field
        for field in fields
        if (name := field[0].lower()) not in hidden and not (b"_" in name and is_disguised(name, hidden))
    ]
    if forward is not None:
        kept.append((b"content-length", str(len(forward)).encode()))
    return kept
