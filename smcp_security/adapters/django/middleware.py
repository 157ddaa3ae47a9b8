"""`SMCPMiddleware` for Django: the policy in front of the MCP views of a project.

Translation only, as in `asgi.py`, with the same verdicts and answers. One piece of code serves both kinds of servers:
where there is no event loop, its coroutines never wait and are run by hand. Where they may wait, a store is awaited.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction

from smcp_security.adapters.body import Body
from smcp_security.adapters.current import SCOPE_KEY, Exchange, during, is_judged
from smcp_security.adapters.django.configuration import framework
from smcp_security.adapters.django.requests import (
    ENCODINGS,
    body_of,
    described,
    is_spent,
    on_asgi,
    put_back,
    renew,
    restore,
)
from smcp_security.adapters.django.responses import Passage, answered
from smcp_security.adapters.django.users import Users
from smcp_security.adapters.facts import Scope, bears_marks, encoding_of, http_of, known_metadata
from smcp_security.adapters.judges import at_once
from smcp_security.adapters.legacy_sse import Streams, awaited, stand_in
from smcp_security.adapters.places import Places, normalised
from smcp_security.adapters.probes import answer, answer_sync, asked
from smcp_security.adapters.sdk.registered import check_placement
from smcp_security.adapters.strays import COMPRESSED, is_mcp
from smcp_security.checks.rung import Context
from smcp_security.decision import Answer, Decision

_log: Final = logging.getLogger("smcp_security")
_EDGE: Final = "django"


class SMCPMiddleware:
    """Django middleware, sync and async. Put it first in MIDDLEWARE, behind CORS and what compresses responses.

    The settings say the policy (`SMCP_POLICY`), and may say whom the project vouches for itself (`SMCP_CALLER`) and who
    a caller is to its views (`SMCP_USER`). `request.smcp` is the decision; None where nothing was judged.
    Raises `PolicyError` or `RulesError` at once, so that a server with a bad policy does not start.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        self.framework = framework()
        self._users = Users()
        self._places = Places(None)
        self._streams = Streams()
        self._placed = False
        self._waits: bool = iscoroutinefunction(get_response)
        if self._waits:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        return self._pass(request) if self._waits else at_once(self._pass(request))

    async def _pass(self, request: Any) -> Any:
        request.smcp = None
        policy = self.framework.policy
        scope = described(request)
        if (probe := asked(scope, policy)) is not None:
            told = await answer(probe, self.framework) if self._waits else answer_sync(probe, self.framework)
            return answered(told, request.method)
        if (known := known_metadata(scope, policy)) is not None:
            return answered(known, request.method)
        if place := self._places.place(scope, policy.server.paths):
            return await self._guard(request, scope, place, body_of(request))
        if policy.server.unlisted_mcp != "ignore":
            if request.method == "POST" and not is_spent(request):
                return await self._look(request, scope)
            if request.method != "POST" and bears_marks(scope):
                return await self._found(request, scope, body_of(request))
        return await self._respond(request)

    async def _respond(self, request: Any) -> Any:
        return await self.get_response(request) if self._waits else self.get_response(request)

    async def _pass_on(self, request: Any, exchange: Exchange) -> Any:
        """An edge around Django has judged the message, by the very same framework."""
        request.smcp = exchange.decision
        self._users.introduce(request, exchange.decision.caller)
        return await self._respond(request)

    async def _guard(self, request: Any, scope: Scope, place: str, body: Body) -> Any:
        """The whole way of one MCP exchange: judge, forward what was judged, judge what comes back."""
        if not self._placed:
            # Once all views are imported. Raises where a decorator of ours guards nothing: nothing is served then.
            check_placement()
            self._placed = True
        outside = _judged_outside(request)
        if outside is not None and await is_judged(outside, self.framework, body):
            put_back(request, body)
            return await self._pass_on(request, outside)
        policy = self.framework.policy
        context = self.framework.http_context(http_of(scope))
        stream = "" if context.session else self._streams.session_of(scope)
        context.session = context.session or stream
        # The older transport lists on one path and calls on another. Never the session itself: callers make those up.
        context.upstream = self._streams.upstream(stream) or place
        if self._users.vouch:
            context.caller = await self._users.caller_of(request, waits=self._waits)
            if hasattr(request, "_body"):
                # By the project's own function, just now.
                body = body_of(request)
        decision = await self._inspect(context, body)
        forward = decision.message if isinstance(decision.message, bytes) else None
        if not decision.allowed and forward is None:
            if not (stream and awaited(decision) and (forward := stand_in(decision))):
                # Also to one who hung up: a view must answer.
                return answered(decision.answer or Answer(400), request.method)
            renew(request, scope, forward, Exchange(self.framework, decision), policy)
            return await self._respond(request)
        exchange = Exchange(self.framework, decision)
        encodings = request.META.get(ENCODINGS)
        renew(request, scope, forward, exchange, policy)
        request.smcp = decision
        self._users.introduce(request, decision.caller)
        response = await self._exchange(request, exchange, body)
        restore(request, encodings)
        return response

    async def _inspect(self, context: Context, body: Body) -> Decision:
        if self._waits:
            return await self.framework.inspect(context, body.read, edge=_EDGE)
        return self.framework.inspect_sync(context, lambda limit: at_once(body.read(limit)), edge=_EDGE)

    async def _exchange(self, request: Any, exchange: Exchange, body: Body) -> Any:
        passage = Passage(exchange, body=body, method=request.method, streams=self._streams, waits=self._waits)
        try:
            with during(exchange):
                response = await self._respond(request)
            if not exchange.decision.allowed:
                return await self._in_place_of(response, request, exchange.decision, passage)
            if not self._waits and response.streaming and on_asgi(request):
                # A middleware inside is sync, but the server that streams is not.
                return async_to_sync(passage.relay)(response, waits=True)
            return await passage.relay(response, waits=self._waits)
        except BaseException:
            passage.turns.waits = self._waits
            await passage.finish()
            raise

    async def _in_place_of(self, response: Any, request: Any, decision: Decision, passage: Passage) -> Any:
        """A refused posted response: the waiting server was told, and its answer never reaches the client."""
        await passage.swallow(response)
        answer = answered(decision.answer or Answer(202), request.method)
        answer._resource_closers.extend(response._resource_closers)
        return answer

    async def _look(self, request: Any, scope: Scope) -> Any:
        """MCP traffic at a path that the policy does not name: a forgotten sibling route is a known hole."""
        body, encoding = body_of(request), encoding_of(scope)
        seen = await body.peek(compressed=encoding in COMPRESSED)
        if seen and is_mcp(seen, self.framework.policy.server.extra_methods, encoding):
            return await self._found(request, scope, body)
        put_back(request, body)
        return await self._respond(request)

    async def _found(self, request: Any, scope: Scope, body: Body) -> Any:
        if self.framework.policy.server.unlisted_mcp == "check":
            return await self._guard(request, scope, normalised(scope["path"]), body)
        _log.warning(
            "MCP traffic at %.200r was refused: add the path to server.paths, or set server.unlisted_mcp",
            scope["path"],
        )
        decision = self.framework.refuse("SMCP110", self.framework.http_context(http_of(scope)), edge=_EDGE)
        return answered(decision.answer or Answer(403), request.method)


def _judged_outside(request: Any) -> Exchange | None:
    found = request.scope.get(SCOPE_KEY) if on_asgi(request) else request.META.get(SCOPE_KEY)
    return found if isinstance(found, Exchange) else None
