"""The injection rung: the rulebook over all caller-controlled text, and pointers only for what was hit. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Final

from smcp_security.checks.rung import Context, Recall, Run, Rung
from smcp_security.decision import CLEAN, Action, Finding, Outcome
from smcp_security.leaves import PROTOCOL_KEYS, Path, pointers
from smcp_security.message import Message
from smcp_security.pointer import pointer
from smcp_security.policy import Exclusion, InjectionPolicy
from smcp_security.rulebook import Hit, Rulebook, Surface
from smcp_security.schemas import ToolSchema

_ARGUMENTS: Final = ("params", "arguments")


def build(policy: InjectionPolicy, rulebook: Rulebook) -> Rung:
    """The injection rung for a policy's injection section."""
    by_rule: dict[str, list[Exclusion]] = {}
    for exclusion in policy.exclude:
        by_rule.setdefault(exclusion.rule, []).append(exclusion)

    def injection(context: Context) -> Run[Outcome]:
        message = context.message
        if message is None:
            return CLEAN
        hits = list(_hits(message, rulebook, policy))
        if not hits:
            return CLEAN
        called = message.target if message.method == "tools/call" else None
        if by_rule:
            today = datetime.fromtimestamp(context.now, UTC).date()
            hits = [item for item in hits if not _excluded(by_rule.get(item[0].rule.id, ()), today, *item, called)]
        schema = (yield from Recall(called, context.upstream).ask()) if called and hits else None
        return Outcome(tuple(_finding(hit, path, policy, schema) for hit, path in hits))

    return injection


def _hits(message: Message, rulebook: Rulebook, policy: InjectionPolicy) -> Iterator[tuple[Hit, Path]]:
    for texts, surface in ((message.texts.request, Surface.REQUEST), (message.texts.answer, Surface.ANSWER)):
        if not texts:
            continue
        hits = [hit for hit in rulebook.scan(texts, surface) if policy.action.get(hit.rule.category, "block") != "off"]
        if hits:
            paths = pointers(message.value, {hit.leaf for hit in hits}, answer=surface is Surface.ANSWER)
            yield from ((hit, paths[hit.leaf]) for hit in hits)


def _excluded(exclusions: Sequence[Exclusion], today: date, hit: Hit, path: Path, called: str | None) -> bool:
    inside = called is not None and path[:2] == _ARGUMENTS
    relative = pointer(path[2:]) if inside else ""
    tool = called if inside else None
    return any(item.covers(hit.rule.id, tool, relative) for item in exclusions if not item.expired(today))


def _finding(hit: Hit, path: Path, policy: InjectionPolicy, schema: ToolSchema | None) -> Finding:
    rule = hit.rule
    action = Action.BLOCK if policy.action.get(rule.category, "block") == "block" else Action.REPORT
    return Finding(rule.id, rule.slug, rule.severity, _shown(path, schema), action, rule.remediation)


def _shown(path: Path, schema: ToolSchema | None) -> str:
    """The pointer as it may be shown: a segment that neither the protocol nor the tool's schema declares is `*`."""
    if path[:2] == _ARGUMENTS and schema is not None:
        return "/params/arguments" + schema.shown(path[2:])
    return pointer(part if isinstance(part, int) or part in PROTOCOL_KEYS else "*" for part in path)
