"""`SMCPSecurityFramework`: drives the engine, answers its questions, tells the audit, and denies on any error.

The only broad `except` of the package is here: it logs exception types and frames, never a message (pydantic and
jsonschema put the input into theirs), and denies.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
import traceback
import weakref
from collections.abc import Awaitable, Callable
from threading import Lock
from types import TracebackType
from typing import Any, Final, TypeAlias

from msgspec.structs import replace

from smcp_security import audit, contexts, engine
from smcp_security.armed import Armed, PolicySource, arm
from smcp_security.checks.rung import Context, Http, Learn, Question, ReadBody, Recall, Refusal, Run, Spend, Trace
from smcp_security.contexts import Facts, Incoming
from smcp_security.decision import Decision, Finding, finding
from smcp_security.drivers import drive, drive_async
from smcp_security.errors import AuditUnavailable, FrameworkClosed
from smcp_security.message import Kind
from smcp_security.policy import Policy
from smcp_security.schemas import ToolSchema
from smcp_security.stores.exchanges import Exchanges
from smcp_security.stores.memory import MemoryStore
from smcp_security.strict_json import ids_at_ends

ReadBodyAsync: TypeAlias = Callable[[int], Awaitable[bytes | None]]
ReadBodySync: TypeAlias = Callable[[int], bytes | None]

_log: Final = logging.getLogger("smcp_security")


class SMCPSecurityFramework:
    """One policy, one engine. Thread-safe, fork-safe, and a context manager that flushes the audit.

    Raises `PolicyError` or `RulesError` if the policy or the rules cannot be used: nothing is served then.
    """

    def __init__(self, policy: PolicySource = None) -> None:
        self._store = MemoryStore()
        self._flood = MemoryStore()
        self._exchanges = Exchanges()
        self._closed = False
        self._changing = Lock()
        self._sources: dict[type[Question], Callable[[Any], object]] = {
            Recall: self._recall,
            Spend: self._spend,
            Trace: self._exchanges.trace,
            Learn: self._learn,
        }
        self._armed = arm(policy)
        _FRAMEWORKS.add(self)
        _log.info("%s", self._armed.summary())

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._armed.policy

    def reload(self, policy: PolicySource) -> None:
        """Put another policy in force at once. If it cannot be used, this raises and the last good one stays.

        Raises `FrameworkClosed` after `close`.
        """
        with self._changing:
            if self._closed:
                raise FrameworkClosed("the framework is closed")
            before, self._armed = self._armed, arm(policy, self._armed)
            if self._armed.sink is not before.sink:
                before.sink.close()
        _log.info("policy reloaded: %s", self._armed.summary())

    def close(self) -> None:
        """Flush and close the audit. Messages offered afterwards are denied."""
        with self._changing:
            self._closed = True
            self._armed.sink.close()

    def __enter__(self) -> SMCPSecurityFramework:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- in process --------------------------------------------------------------------------------------------------

    async def process_request(self, request: Incoming, context: Facts = None) -> Decision:
        """Judge one message in process. `decision.message` is what to forward: canonical bytes, or the dict given.

        `request` is a JSON-RPC message as a dict or bytes. Never raises for what the message holds.
        """
        decision = await self.inspect(contexts.in_process(request, context), edge="process")
        return _as_given(decision, request)

    def process_request_sync(self, request: Incoming, context: Facts = None) -> Decision:
        """`process_request` without an event loop."""
        decision = self.inspect_sync(contexts.in_process(request, context), edge="process")
        return _as_given(decision, request)

    async def process_response(self, message: Incoming, decision: Decision) -> Decision:
        """Judge what the server answered to an allowed request, and note the outcome.

        `decision.message` is what to send to the client: the answer as it came, or an error in its place.
        """
        started = time.monotonic()
        judged = await self.inspect_response(contexts.octets(message), decision)
        return self._outcome(message, judged, started)

    def process_response_sync(self, message: Incoming, decision: Decision) -> Decision:
        """`process_response` without an event loop."""
        started = time.monotonic()
        judged = self.inspect_response_sync(contexts.octets(message), decision)
        return self._outcome(message, judged, started)

    def _outcome(self, message: Incoming, judged: Decision, started: float) -> Decision:
        size = len(judged.context.raw or b"") if judged.context is not None else 0
        result = "complete" if judged.allowed else "withheld"
        self.finish(judged, result=result, size=size, seconds=time.monotonic() - started, findings=judged.findings)
        return _as_given(judged, message)

    # -- for edges ---------------------------------------------------------------------------------------------------

    def http_context(self, http: Http) -> Context:
        """The context of an HTTP request."""
        return contexts.of_http(http, self.policy.server.trusted_proxies)

    async def inspect(self, context: Context, read_body: ReadBodyAsync | None = None, *, edge: str) -> Decision:
        """Judge a message whose body is read only if the headers pass. `edge` names the adapter, for the audit."""
        armed, id, context.now = self._armed, _new_id(), time.time()
        try:
            decision = await drive_async(self._request_run(context, armed, id), self._answering(read_body))
        except Exception as error:
            decision = _broken(error, context, id)
        return self._settled(decision, context, armed, edge)

    def inspect_sync(self, context: Context, read_body: ReadBodySync | None = None, *, edge: str) -> Decision:
        """`inspect` without an event loop."""
        armed, id, context.now = self._armed, _new_id(), time.time()
        try:
            decision = drive(self._request_run(context, armed, id), self._answering(read_body))
        except Exception as error:
            decision = _broken(error, context, id)
        return self._settled(decision, context, armed, edge)

    async def inspect_response(self, raw: bytes, decision: Decision) -> Decision:
        """Judge one JSON body or one SSE event's data; `finish` notes the outcome of the whole exchange."""
        context = contexts.of_response(raw, decision)
        try:
            return await drive_async(self._response_run(context, decision), self._answer)
        except Exception as error:
            return _withheld_after(error, context, decision)

    def inspect_response_sync(self, raw: bytes, decision: Decision) -> Decision:
        """`inspect_response` without an event loop."""
        context = contexts.of_response(raw, decision)
        try:
            return drive(self._response_run(context, decision), self._answer)
        except Exception as error:
            return _withheld_after(error, context, decision)

    def too_large(self, head: bytes, tail: bytes, decision: Decision) -> tuple[Decision, bool]:
        """The verdict on an event over the cap, of which the edge holds only the ends, and whether all is told by it.

        On a stream that answers other requests than its own, `message` carries the id that the event seems to answer.
        If nobody is known to wait for that one, somebody may wait for another.
        """
        asked, session = decision.request, "" if decision.context is None else decision.context.session
        if asked is not None and asked.kind is Kind.REQUEST:
            return engine.withheld("SMCP701", decision), True
        ids = ids_at_ends(head, tail)
        known = next((id for id in ids if self._exchanges.settle(session, id)), None)
        seeming = ids[-1] if ids else None
        return engine.withheld("SMCP701", decision, seeming if known is None else known), known is not None

    def forget(self, session: str) -> None:
        """The server has ended a session."""
        self._exchanges.forget(session)

    def refuse(self, code: str, context: Context, *, edge: str) -> Decision:
        """Refuse for a reason that only the edge can see (a WebSocket, MCP at a path that is not listed)."""
        context.now = time.time()
        armed, id = self._armed, _new_id()
        flooded = drive(armed.flood(context), self._answer).findings
        decision = engine.denial(flooded[0] if flooded else finding(code), context, id)
        return self._noted(decision, context, armed, edge)

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait up to `timeout` seconds until the audit is written; whether it is."""
        return self._armed.sink.flush(timeout)

    def finish(
        self,
        decision: Decision,
        *,
        result: str,
        status: int = 0,
        size: int = 0,
        seconds: float = 0.0,
        findings: tuple[Finding, ...] = (),
    ) -> None:
        """Note what became of an allowed message, under the id of its decision. It has run: this denies nothing."""
        asked = decision.request
        if result == "withheld" and asked is not None and asked.kind is Kind.REQUEST and decision.context is not None:
            self._exchanges.settle(decision.context.session, asked.id)
        sink = self._armed.sink
        if not sink.wants(result == "withheld"):
            return
        record = audit.outcome_record(
            id=decision.id, at=time.time(), status=status, result=result, size=size, seconds=seconds, findings=findings
        )
        try:
            sink.write(record)
        except AuditUnavailable:
            _log.error("audit: the outcome of %s could not be recorded", decision.id)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _request_run(self, context: Context, armed: Armed, id: str) -> Run[Decision]:
        if self._closed:
            raise FrameworkClosed("the framework is closed")
        return engine.inspect_request(
            context,
            armed.request,
            id=id,
            monitored=armed.monitored,
            timer=time.perf_counter_ns,
            rate_status=armed.policy.server.rate_status,
        )

    def _response_run(self, context: Context, decision: Decision) -> Run[Decision]:
        armed = self._armed
        return engine.inspect_response(
            context, armed.response, id=decision.id, monitored=armed.monitored, timer=time.perf_counter_ns
        )

    def _answer(self, question: Question) -> object:
        """Both drivers ask here: what memory knows is answered at once."""
        return self._sources[type(question)](question)

    def _answering(self, read_body: Callable[[int], object] | None) -> Callable[[Question], object]:
        """`_answer`, and the body of this very request."""
        if read_body is None:
            return self._answer
        return lambda question: read_body(question.limit) if type(question) is ReadBody else self._answer(question)

    def _spend(self, question: Spend) -> Refusal | None:
        return (self._flood if question.local else self._store).spend(question, time.monotonic())

    def _recall(self, question: Recall) -> ToolSchema | None:
        return self._armed.definitions.recall(question.tool, question.upstream)

    def _learn(self, question: Learn) -> ToolSchema | None:
        return self._armed.definitions.learn(question.tool, question.schema, question.upstream)

    def _settled(self, decision: Decision, context: Context, armed: Armed, edge: str) -> Decision:
        """The verdict as it takes effect: written down, and what is allowed open for its answer."""
        decision = self._noted(decision, context, armed, edge)
        if decision.allowed and decision.request is not None:
            self._exchanges.open(context.session, decision.request, "" if context.caller is None else context.caller.id)
        return decision

    def _noted(self, decision: Decision, context: Context, armed: Armed, edge: str) -> Decision:
        """Write the verdict down before it takes effect. Where that fails and the policy says so, it is a denial."""
        try:
            # Where a reload came in between, the sink in force: the one before is closed.
            sink = self._armed.sink
            if sink.wants(not decision.allowed):
                sink.write(audit.decision_record(decision, context, armed.seal, edge))
        except AuditUnavailable:
            blocking = finding("SMCP002")
            return engine.denial(blocking, context, decision.id)
        except Exception as error:
            return _broken(error, context, decision.id)
        return decision

    def _reset_locks(self) -> None:
        self._changing = Lock()
        for shared in (self._store, self._flood, self._exchanges, self._armed.definitions):
            shared.reset_lock()


_FRAMEWORKS: Final[weakref.WeakSet[SMCPSecurityFramework]] = weakref.WeakSet()


def _after_fork() -> None:
    """Preloading servers fork: a lock held by a thread of the parent would stay locked in the child for ever."""
    for framework in _FRAMEWORKS:
        framework._reset_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _new_id() -> str:
    return secrets.token_hex(12)


def _as_given(decision: Decision, message: Incoming) -> Decision:
    if decision.allowed and isinstance(message, dict):
        return replace(decision, message=message)
    return decision


def _broken(error: Exception, context: Context, id: str) -> Decision:
    _log_frames(error)
    return engine.denial(finding("SMCP001"), context, id)


def _withheld_after(error: Exception, context: Context, decision: Decision) -> Decision:
    _log_frames(error)
    return engine.withheld("SMCP001", decision)


def _log_frames(error: Exception) -> None:
    """Types and places only: messages of validators hold the input."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " > ".join(f"{os.path.basename(frame.filename)}:{frame.lineno}:{frame.name}" for frame in frames)
    _log.error("a check failed, the message was denied: %s at %s", type(error).__name__, places)
