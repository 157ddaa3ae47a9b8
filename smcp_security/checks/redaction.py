"""The redaction rung: credentials and personal data in what the server says are masked. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from smcp_security.checks.edits import with_value
from smcp_security.checks.fitting import fits, schema_of
from smcp_security.checks.masking import Place, masked
from smcp_security.checks.origins import asked_method, asked_target
from smcp_security.checks.protocol_places import covers
from smcp_security.checks.repeats import TooManyRepeats
from smcp_security.checks.rung import Context, Run, Rung
from smcp_security.checks.said import fields
from smcp_security.checks.shown import shown
from smcp_security.decision import CLEAN, Action, Finding, Outcome, denied, finding
from smcp_security.message import Message
from smcp_security.policy import Kept, Policy
from smcp_security.redaction.redactor import Redactor, Span
from smcp_security.redaction.scan import SpanFlood
from smcp_security.schemas import ToolSchema

MAX_FINDINGS: Final = 20
_SECRETS: Final = "secrets"


def build(policy: Policy, redactor: Redactor) -> Rung:
    """The redaction rung of a policy. In monitor mode it reports and changes nothing."""
    enforced, keep = policy.enforces("results"), policy.results.keep

    def redaction(context: Context) -> Run[Outcome]:
        message = context.message
        if message is None:
            return CLEAN
        kept = _kept(keep, context, message) if keep else ()
        today = datetime.fromtimestamp(context.now, UTC).date() if kept else date.min
        tool = asked_target(context, message) if kept else ""

        def find(texts: Sequence[str], names: Sequence[str]) -> Sequence[Span]:
            spans = redactor.find(texts, names)
            if not spans or not kept:
                return spans
            return [span for span in spans if not any(item.covers(span.mask, span.kind, tool, today) for item in kept)]

        try:
            found = masked(message.value, fields(message), find, covers)
        except (SpanFlood, TooManyRepeats):
            return denied("SMCP712", "/result")
        if found is None:
            return CLEAN
        schema = yield from schema_of(context, message, found.places)
        reports = tuple(_findings(found.places, schema))
        if not fits(message.value, found.value, schema):
            unfit = finding("SMCP709", "/result/structuredContent", hint=reports[0].hint)
            return Outcome((*reports, unfit))
        return Outcome(reports, edit=with_value(message, found.value) if enforced else None)

    return redaction


def _kept(keep: Sequence[Kept], context: Context, message: Message) -> Sequence[Kept]:
    """What may hold for this message: a caller must not get another tool's result as that of a tool that is kept."""
    return keep if asked_method(context, message) == "tools/call" else ()


def _findings(places: Sequence[Place], schema: ToolSchema | None) -> list[Finding]:
    """One for each text and code, up to a bound; the last one counts the rest."""
    found: list[Finding] = []
    further: Counter[str] = Counter()
    code = "SMCP706"
    for place in places:
        for code, masks in _by_code(place).items():
            if len(found) < MAX_FINDINGS:
                where = shown(place.path, schema, is_key=place.is_key)
                found.append(finding(code, where, hint=told(masks), action=Action.REPORT))
            else:
                further += masks
    if further:
        found.append(finding(code, hint=f"more: {told(further)}", action=Action.REPORT))
    return found


def _by_code(place: Place) -> dict[str, Counter[str]]:
    by_code: dict[str, Counter[str]] = {}
    for (mask, kind), count in place.masks.items():
        by_code.setdefault("SMCP705" if kind == _SECRETS else "SMCP706", Counter())[mask] += count
    return by_code


def told(masks: Counter[str]) -> str:
    """What was masked, in words: github-token (2), email."""
    return ", ".join(mask if count == 1 else f"{mask} ({count})" for mask, count in sorted(masks.items()))
