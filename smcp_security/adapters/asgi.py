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
from smcp_security.adapters.legacy_sse import Streams, awaited, stand_in, unheard
from smcp_security.adapters.places import Places, normalised
from smcp_security.adapters.reply import Reply
from smcp_security.adapters.sdk import current
from smcp_security.adapters.strays import COMPRESSED, is_mcp
from smcp_security.armed import PolicySource
from smcp_security.checks.metadata import metadata
from smcp_security.checks.rung import Http, read_headers
from smcp_security.checks.transport import UNIX
from smcp_security.decision import Answer, Decision
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
# What only a client of MCP sends: with it, a request without a body is MCP's too.
_OF_MCP: Final = frozenset({b"mcp-session-id", b"mcp-protocol-version"})
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})
_WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
_OF_METADATA: Final = (
    ("content-type", "application/json"),
    ("cache-control", "public, max-age=300"),
    # Clients in web pages read it before they have a token; it says nothing that is not public.
    ("access-control-allow-origin", "*"),
    ("access-control-allow-headers", "*"),
)


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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket" and self._is_mcp_socket(scope):
            await self._refuse_websocket(scope, receive, send)
        elif kind == "lifespan":
            await self.app(scope, receive, self._flushing(send))
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
        if (known := self._metadata(scope)) is not None:
            await _send_answer(known, send)
        elif place := self._places.place(scope, server.paths):
            await self._guard(scope, place, Body(receive), send)
        elif server.unlisted_mcp == "ignore":
            await self.app(scope, receive, send)
        elif scope["method"].upper() == "POST":
            await self._look(scope, receive, send)
        elif not _looks_for_issuer(scope) and any(name.lower() in _OF_MCP for name, _ in scope["headers"]):
            await self._found(scope, Body(receive), send)
        else:
            await self.app(scope, receive, send)

    def _metadata(self, scope: Scope) -> Answer | None:
        """The metadata of the protected resource (RFC 9728), if it is asked for: public, and the same for all."""
        if _WELL_KNOWN not in scope["path"] or scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            return None
        known = metadata(self.framework.policy)
        # Mounted below a path, or at the well-known one itself.
        whole, root = scope["path"].rstrip("/"), scope.get("root_path", "").rstrip("/")
        if known is None or known.paths.isdisjoint((whole, whole.removeprefix(root))):
            return None
        return Answer(200, _OF_METADATA, b"" if scope["method"] == "OPTIONS" else known.body)

    async def _guard(self, scope: Scope, place: str, body: Body, send: Send) -> None:
        """The whole way of one MCP exchange: judge, forward what was judged, judge what comes back."""
        policy = self.framework.policy
        context = self.framework.http_context(_facts(scope))
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
                with current(inner.get("user")):
                    # What is not posted has no body: HTTP/2 needs no header to send one all the same.
                    await self.app(inner, body.replay(forward or b""), reply.send)
            finally:
                # Also where the app raised, or the server cancelled it: what it holds must not hang on a traceback.
                await reply.settle()
        if not decision.allowed and decision.answer is not None:
            # A refused posted response: the waiting server was told, and its answer never reaches the client.
            await _send_answer(decision.answer, send)

    async def _too_late(self, decision: Decision, send: Send) -> None:
        if decision.allowed:
            await self.framework.settle(decision)
            self.framework.finish(decision, result="broken", status=404)
        await _send_answer(Answer(404), send)

    async def _refused(self, decision: Decision, stream: str, scope: Scope, body: Body, send: Send) -> None:
        if body.gone or decision.answer is None:
            return
        if not (stream and awaited(decision)):
            await _send_answer(decision.answer, send)
            if unheard(decision) and await self._is_theirs(stream, scope):
                await self._streams.close(stream)
        elif await self._streams.deliver(stream, decision):
            await _send_answer(Answer(202), send)
        elif forward := stand_in(decision):
            inner = _inner(scope, forward, decision, self.framework.policy)
            await self.app(inner, body.replay(forward), send)
        else:
            await _send_answer(decision.answer, send)

    async def _is_theirs(self, stream: str, scope: Scope) -> bool:
        """Whether a session whose stream is open here belongs to who sends: it may have been refused unasked."""
        if not self._streams.upstream(stream):
            return False
        context = self.framework.http_context(_facts(scope))
        context.session = stream
        return await self.framework.admits(context)

    async def _look(self, scope: Scope, receive: Receive, send: Send) -> None:
        """MCP traffic at a path that the policy does not name: a forgotten sibling route is a known hole."""
        server = self.framework.policy.server
        body = Body(receive)
        encoding = _encoding_of(scope)
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
            await _send_answer(decision.answer, send)

    def _refusal(self, code: str, scope: Scope) -> Decision:
        return self.framework.refuse(code, self.framework.http_context(_facts(scope)), edge=_EDGE)

    async def _refuse_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        self._refusal("SMCP111", {**scope, "method": "GET"})
        # 1008: policy violation (RFC 6455, 7.4.1); before the handshake is accepted, servers answer it with 403.
        await send({"type": "websocket.close", "code": 1008})

    def _flushing(self, send: Send) -> Send:
        async def forward(message: Message) -> None:
            if message["type"] == "lifespan.shutdown.complete":
                self.framework.flush()
            await send(message)

        return forward


def _facts(scope: Scope) -> Http:
    query = scope.get("query_string", b"").decode("latin-1")
    return Http(scope["method"], scope["path"], read_headers(scope["headers"]), _peer(scope), query)


def _looks_for_issuer(scope: Scope) -> bool:
    """Clients name their revision when they ask for metadata ("Protected Resource Metadata Discovery"): no MCP yet."""
    return "/.well-known/" in scope["path"] and scope["method"].upper() == "GET"


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client and client[0] else UNIX


def _encoding_of(scope: Scope) -> str:
    """The request's Content-Encoding, as an app at an unlisted path may take it."""
    encodings = [value for name, value in scope["headers"] if name.lower() == b"content-encoding"]
    return b",".join(encodings).decode("latin-1").strip().lower()


def _inner(scope: Scope, forward: bytes | None, decision: Decision, policy: Policy) -> Scope:
    """The scope that the app gets, under the policy that the message was judged by."""
    hidden = _HIDDEN if policy.identity is None else _HIDDEN | spared(policy, _facts(scope))
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


async def _send_answer(answer: Answer, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
