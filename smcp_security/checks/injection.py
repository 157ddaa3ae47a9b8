"""The injection rung: the rulebook over all caller-controlled text, and pointers only for what was hit. Pure.

Context decides what a hit does: SQL in an argument for SQL is content, the same text in a name is an attack. Rules that
are not certain alone add up, per category and text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Final

import msgspec

from smcp_security.checks.detectors import detected
from smcp_security.checks.meanings import Knowledge, Meaning, Meanings, arguments_path
from smcp_security.checks.rung import Context, Recall, Run, Rung
from smcp_security.checks.scores import weighed
from smcp_security.decision import CLEAN, Action, Finding, Outcome
from smcp_security.leaves import PROTOCOL_KEYS, Path, pointers
from smcp_security.message import Message
from smcp_security.pointer import pointer
from smcp_security.policy import Exclusion, InjectionPolicy
from smcp_security.rulebook import Hit, Rulebook, Surface
from smcp_security.schemas import ToolSchema

_ARGUMENTS: Final = ("params", "arguments")
_CALLS: Final = frozenset({"tools/call", "prompts/get"})
_NAMES: Final = frozenset({("params", "name"), ("params", "ref", "name"), ("params", "argument", "name")})
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


class _Found(msgspec.Struct, frozen=True):
    """A hit in its place. `disposition` is what the policy and the place's meaning make of its category."""

    hit: Hit
    path: Path
    disposition: str


def build(policy: InjectionPolicy, rulebook: Rulebook, knowledge: Knowledge, detectors: int = 0) -> Rung:
    """The injection rung for a policy's injection section. `detectors` is how many the operator has added."""
    by_rule: dict[str, list[Exclusion]] = {}
    for exclusion in policy.exclude:
        by_rule.setdefault(exclusion.rule, []).append(exclusion)

    def injection(context: Context) -> Run[Outcome]:
        message = context.message
        if message is None:
            return CLEAN
        hits = list(_hits(message, rulebook))
        own = (yield from detected(context, policy, detectors)) if detectors else ()
        if not hits:
            return Outcome(own) if own else CLEAN
        called = message.target if message.method == "tools/call" else None
        if by_rule:
            today = datetime.fromtimestamp(context.now, UTC).date()
            hits = [item for item in hits if not _excluded(by_rule.get(item[0].rule.id, ()), today, *item, called)]
        schema = (yield from Recall(called, context.upstream).ask()) if called and hits else None
        meanings = _meanings(message, knowledge, schema)
        found = [_Found(hit, path, _disposition(hit, path, message, policy, meanings)) for hit, path in hits]
        return Outcome((*own, *_findings(found, policy.threshold, schema)))

    return injection


def _hits(message: Message, rulebook: Rulebook) -> Iterator[tuple[Hit, Path]]:
    for texts, surface in ((message.texts.request, Surface.REQUEST), (message.texts.answer, Surface.ANSWER)):
        hits = rulebook.scan(texts, surface) if texts else ()
        if hits:
            paths = pointers(message.value, {hit.leaf for hit in hits}, answer=surface is Surface.ANSWER)
            yield from ((hit, paths[hit.leaf]) for hit in hits)


def _excluded(exclusions: Sequence[Exclusion], today: date, hit: Hit, path: Path, called: str | None) -> bool:
    inside = called is not None and path[:2] == _ARGUMENTS
    relative = pointer(path[2:]) if inside else ""
    tool = called if inside else None
    return any(item.covers(hit.rule.id, tool, relative) for item in exclusions if not item.expired(today))


def _meanings(message: Message, knowledge: Knowledge, schema: ToolSchema | None) -> Meanings | None:
    if message.method not in _CALLS:
        return None
    if message.method == "prompts/get":
        return knowledge.of_prompt(message.target)
    return knowledge.of_tool(message.target, schema)


def _disposition(hit: Hit, path: Path, message: Message, policy: InjectionPolicy, meanings: Meanings | None) -> str:
    """block, annotate or off: the policy's word for the category, unless the place means something else."""
    category = hit.rule.category
    general = policy.action.get(category, "block")
    if category == "command" and _is_name(hit, path, message):
        return "off"
    place = arguments_path(path, message)
    if meanings is None or place is None:
        return general
    found = list(meanings.at(place))
    if place and place[-1] == message.texts.request[hit.leaf]:
        # A name, not a value: contracts judge values alone, and who calls may have made the name up.
        found = [meaning for meaning in found if meaning.whole and len(meaning.segments) < len(place)]
    stated = [meaning for meaning in found if meaning.contract is not None]
    if stated:
        # Several contracts may hold for one place: what one of them refuses is refused.
        return max((_said(meaning, category, general) for meaning in stated), key=_STRICTNESS.index)
    content = any(not meaning.content.isdisjoint((category, hit.rule.id)) for meaning in found)
    return "annotate" if content and general == "block" else general


def _is_name(hit: Hit, path: Path, message: Message) -> bool:
    """Whether the text is what something is called, and nothing else: `whoami` is a tool of many servers."""
    if path not in _NAMES and path[:2] != _ARGUMENTS:
        return False
    text = message.texts.request[hit.leaf]
    return (path in _NAMES or path[-1] == text) and _NAME.fullmatch(text) is not None


_STRICTNESS: Final = ("off", "annotate", "block")


def _said(meaning: Meaning, category: str, general: str) -> str:
    said = meaning.actions.get(category)
    if said is not None:
        return said
    return "off" if category in meaning.content else general


def _findings(found: Iterable[_Found], threshold: int, schema: ToolSchema | None) -> Iterator[Finding]:
    """Each hit as a finding; those of a category block where the scores of its rules in one text are enough."""
    counted = (item for item in found if item.disposition != "off")
    for item, certain in weighed(counted, lambda item: item.hit, lambda item: item.path, threshold):
        action = Action.BLOCK if certain and item.disposition == "block" else Action.REPORT
        rule = item.hit.rule
        yield Finding(rule.id, rule.slug, rule.severity, _shown(item.path, schema), action, rule.remediation)


def _shown(path: Path, schema: ToolSchema | None) -> str:
    """The pointer as it may be shown: a segment that neither the protocol nor the tool's schema declares is `*`."""
    if path[:2] == _ARGUMENTS and schema is not None:
        return "/params/arguments" + schema.shown(path[2:])
    return pointer(part if isinstance(part, int) or part in PROTOCOL_KEYS else "*" for part in path)
