"""What the hooks of every SDK share: who judges a message that came in process, and what becomes of its answer.

The SDKs are never imported here: a message is a dict, a request is whatever the SDK says came with it.
"""

from __future__ import annotations

import secrets
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qsl

from smcp_security import answers, contexts
from smcp_security.adapters.account import Account
from smcp_security.adapters.current import SCOPE_KEY, Exchange, exchange_here
from smcp_security.adapters.facts import http_of
from smcp_security.adapters.local import ADDRESS, local_facts, own_framework
from smcp_security.adapters.sdk.accounts import caller_of
from smcp_security.adapters.sdk.registered import check_placement
from smcp_security.armed import PolicySource
from smcp_security.checks.rung import Context
from smcp_security.checks.transport import SESSION_PARAMETERS
from smcp_security.contexts import RequestContext
from smcp_security.decision import Decision
from smcp_security.engine import withheld
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.strict_json import deserialise, serialise

_EDGE: Final = "sdk"
Wire = dict[str, Any]
"""A JSON-RPC message."""


class Guard:
    """One policy in front of one server object.

    Without `policy` and `framework` it is the framework of this process, from `SMCP_POLICY` or safe defaults.
    Raises `PolicyError`, `KeyFileError` or `RulesError` at once, so that a server with a bad policy does not start.
    """

    def __init__(self, policy: PolicySource = None, framework: SMCPSecurityFramework | None = None) -> None:
        if framework is None:
            framework = own_framework() if policy is None else SMCPSecurityFramework(policy)
        self.framework: Final = framework
        self.policy: Final = policy
        # Two servers of a process may have tools of one name.
        self._upstream = f"sdk:{secrets.token_hex(4)}"
        self._looked = False

    async def judge(self, message: Wire, request: Any) -> Decision:
        """The verdict on a client's message. `request` is the Starlette request that it came with, if any.

        Raises `Misplaced` at the first message if a `@secure_tool` guards nothing: then nothing is served.
        """
        if not self._looked:
            check_placement()
            self._looked = True
        return await self.framework.inspect(self._context(message, request), edge=_EDGE)

    def refuse(self, code: str, message: Wire, request: Any) -> Decision:
        """Refuse a message for a reason that only the edge can see."""
        return self.framework.refuse(code, self._context(message, request), edge=_EDGE)

    async def judge_posted(self, message: Wire, decision: Decision) -> Decision:
        """The verdict on a client's answer to a question that the server asked while it served `decision`."""
        asked = decision.context
        session, address = ("", ADDRESS) if asked is None else (asked.session, asked.address)
        facts = RequestContext(ip_address=address, session_id=session, caller=decision.caller)
        context = contexts.in_process(message, facts)
        context.upstream = self._upstream
        return await self.framework.inspect(context, edge=_EDGE)

    def outer(self, message: Wire, request: Any) -> Exchange | None:
        """The verdict of an edge further out on this very message. What else is current may be another's."""
        scope = _scope(request)
        given = None if scope is None else scope.get(SCOPE_KEY)
        if isinstance(given, Exchange) and is_about(given, message):
            return given
        here = exchange_here()
        # In process, servers call servers: another's policy is not ours.
        ours = here is not None and here.framework is self.framework
        return here if here is not None and ours and is_about(here, message) else None

    def admit(self, decision: Decision, request: Any) -> Passage:
        """The way of an allowed message, and its verdict where code further in looks for it."""
        passage = Passage(self.framework, decision)
        scope = _scope(request)
        if scope is not None:
            scope["smcp"], scope[SCOPE_KEY] = decision, passage.exchange
        return passage

    def _context(self, message: Wire, request: Any) -> Context:
        scope = _scope(request)
        if scope is None:
            context = contexts.in_process(message, local_facts())
        else:
            http = http_of(scope)
            context = self.framework.http_context(http)
            context.raw = contexts.octets(message)
            # No edge of ours sees the server begin a session.
            context.unwatched = True
            context.session = context.session or _session(http.query)
            # A login of the SDK's own counts where the message has no credential that the policy knows.
            context.caller = caller_of(scope.get("user"))
        context.upstream = self._upstream
        return context


def is_about(exchange: Exchange, message: Wire) -> bool:
    """Whether it was this message that was judged there."""
    decision, judged = exchange.decision, exchange.decision.request
    if judged is None:
        return False
    if "method" not in message:
        # Where an answer was refused, the server gets another in its place.
        return isinstance(decision.message, bytes) and deserialise(decision.message) == message
    return (
        decision.allowed
        and judged.method == message["method"]
        and type(judged.id) is type(message.get("id"))
        and judged.id == message.get("id")
        and _judged_params(judged.params) == _judged_params(message.get("params"))
    )


def _judged_params(params: Any) -> Wire:
    """The params without what the SDKs seal on the wire and open for the server."""
    return {key: value for key, value in dict(params or {}).items() if key != "requestState"}


class Passage:
    """An allowed message on its way through the server. As a context manager it ends the exchange, once, however."""

    __slots__ = ("_account", "_framework", "decision")

    def __init__(self, framework: SMCPSecurityFramework, decision: Decision) -> None:
        self._framework = framework
        self._account = Account(framework, decision)
        self.decision = decision

    @property
    def exchange(self) -> Exchange:
        """What edges further in find."""
        return Exchange(self._framework, self.decision)

    def forwarded(self, message: Wire) -> Wire:
        """What the server gets: the parameters that were judged."""
        judged = self.decision.request
        if judged is None or (not judged.params and "params" not in message):
            return message
        return {**message, "params": judged.params}

    async def answer(self, raw: bytes | None) -> Decision:
        """The verdict on the answer as it would go out; None for one that JSON cannot hold."""
        if raw is None:
            judged = withheld("SMCP703", self.decision)
        else:
            judged = await self._framework.inspect_response(raw, self.decision)
            self._account.size += len(raw)
        self._account.hear(judged)
        self._account.whole = True
        self._account.withheld = not judged.allowed
        return judged

    async def aside(self, message: Wire) -> Wire | None:
        """A notification or question of the server's as the client may see it; None if it may not."""
        raw = bytes_of(message)
        if raw is None:
            return None
        judged = await self._framework.inspect_response(raw, self.decision)
        self._account.hear(judged)
        return body_of(judged.message) if judged.allowed else None

    def taken(self) -> None:
        """A notification was taken: nothing else comes of it."""
        self._account.whole = True

    async def end(self, gone: bool = False) -> None:
        """Give back what the exchange holds, and note its outcome. `gone`: nobody waits for the answer any more."""
        try:
            await self._framework.settle(self.decision)
        finally:
            self._account.close(gone)

    async def __aenter__(self) -> Passage:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._account.failed(error)
        await self.end(gone=kind is not None and not issubclass(kind, Exception))


def refusal(decision: Decision) -> Wire:
    """What a refused request is answered with: an object with `result` or `error`."""
    return body_of(decision.answer.body if decision.answer is not None else None)


def body_of(message: Any) -> Wire:
    """The JSON-RPC message of a verdict; the error of a failed check if it has none."""
    if isinstance(message, bytes) and message:
        value = deserialise(message)
        if type(value) is dict:
            return value
    return {"jsonrpc": "2.0", "error": {"code": answers.INTERNAL, "message": "The message was refused."}}


def bytes_of(message: Wire) -> bytes | None:
    """A message as JSON; None for one that JSON cannot hold."""
    try:
        return serialise(message)
    except (TypeError, ValueError, RecursionError):
        return None


def _scope(request: Any) -> MutableMapping[str, Any] | None:
    scope = getattr(request, "scope", None)
    return scope if isinstance(scope, MutableMapping) and "headers" in scope else None


def _session(query: str) -> str:
    """The session of the deprecated transport, which names it in the query."""
    return next((value for name, value in parse_qsl(query) if name in SESSION_PARAMETERS), "")
