"""The ladder: a generator that asks questions and returns a `Decision`. Pure: no I/O, no own clock, no logging."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from smcp_security import answers
from smcp_security.checks import Step
from smcp_security.checks.rung import Context, Pure, Run
from smcp_security.decision import CLEAN, Action, Decision, Finding, Outcome, Timings, finding
from smcp_security.message import Kind
from smcp_security.strict_json import claimed_id

AWAY: Final = 5.0
"""Seconds after which it is worth to ask again for what needs a store or an issuer that is away."""

_ADMISSION: Final = frozenset({"identity", "session"})

Timer = Callable[[], int]
"""Nanoseconds of a clock that never goes back; the driver's, so that the engine stays pure."""


def inspect_request(
    context: Context,
    steps: Sequence[Step],
    *,
    id: str,
    monitored: frozenset[str],
    timer: Timer,
    statuses: Mapping[str, int] = answers.AS_LISTED,
) -> Run[Decision]:
    """Judge one request, notification or posted response. Questions are yielded; the return value is the verdict.

    `statuses` is HTTP statuses by finding code, where the policy says another one than the table.
    """
    blocking, timings = yield from _climb(context, steps, monitored, timer)
    message = context.message
    if blocking is None:
        forward = message.raw if message is not None else None
        return Decision(True, id, tuple(context.findings), forward, context.caller, None, timings, message, context)
    answer = answers.answer(blocking, context.findings, message, statuses=statuses)
    forward = answers.substitute(blocking, message) if message is not None else None
    return Decision(False, id, tuple(context.findings), forward, context.caller, answer, timings, message, context)


def inspect_response(
    context: Context, steps: Sequence[Step], *, id: str, monitored: frozenset[str], timer: Timer
) -> Run[Decision]:
    """Judge one message of the server. On a denial `message` is the error that the client gets in its place, None in
    place of a notification: for that nobody waits."""
    blocking, timings = yield from _climb(context, steps, monitored, timer)
    message = context.message
    if blocking is None:
        forward = message.raw if message is not None else context.raw
        return Decision(True, id, tuple(context.findings), forward, None, None, timings, message, context)
    announced = message is not None and message.kind is Kind.NOTIFICATION
    error = None if announced else answers.withheld(blocking, _waiting(context))
    return Decision(False, id, tuple(context.findings), error, None, None, timings, message, context)


def admits(context: Context, steps: Sequence[Step]) -> Run[bool]:
    """Whether the rungs that tell who calls let a message pass; where there are none, everybody does."""
    for step in steps:
        if step.name in _ADMISSION and _take(context, (yield from step.rung(context)), False) is not None:
            return False
    return True


def denial(blocking: Finding, context: Context, id: str) -> Decision:
    """The verdict for a reason that no rung gave: an edge's, or that a check failed to run."""
    findings = (*context.findings, blocking)
    message = context.message
    forward = answers.substitute(blocking, message) if message is not None else None
    answer = answers.answer(blocking, findings, message)
    return Decision(False, id, findings, forward, context.caller, answer, Timings(), message, context)


def withheld(code: str, decision: Decision, id: str | int | None = None) -> Decision:
    """The verdict on a result that an edge could not even hand over (too large, encoded), or whose check failed.

    `id` is the one that the result answers, where the request of the exchange is not the one that was asked.
    """
    blocking, request = finding(code, retry_after=AWAY if code == "SMCP206" else 0.0), decision.request
    waiting = request.id if request is not None and request.kind is Kind.REQUEST else id
    return Decision(False, decision.id, (blocking,), answers.withheld(blocking, waiting), request=request)


def _waiting(context: Context) -> str | int | None:
    """The id that somebody waits for: the request's or, on a standing stream, the one that the message answers."""
    if context.request is not None:
        return context.request.id
    if context.message is None:
        return claimed_id(context.raw or b"")
    return context.message.id if context.message.kind is Kind.RESPONSE else None


def _climb(
    context: Context, steps: Sequence[Step], monitored: frozenset[str], timer: Timer
) -> Run[tuple[Finding | None, Timings]]:
    """Run the rungs in order up to the first denial: (the finding that denied, the time each rung took)."""
    ticks = [timer()]
    blocking: Finding | None = None
    for step in steps:
        rung = step.rung
        outcome = rung.check(context) if type(rung) is Pure else (yield from rung(context))
        if outcome is not CLEAN:
            blocking = _take(context, outcome, step.section in monitored)
        ticks.append(timer())
        if blocking is not None:
            break
    return blocking, Timings([step.name for step in steps], ticks)


def _take(context: Context, outcome: Outcome, monitored: bool) -> Finding | None:
    """Write down what an outcome brought; the finding that denies, if one does."""
    if outcome.edit is not None:
        context.message = outcome.edit
    if outcome.caller is not None:
        context.caller = outcome.caller
    if outcome.origin is not None:
        context.origin = outcome.origin
    if outcome.slots or outcome.draws:
        context.slots, context.draws = outcome.slots, outcome.draws
    if outcome.given:
        context.given = outcome.given
    return _note(context, outcome.findings, monitored) if outcome.findings else None


def _note(context: Context, findings: Sequence[Finding], monitored: bool) -> Finding | None:
    """Keep the findings, blocks turned into reports where the section is only monitored; the first block, if any.

    What is wrong with the engine or the message itself (SMCP0xx, SMCP1xx) denies in any mode: there is nothing to go
    on with.
    """
    if monitored:
        findings = [item if item.code < "SMCP2" else replace(item, action=Action.REPORT) for item in findings]
    context.findings.extend(findings)
    return next((item for item in findings if item.action is Action.BLOCK), None)
