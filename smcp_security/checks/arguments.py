"""The arguments rung: those of a tool against its JSON Schema (2020-12 by default). Pure: the schema is a question."""

from __future__ import annotations

from typing import Any

from smcp_security.checks.routing import param_mismatch
from smcp_security.checks.rung import Context, Recall, Run, Rung
from smcp_security.decision import CLEAN, Action, Finding, Outcome, denied, finding
from smcp_security.message import Era
from smcp_security.policy import ArgumentsPolicy
from smcp_security.schemas import ToolSchema


def build(policy: ArgumentsPolicy) -> Rung:
    """The arguments rung for a policy's arguments section."""

    def arguments(context: Context) -> Run[Outcome]:
        message = context.message
        if message is None or message.method != "tools/call":
            return CLEAN
        schema = yield from Recall(message.target, context.upstream).ask()
        if schema is None or not schema.usable:
            return _unchecked(schema is not None, policy)
        given = message.params.get("arguments") or {}
        if type(given) is not dict:  # a vendor's message of that name, whose shape nobody checked
            return denied("SMCP128", "/params/arguments")
        if message.era is Era.MODERN and context.http is not None and schema.mirrored:
            header = param_mismatch(schema.mirrored, given, context.http.headers)
            if header:
                return denied("SMCP124", header)
        return Outcome(_misfits(schema, given, policy))

    return arguments


def _unchecked(unusable: bool, policy: ArgumentsPolicy) -> Outcome:
    reports = (finding("SMCP505", "/params/name", action=Action.REPORT),) if unusable else ()
    if policy.unknown_schema == "deny":
        return Outcome((*reports, finding("SMCP502", "/params/name")))
    return Outcome(reports) if reports else CLEAN


def _misfits(schema: ToolSchema, given: dict[str, Any], policy: ArgumentsPolicy) -> tuple[Finding, ...]:
    if policy.extras == "deny" and schema.extras(given):
        return (finding("SMCP503", "/params/arguments/*", hint=_names(schema)),)
    if schema.fits(given):
        return ()
    # Lenient servers coerce; refusing what the bare server takes would break honest clients.
    lenient = schema.fits_coerced(given)
    if lenient and policy.coercions == "allow":
        return ()
    code = "SMCP504" if lenient else "SMCP501"
    return tuple(
        finding(code, f"/params/arguments{violation.where}", hint=violation.expected)
        for violation in schema.violations(given)
    )


def _names(schema: ToolSchema) -> str:
    return "one of " + ", ".join(sorted(schema.declared)[:20]) if schema.declared else "no argument at all"
