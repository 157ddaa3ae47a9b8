"""What an edge asks of the framework: judge this message, judge that answer, this exchange ends. Denies on any error.

The only broad `except` of the package is here: it logs exception types and frames, never a message (pydantic and
jsonschema put the input into theirs), and denies.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from smcp_security import audit, contexts, engine
from smcp_security.armed import Armed, Surroundings
from smcp_security.audit import notes
from smcp_security.audit.commits import within_event_loop
from smcp_security.checks import Step
from smcp_security.checks.custody import AskSought, Given, OpenSecret
from smcp_security.checks.http import Http
from smcp_security.checks.rung import Context, Run
from smcp_security.decision import Decision, Finding, finding
from smcp_security.drivers import drive, drive_async, to_its_end
from smcp_security.errors import AuditUnavailable, FrameworkClosed, Unavailable, VaultError
from smcp_security.failures import broken, log_frames, withheld_after
from smcp_security.message import Kind
from smcp_security.observers import Ending, Observer
from smcp_security.policy.vault import LEAST_GRANTED
from smcp_security.settlement import counted, settlement
from smcp_security.sources import answering
from smcp_security.stores.memory import MemoryStore
from smcp_security.strict_json import ids_at_ends

if TYPE_CHECKING:
    from smcp_security.opened import Opened
    from smcp_security.redaction.sought import Sought

ReadBodyAsync: TypeAlias = Callable[[int], Awaitable[bytes | None]]
ReadBodySync: TypeAlias = Callable[[int], bytes | None]

_log: Final = logging.getLogger("smcp_security")


class Inspection:
    """The part of the framework that edges use. Each question has a twin that needs no event loop."""

    _around: Surroundings
    _armed: Armed
    _closed: bool

    # -- for edges ---------------------------------------------------------------------------------------------------

    def http_context(self, http: Http) -> Context:
        """The context of an HTTP request."""
        return contexts.of_http(http, self._armed.policy.server.trusted_proxies)

    async def inspect(
        self,
        context: Context,
        read_body: ReadBodyAsync | None = None,
        *,
        edge: str,
        demands: Sequence[Step] = (),
        earlier: Decision | None = None,
    ) -> Decision:
        """Judge a message whose body is read only if the headers pass. `edge` names the adapter, for the audit.

        `demands` are climbed after the policy's own steps. `earlier` is what an edge outside made of the very message
        that `context` holds: then they alone are climbed, under its id, and only a refusal is written down.
        """
        armed = self._begin(context, earlier)
        try:
            answer = answering(armed.sources.answer_async, read_body)
            decision = await drive_async(self._request_run(context, armed, demands, earlier), answer)
        except Exception as error:
            decision = broken(error, context)
        decision = self._noted(decision, context, armed, edge, earlier)
        if notes.waits(armed.sink, decision, context, earlier):
            decision = self._unless_lost(await self._kept(decision, armed), decision, context, armed)
        if earlier is not None and decision.allowed:
            return decision
        self._in_force(decision, context, armed, edge)
        if not decision.allowed:
            await self.settle(decision)
        return decision

    def inspect_sync(
        self,
        context: Context,
        read_body: ReadBodySync | None = None,
        *,
        edge: str,
        demands: Sequence[Step] = (),
        earlier: Decision | None = None,
    ) -> Decision:
        """`inspect` without an event loop."""
        armed = self._begin(context, earlier)
        try:
            answer = answering(armed.sources.answer, read_body)
            decision = drive(self._request_run(context, armed, demands, earlier), answer)
        except Exception as error:
            decision = broken(error, context)
        decision = self._noted(decision, context, armed, edge, earlier)
        if notes.waits(armed.sink, decision, context, earlier):
            decision = self._unless_lost(self._kept_sync(armed), decision, context, armed)
        if earlier is not None and decision.allowed:
            return decision
        self._in_force(decision, context, armed, edge)
        if not decision.allowed:
            self.settle_sync(decision)
        return decision

    async def inspect_response(
        self, raw: bytes, decision: Decision, *, demands: Sequence[Step] | None = None
    ) -> Decision:
        """Judge one JSON body or one SSE event's data; `finish` notes the outcome of the whole exchange.

        `demands` are climbed in place of the policy's own steps: what code further in asks of its results.
        """
        context, armed = contexts.of_response(raw, decision), self._armed
        context.now = time.time()
        try:
            return await drive_async(self._response_run(context, decision, armed, demands), armed.sources.answer_async)
        except Exception as error:
            return withheld_after(error, decision)

    def inspect_response_sync(
        self, raw: bytes, decision: Decision, *, demands: Sequence[Step] | None = None
    ) -> Decision:
        """`inspect_response` without an event loop."""
        context, armed = contexts.of_response(raw, decision), self._armed
        context.now = time.time()
        try:
            return drive(self._response_run(context, decision, armed, demands), armed.sources.answer)
        except Exception as error:
            return withheld_after(error, decision)

    async def bind(self, session: str, decision: Decision) -> bool:
        """Whether a session that the server has just begun is the caller's from now on; not if that cannot be known."""
        if self._armed.policy.identity is None:
            return True
        return await self._finds(_beginning(session, decision))

    def bind_sync(self, session: str, decision: Decision) -> bool:
        """`bind` without an event loop."""
        if self._armed.policy.identity is None:
            return True
        try:
            return drive(_beginning(session, decision), self._armed.sources.answer)
        except Unavailable:  # the store says so itself
            return False
        except Exception as error:
            log_frames(error)
            return False

    async def admits(self, context: Context) -> bool:
        """Whether identity and session let the sender of a message pass that was refused before they were asked."""
        context.now = time.time()
        return await self._finds(engine.admits(context, self._armed.request))

    async def settle(self, decision: Decision, *, pending: bool = False) -> None:
        """The exchange ends: its answer is taken from the budgets, and its slots are given back.

        `pending`: the answer may still come on another exchange of the session; until then its slots last as long as
        those of a dead worker. What has begun is done, whatever becomes of the task that waits for it.
        """
        context = self._held(decision, pending)
        if context is None or isinstance(self._armed.store, MemoryStore):
            self._give_back(context)
        else:
            await to_its_end(self._settle(context))

    def settle_sync(self, decision: Decision, *, pending: bool = False) -> None:
        """`settle` without an event loop."""
        self._give_back(self._held(decision, pending))

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
        decision = self._noted(decision, context, armed, edge)
        # What is refused has done nothing: an event loop need not stand still for its record.
        if notes.waits(armed.sink, decision, context) and not within_event_loop():
            decision = self._unless_lost(self._kept_sync(armed), decision, context, armed)
        self._tell(armed, lambda observer: observer.decided(decision, context, edge))
        return decision

    def sought(self) -> Sought | None:
        """The values that nothing the server says may hold: what an edge passes on unjudged is searched for them."""
        return cast("Sought | None", self._armed.sources.answer(AskSought()))

    def hand_out(self, name: str, receiver: str) -> Opened:
        """A secret that no call asks for but what the operator has configured, written down before it is given.

        Raises `VaultError` where there is none, `Unavailable`, `AuditUnavailable`.
        """
        armed = self._armed
        opened = cast("Opened | None", armed.sources.answer(OpenSecret(name)))
        if opened is None:
            raise VaultError(
                f"the vault has no secret {name} of at least {LEAST_GRANTED} bytes that has not expired; store one with"
                " `smcp vault set`"
            )
        if armed.sink.wants(False):
            given = Given(receiver, opened)
            armed.sink.write(audit.secret_record(Decision(True, _new_id()), given, time.time(), armed.seal))
            if armed.sink.waits and not self._kept_sync(armed) and armed.must_keep:
                raise AuditUnavailable("the record of the secret is not on the disk; see the log smcp_security.sink")
        return opened

    def holds(self, secret: str, owner: str) -> bool:
        """Whether the vault has a secret that can be handed out: "shared", or of any "tenant". Raises `Unavailable`."""
        custody = self._armed.custody
        return custody is not None and custody.holds(secret, owner)

    def finish(
        self,
        decision: Decision,
        *,
        result: str,
        status: int = 0,
        size: int = 0,
        seconds: float = 0.0,
        tokens: int | None = None,
        error: str = "",
        findings: tuple[Finding, ...] = (),
        beside: bool = False,
    ) -> None:
        """Note what became of an allowed message, under the id of its decision. It has run: this denies nothing.

        `tokens` are those of the answer; left out, what the budgets counted. `error` is the class of what failed.
        `beside`: more about a message whose outcome is noted elsewhere; observers are told of each outcome once.
        """
        asked, context = decision.request, decision.context
        if result == "withheld" and asked is not None and asked.kind is Kind.REQUEST and context is not None:
            self._around.exchanges.settle(context.session, asked.id)
        if tokens is None and context is not None:
            tokens = context.tokens
        ending = Ending(notes.result_of(result, error), status, size, seconds, tokens, error, findings)
        notes.note_ending(self._armed.sink, decision, ending)
        if not beside:
            self._tell(self._armed, lambda observer: observer.ended(decision, ending))

    # -- inside ------------------------------------------------------------------------------------------------------

    def _begin(self, context: Context, earlier: Decision | None = None) -> Armed:
        context.id, context.now = _new_id() if earlier is None else earlier.id, time.time()
        return self._armed

    def _held(self, decision: Decision, pending: bool) -> Context | None:
        """The context of an exchange that holds something to be given back now."""
        context = decision.context
        if context is None or not (context.slots or context.uncounted or (pending and context.draws)):
            return None
        if pending and self._around.exchanges.defer(context):
            self._armed.store.lapse(context.slots)
            context.slots = ()
        return context

    async def _finds(self, run: Run[bool]) -> bool:
        """What a run finds; false where that cannot be known."""
        try:
            return await drive_async(run, self._armed.sources.answer_async)
        except Unavailable:  # the store says so itself
            return False
        except Exception as error:
            log_frames(error)
            return False

    def _request_run(
        self, context: Context, armed: Armed, demands: Sequence[Step], earlier: Decision | None
    ) -> Run[Decision]:
        if self._closed:
            raise FrameworkClosed("the framework is closed")
        return engine.inspect_request(
            context,
            armed.request + tuple(demands) if earlier is None else demands,
            id=context.id,
            monitored=armed.monitored,
            timer=time.perf_counter_ns,
            statuses=armed.statuses,
        )

    def _response_run(
        self, context: Context, decision: Decision, armed: Armed, demands: Sequence[Step] | None
    ) -> Run[Decision]:
        steps = armed.response if demands is None else demands
        run = engine.inspect_response(
            context, steps, id=decision.id, monitored=armed.monitored, timer=time.perf_counter_ns
        )
        if demands is not None:  # the edge outside counts the answer
            return run
        asked, exchanges = decision.context, self._around.exchanges
        if not (exchanges.owes or (asked is not None and asked.draws)):
            return run
        return counted(run, asked, context, exchanges.owing, self._around.count_tokens)

    async def _settle(self, context: Context) -> None:
        try:
            await drive_async(settlement(context), self._armed.sources.answer_async)
        except Exception as error:
            log_frames(error)

    def _give_back(self, context: Context | None) -> None:
        try:
            if context is not None:
                drive(settlement(context), self._armed.sources.answer)
        except Exception as error:
            log_frames(error)

    def _in_force(self, decision: Decision, context: Context, armed: Armed, edge: str) -> None:
        """The verdict takes effect: observers are told, and what is allowed is open for its answer."""
        self._tell(armed, lambda observer: observer.decided(decision, context, edge))
        if armed.keys is not None:
            # The app gets the decision in its scope, and has no use for the caller's credential.
            context.http, context.token, context.api_key = None, "", ""
        if context.slots:
            armed.store.hold(context.slots, context)
        if decision.allowed and decision.request is not None:
            caller = "" if context.caller is None else context.caller.id
            self._around.exchanges.open(context.session, decision.request, caller)

    def _noted(
        self, decision: Decision, context: Context, armed: Armed, edge: str, earlier: Decision | None = None
    ) -> Decision:
        """Write down which secrets the call gets, before it gets them, and the verdict, before it takes effect.

        Where that fails and the policy says so, it is a denial. A call that is refused gets no secret.
        """
        try:
            # Where a reload came in between, it hands them on to the sink in force.
            notes.note_verdict(armed.sink, armed.seal, decision, context, edge, earlier=earlier)
        except AuditUnavailable:
            decision = engine.denial(finding("SMCP002"), context, decision.id)
        except Exception as error:
            decision = broken(error, context)
        if not decision.allowed:
            context.given = ()
        return decision

    async def _kept(self, decision: Decision, armed: Armed) -> bool:
        try:
            return await self._around.commits.kept_async(armed.sink)
        except BaseException:  # the client hung up, and the call does not run
            notes.note_ending(armed.sink, decision, Ending("cancelled"))
            await self.settle(decision)
            raise

    def _kept_sync(self, armed: Armed) -> bool:
        return self._around.commits.kept(armed.sink)

    def _unless_lost(self, kept: bool, decision: Decision, context: Context, armed: Armed) -> Decision:
        """The verdict, or a denial in place of one whose record is not kept."""
        if kept:
            return decision
        if self._around.commits.missed():
            _log.error("audit: the record of %s is not on the disk; see the log smcp_security.sink", decision.id)
        return notes.lost(armed.sink, decision, context, must=armed.must_keep)

    def _tell(self, armed: Armed, told: Callable[[Observer], None], *, closing: bool = False) -> None:
        """Observers decide nothing: one that raises is not asked again."""
        for observer in armed.observers:
            if id(observer) in armed.deaf and not closing:
                continue
            try:
                told(observer)
            except Exception as error:
                armed.deaf.add(id(observer))
                log_frames(error, f"the observer {type(observer).__qualname__} failed and is not told any more")


def _new_id() -> str:
    return secrets.token_hex(12)


def _beginning(session: str, decision: Decision) -> Run[bool]:
    # Late: where nobody is asked who they are, nothing of identity is imported.
    from smcp_security.checks.sessions import begun

    return begun(session, decision.caller)
