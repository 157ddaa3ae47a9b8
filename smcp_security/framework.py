"""`SMCPSecurityFramework`: drives the engine, answers its questions, tells the audit, and denies on any error.

The only broad `except` of the package is here: it logs exception types and frames, never a message (pydantic and
jsonschema put the input into theirs), and denies.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from threading import Lock
from types import TracebackType
from typing import Final, TypeAlias

from msgspec.structs import replace

from smcp_security import audit, contexts, engine, forks
from smcp_security.armed import Armed, PolicySource, Surroundings, arm, reset_locks, retire
from smcp_security.checks.budgets import Tokenizer
from smcp_security.checks.rung import Context, Http, Question, ReadBody, Run
from smcp_security.contexts import Facts, Incoming
from smcp_security.decision import Decision, Finding, finding
from smcp_security.detectors import Detector
from smcp_security.drivers import drive, drive_async, to_its_end
from smcp_security.errors import AuditUnavailable, FrameworkClosed, Unavailable
from smcp_security.failures import broken, log_frames, withheld_after
from smcp_security.message import Kind
from smcp_security.policy import Policy
from smcp_security.resolution import Resolution
from smcp_security.settlement import counted, ends_exchange, settlement
from smcp_security.stores.exchanges import Exchanges
from smcp_security.stores.memory import MemoryStore
from smcp_security.stores.store import revocable
from smcp_security.strict_json import ids_at_ends

ReadBodyAsync: TypeAlias = Callable[[int], Awaitable[bytes | None]]
ReadBodySync: TypeAlias = Callable[[int], bytes | None]

Answer: TypeAlias = Callable[[Question], object]

_log: Final = logging.getLogger("smcp_security")


class SMCPSecurityFramework:
    """One policy, one engine. Thread-safe, fork-safe, and a context manager that flushes the audit.

    `count_tokens` tells how many tokens a text has, for budgets; left out, four characters are one. `detectors` look at
    every message besides the rules.
    Raises `PolicyError`, `KeyFileError` or `RulesError` if the policy, its keys or the rules cannot be used: nothing is
    served then.
    """

    def __init__(
        self,
        policy: PolicySource = None,
        *,
        count_tokens: Tokenizer | None = None,
        detectors: Sequence[Detector] = (),
    ) -> None:
        self._around = Surroundings(
            MemoryStore(), Exchanges(), self._store_changed, Resolution(), count_tokens, tuple(detectors)
        )
        self._closed = False
        self._changing = Lock()
        self._armed = arm(policy, self._around)
        forks.watch(self)
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
            before, self._armed = self._armed, arm(policy, self._around, self._armed)
            retire(before, self._armed)
        _log.info("policy reloaded: %s", self._armed.summary())

    def close(self) -> None:
        """Flush and close the audit. Messages offered afterwards are denied."""
        with self._changing:
            self._closed = True
            retire(self._armed, None)
            self._around.resolution.close()

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
        if ends_exchange(judged):
            await self.settle(decision)
        return self._outcome(message, judged, started)

    def process_response_sync(self, message: Incoming, decision: Decision) -> Decision:
        """`process_response` without an event loop."""
        started = time.monotonic()
        judged = self.inspect_response_sync(contexts.octets(message), decision)
        if ends_exchange(judged):
            self._settle_sync(decision)
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
        armed = self._begin(context)
        try:
            answer = _answering(armed.sources.answer_async, read_body)
            decision = await drive_async(self._request_run(context, armed), answer)
        except Exception as error:
            decision = broken(error, context)
        decision = self._settled(decision, context, armed, edge)
        if not decision.allowed:
            await self.settle(decision)
        return decision

    def inspect_sync(self, context: Context, read_body: ReadBodySync | None = None, *, edge: str) -> Decision:
        """`inspect` without an event loop."""
        armed = self._begin(context)
        try:
            decision = drive(self._request_run(context, armed), _answering(armed.sources.answer, read_body))
        except Exception as error:
            decision = broken(error, context)
        decision = self._settled(decision, context, armed, edge)
        if not decision.allowed:
            self._settle_sync(decision)
        return decision

    async def inspect_response(self, raw: bytes, decision: Decision) -> Decision:
        """Judge one JSON body or one SSE event's data; `finish` notes the outcome of the whole exchange."""
        context, armed = contexts.of_response(raw, decision), self._armed
        context.now = time.time()
        try:
            return await drive_async(self._response_run(context, decision, armed), armed.sources.answer_async)
        except Exception as error:
            return withheld_after(error, decision)

    def inspect_response_sync(self, raw: bytes, decision: Decision) -> Decision:
        """`inspect_response` without an event loop."""
        context, armed = contexts.of_response(raw, decision), self._armed
        context.now = time.time()
        try:
            return drive(self._response_run(context, decision, armed), armed.sources.answer)
        except Exception as error:
            return withheld_after(error, decision)

    async def bind(self, session: str, decision: Decision) -> bool:
        """Whether a session that the server has just begun is the caller's from now on; not if that cannot be known."""
        if self.policy.identity is None:
            return True
        # Late: where nobody is asked who they are, nothing of identity is imported.
        from smcp_security.checks.sessions import begun

        return await self._finds(begun(session, decision.caller))

    async def admits(self, context: Context) -> bool:
        """Whether identity and session let the sender of a message pass that was refused before they were asked."""
        context.now = time.time()
        return await self._finds(engine.admits(context, self._armed.request))

    async def settle(self, decision: Decision, *, pending: bool = False) -> None:
        """The exchange ends: its answer is taken from the budgets, and its slots are given back.

        `pending`: the answer may still come on another exchange of the session; until then its slots last as long as
        those of a dead worker. What has begun is done, whatever becomes of the task that waits for it.
        """
        context = decision.context
        if context is None or not (context.slots or context.uncounted or (pending and context.draws)):
            return
        if pending and self._around.exchanges.defer(context):
            self._armed.store.lapse(context.slots)
            context.slots = ()
        if isinstance(self._armed.store, MemoryStore):
            self._settle_sync(decision)
        else:
            await to_its_end(self._settle(context))

    def too_large(self, head: bytes, tail: bytes, decision: Decision) -> tuple[Decision, bool]:
        """The verdict on an event over the cap, of which the edge holds only the ends, and whether all is told by it.

        On a stream that answers other requests than its own, `message` carries the id that the event seems to answer.
        If nobody is known to wait for that one, somebody may wait for another.
        """
        asked, session = decision.request, "" if decision.context is None else decision.context.session
        if asked is not None and asked.kind is Kind.REQUEST:
            return engine.withheld("SMCP701", decision), True
        ids = ids_at_ends(head, tail)
        known = next((id for id in ids if self._around.exchanges.settle(session, id)), None)
        seeming = ids[-1] if ids else None
        return engine.withheld("SMCP701", decision, seeming if known is None else known), known is not None

    def forget(self, session: str) -> None:
        """The server has ended a session."""
        self._around.exchanges.forget(session)

    def refuse(self, code: str, context: Context, *, edge: str) -> Decision:
        """Refuse for a reason that only the edge can see (a WebSocket, MCP at a path that is not listed)."""
        armed = self._begin(context)
        flooded = drive(armed.flood(context), armed.sources.answer).findings
        decision = engine.denial(flooded[0] if flooded else finding(code), context, context.id)
        return self._noted(decision, context, armed, edge)

    def revoke(self, name: str, seconds: float | None = None) -> None:
        """From now on `name` does not count, for `seconds` or for ever; in other workers within five seconds.

        `name` is `jti:<issuer>#<jti>`, `sub:<caller.id>` or `key:<key id>`. Raises `StoreAway`, and
        `ValueError` for a name that is none of these: to revoke it would stop nobody.
        """
        self._armed.store.revoke(revocable(name), seconds)

    def restore(self, name: str) -> bool:
        """A revoked name counts again; False if it was not revoked. Raises `StoreAway`."""
        return self._armed.store.restore(name)

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
            self._around.exchanges.settle(decision.context.session, asked.id)
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

    def _begin(self, context: Context) -> Armed:
        context.id, context.now = _new_id(), time.time()
        return self._armed

    async def _finds(self, run: Run[bool]) -> bool:
        """What a run finds; false where that cannot be known."""
        try:
            return await drive_async(run, self._armed.sources.answer_async)
        except Unavailable:  # the store says so itself
            return False
        except Exception as error:
            log_frames(error)
            return False

    def _request_run(self, context: Context, armed: Armed) -> Run[Decision]:
        if self._closed:
            raise FrameworkClosed("the framework is closed")
        return engine.inspect_request(
            context,
            armed.request,
            id=context.id,
            monitored=armed.monitored,
            timer=time.perf_counter_ns,
            statuses=armed.statuses,
        )

    def _response_run(self, context: Context, decision: Decision, armed: Armed) -> Run[Decision]:
        run = engine.inspect_response(
            context, armed.response, id=decision.id, monitored=armed.monitored, timer=time.perf_counter_ns
        )
        asked, exchanges = decision.context, self._around.exchanges
        if not (exchanges.owes or (asked is not None and asked.draws)):
            return run
        return counted(run, asked, context, exchanges.owing, self._around.count_tokens)

    async def _settle(self, context: Context) -> None:
        try:
            await drive_async(settlement(context), self._armed.sources.answer_async)
        except Exception as error:
            log_frames(error)

    def _settle_sync(self, decision: Decision) -> None:
        context = decision.context
        try:
            if context is not None:
                drive(settlement(context), self._armed.sources.answer)
        except Exception as error:
            log_frames(error)

    def _settled(self, decision: Decision, context: Context, armed: Armed, edge: str) -> Decision:
        """The verdict as it takes effect: written down, and what is allowed open for its answer."""
        decision = self._noted(decision, context, armed, edge)
        if armed.keys is not None:
            # The app gets the decision in its scope, and has no use for the caller's credential.
            context.http, context.token, context.api_key = None, "", ""
        if context.slots:
            armed.store.hold(context.slots, context)
        if decision.allowed and decision.request is not None:
            caller = "" if context.caller is None else context.caller.id
            self._around.exchanges.open(context.session, decision.request, caller)
        return decision

    def _store_changed(self, state: str) -> None:
        """The store went away or came back: it is a line of the audit, whatever is recorded else."""
        try:
            self._armed.sink.write(audit.store_record(at=time.time(), state=state))
        except (AuditUnavailable, AttributeError):  # while the framework is made, or its audit is full
            _log.error("audit: that the store is %s could not be recorded", state)

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
            return broken(error, context)
        return decision

    def reset_locks(self) -> None:
        """Called in the child after a fork."""
        self._changing = Lock()
        reset_locks(self._armed, self._around)


def _new_id() -> str:
    return secrets.token_hex(12)


def _as_given(decision: Decision, message: Incoming) -> Decision:
    if decision.allowed and isinstance(message, dict):
        return replace(decision, message=message)
    return decision


def _answering(answer: Answer, read_body: Callable[[int], object] | None) -> Answer:
    """`answer`, and the body of this very request."""
    if read_body is None:
        return answer
    return lambda question: read_body(question.limit) if type(question) is ReadBody else answer(question)
