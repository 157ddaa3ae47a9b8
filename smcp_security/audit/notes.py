"""What is written down of a message, and what becomes of a verdict whose record is not kept."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from smcp_security import engine
from smcp_security.audit.record import decision_record, outcome_record, secret_record
from smcp_security.decision import Decision, finding
from smcp_security.errors import AuditUnavailable
from smcp_security.observers import Ending

if TYPE_CHECKING:
    from smcp_security.audit.record import Seal
    from smcp_security.audit.sink import Sink
    from smcp_security.checks.rung import Context

_log: Final = logging.getLogger("smcp_security")


def note_verdict(
    sink: Sink, seal: Seal, decision: Decision, context: Context, edge: str, *, earlier: Decision | None = None
) -> None:
    """Write down which secrets the call gets, and the verdict. What was let in by an `earlier` one is written there.

    Raises `AuditUnavailable` where the sink takes no record and the policy denies then.
    """
    if decision.allowed and context.given and sink.wants(False):
        for given in context.given:
            sink.write(secret_record(decision, given, context.now, seal))
    if (earlier is None or not decision.allowed) and sink.wants(not decision.allowed):
        sink.write(decision_record(decision, context, seal, edge))


def note_ending(sink: Sink, decision: Decision, ending: Ending) -> None:
    """Write down what became of a message. It has run: where that fails, the log says so."""
    if not sink.wants(ending.result == "withheld"):
        return
    try:
        sink.write(outcome_record(decision.id, time.time(), ending))
    except AuditUnavailable:
        _log.error("audit: the outcome of %s could not be recorded", decision.id)


def result_of(result: str, error: str) -> str:
    """What became of a message whose answer came whole: an error is one, too."""
    if result != "complete" or not error:
        return result
    return "tool-error" if error == "tool" else "error"


def waits(sink: Sink, decision: Decision, context: Context, earlier: Decision | None = None) -> bool:
    """Whether the verdict takes effect only when what `note_verdict` wrote is on the disk."""
    if not sink.waits or (earlier is not None and decision.allowed and not context.given):
        return False
    # Who is refused need not wait for a disk that is known to fail.
    return decision.allowed or sink.healthy


def lost(sink: Sink, decision: Decision, context: Context, *, must: bool) -> Decision:
    """The verdict whose record was not kept in time: a denial, if it `must` be."""
    if not decision.allowed or not must:
        return decision
    context.given = ()
    blocking = finding("SMCP002")
    # The record that says that it was allowed may get to the disk later.
    note_ending(sink, decision, Ending("refused", findings=(blocking,)))
    return engine.denial(blocking, context, decision.id)
