"""`SMCPMiddleware` for WSGI: the policy in front of Flask and any other WSGI app.

    app.wsgi_app = SMCPMiddleware(app.wsgi_app, policy="policy.yaml")

Translation only, as in `asgi.py`, with the same verdicts and answers. What differs is what WSGI differs in: of repeated
header fields only their joined text is known (a `Host` that came twice matches nothing, nor does an `Authorization`
where the policy asks for one, so they are refused all the same); and a refusal on the deprecated HTTP+SSE transport
goes to the server as a stand-in that it answers on the session's stream, since only the thread of that stream could
write there. A message of that transport that cannot even be read gets its answer on the POST alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

from smcp_security.adapters.body import Body
from smcp_security.adapters.current import SCOPE_KEY, Exchange, is_judged
from smcp_security.adapters.environ import Environ, judged, scope_of
from smcp_security.adapters.facts import Scope, bears_marks, encoding_of, http_of, known_metadata
from smcp_security.adapters.judges import Blocking, at_once
from smcp_security.adapters.legacy_sse import Streams, awaited, stand_in
from smcp_security.adapters.places import Places, normalised
from smcp_security.adapters.probes import answer_sync, asked
from smcp_security.adapters.strays import COMPRESSED, is_mcp
from smcp_security.adapters.wsgi_input import receiving, unread
from smcp_security.adapters.wsgi_output import App, Output, StartResponse, answered, ignored
from smcp_security.armed import PolicySource
from smcp_security.decision import Answer, Decision
from smcp_security.framework import SMCPSecurityFramework

_log: Final = logging.getLogger("smcp_security")
_EDGE: Final = "wsgi"


class SMCPMiddleware:
    """WSGI middleware. `policy` is a file, a dict or a `Policy`; none means safe defaults (or `SMCP_POLICY`).

    Pass `framework` instead to share one between edges. The app finds the verdict under "smcp" in its environ, and the
    caller as `REMOTE_USER` where the policy verifies one. Raises `PolicyError` or `RulesError` at once, so that a
    server with a bad policy does not start.
    """

    def __init__(
        self, app: App, policy: PolicySource = None, *, framework: SMCPSecurityFramework | None = None
    ) -> None:
        self.app = app
        self.framework = framework if framework is not None else SMCPSecurityFramework(policy)
        self._judge = Blocking(self.framework)
        self._places = Places(app)
        self._streams = Streams()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        scope = scope_of(environ)
        server = self.framework.policy.server
        if (probe := asked(scope, self.framework.policy)) is not None:
            return answered(answer_sync(probe, self.framework), start_response, scope["method"])
        if (known := known_metadata(scope, self.framework.policy)) is not None:
            return answered(known, start_response, scope["method"])
        place = self._places.place(scope, server.paths)
        if _is_socket(environ) and (place or (server.unlisted_mcp != "ignore" and _speaks_mcp(environ))):
            return self._refuse("SMCP111", scope, start_response)
        if place:
            return self._guard(environ, scope, place, Body(receiving(environ)), start_response)
        if server.unlisted_mcp == "ignore":
            return self.app(environ, start_response)
        if scope["method"].upper() == "POST":
            return self._look(environ, scope, start_response)
        if bears_marks(scope):
            return self._found(environ, scope, Body(receiving(environ)), start_response)
        return self.app(environ, start_response)

    def _guard(self, environ: Environ, scope: Scope, place: str, body: Body, start: StartResponse) -> Iterable[bytes]:
        """The whole way of one MCP exchange: judge, forward what was judged, judge what comes back."""
        if at_once(is_judged(environ.get(SCOPE_KEY), self.framework, body)):
            return self.app(unread(environ, body), start)
        policy = self.framework.policy
        http = http_of(scope)
        context = self.framework.http_context(http)
        stream = "" if context.session else self._streams.session_of(scope)
        context.session = context.session or stream
        # The older transport lists on one path and calls on another. Never the session itself: callers make those up.
        context.upstream = self._streams.upstream(stream) or place
        decision = self.framework.inspect_sync(context, lambda limit: at_once(body.read(limit)), edge=_EDGE)
        refused = not decision.allowed
        if refused and decision.message is None:
            return self._refused(decision, stream, environ, scope, start)
        forward = decision.message if isinstance(decision.message, bytes) else None
        inner = judged(environ, http, forward, decision, policy)
        exchange = inner[SCOPE_KEY] = Exchange(self.framework, decision)
        told = ignored if refused else start
        output = Output(self._judge, exchange, told, body=body, method=scope["method"], streams=self._streams)
        output.run(self.app, inner)
        if not refused:
            return output
        # A refused posted response: the waiting server was told, and its answer never reaches the client.
        output.drain()
        return answered(decision.answer or Answer(202), start, scope["method"])

    def _refused(
        self, decision: Decision, stream: str, environ: Environ, scope: Scope, start: StartResponse
    ) -> Iterable[bytes]:
        if stream and awaited(decision) and (forward := stand_in(decision)):
            return self.app(judged(environ, http_of(scope), forward, decision, self.framework.policy), start)
        # Also to one who hung up: a WSGI app must answer.
        return answered(decision.answer or Answer(400), start, scope["method"])

    def _look(self, environ: Environ, scope: Scope, start: StartResponse) -> Iterable[bytes]:
        """MCP traffic at a path that the policy does not name: a forgotten sibling route is a known hole."""
        body, encoding = Body(receiving(environ)), encoding_of(scope)
        seen = at_once(body.peek(compressed=encoding in COMPRESSED))
        if seen and is_mcp(seen, self.framework.policy.server.extra_methods, encoding):
            return self._found(environ, scope, body, start)
        return self.app(unread(environ, body), start)

    def _found(self, environ: Environ, scope: Scope, body: Body, start: StartResponse) -> Iterable[bytes]:
        if self.framework.policy.server.unlisted_mcp == "check":
            return self._guard(environ, scope, normalised(scope["path"]), body, start)
        _log.warning(
            "MCP traffic at %.200r was refused: add the path to server.paths, or set server.unlisted_mcp",
            scope["path"],
        )
        return self._refuse("SMCP110", scope, start)

    def _refuse(self, code: str, scope: Scope, start: StartResponse) -> Iterable[bytes]:
        decision = self.framework.refuse(code, self.framework.http_context(http_of(scope)), edge=_EDGE)
        return answered(decision.answer or Answer(403), start, scope["method"])


def _is_socket(environ: Mapping[str, Any]) -> bool:
    """Whether a WebSocket is asked for: some servers let an app answer that on the connection itself."""
    asked = "websocket" in environ.get("HTTP_UPGRADE", "").lower() and environ["REQUEST_METHOD"] == "GET"
    return asked or "wsgi.websocket" in environ


def _speaks_mcp(environ: Mapping[str, Any]) -> bool:
    """By the subprotocol of the SDK's WebSocket transport of old."""
    asked = environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", "").split(",")
    return any(name.strip() == "mcp" for name in asked)
