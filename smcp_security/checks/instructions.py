"""The instructions rung: text in answers that speaks to the model is reported, marked as data or withheld. Pure.

Every text of a message is looked at, but for definitions, which have a rung of their own. Marked are the texts that a
model reads; structured content is never, since marks would break its schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from smcp_security.checks.blobs import is_text
from smcp_security.checks.blocks import blocks_of, results_of
from smcp_security.checks.edits import all_exchanged, exchanged, with_value
from smcp_security.checks.invisible import runs_to_the_left
from smcp_security.checks.legible import revealed
from smcp_security.checks.marks import mark_for, marked, source_of
from smcp_security.checks.origins import asked_method, asked_target, tool_of
from smcp_security.checks.rung import Context, Rung, pure
from smcp_security.checks.said import fields
from smcp_security.checks.scores import weighed
from smcp_security.checks.shown import shown
from smcp_security.checks.twins import twins_of
from smcp_security.decision import CLEAN, Action, Finding, Outcome, finding
from smcp_security.fields import places
from smcp_security.leaves import Path
from smcp_security.message import Message
from smcp_security.policy import Exclusion, Policy
from smcp_security.policy.globs import matches
from smcp_security.rulebook import DECODE_DEPTH, Hit, Rulebook, Surface

FINDINGS: Final = "smcp-security/findings"
"""Where in a result's `_meta` it is said what was found in it."""

MAX_TOLD: Final = 20

_DEFINITIONS: Final[Mapping[str, str]] = {
    "initialize": "", "server/discover": "", "tools/list": "tools", "prompts/list": "prompts",
    "resources/list": "resources", "resources/templates/list": "resourceTemplates",
}  # fmt: skip
"""The member of a result that holds definitions, by the method that was asked; "" for the whole result."""


_BOUNDS: Final = "bounds"
_TURNS: Final = "SMCP681"
"""Overrides of the direction of text."""


class _Found(msgspec.Struct, frozen=True):
    """A hit in its place. `certain`: the scores of its category in its text are enough."""

    hit: Hit
    path: Path
    is_key: bool
    certain: bool

    @property
    def where(self) -> str:
        return shown(self.path, is_key=self.is_key)

    def finding(self, *, blocks: bool) -> Finding:
        rule = self.hit.rule
        # What is packed deeper than the scan goes no model reads; links that carry a configuration are packed so.
        sure = self.certain and rule.id != DECODE_DEPTH
        action = Action.BLOCK if blocks and sure else Action.REPORT
        return Finding(rule.id, rule.slug, rule.severity, self.where, action, rule.remediation)


def build(policy: Policy, rulebook: Rulebook) -> Rung:
    """The rung for results.injection. In monitor mode it reports and changes nothing."""
    how, enforced, threshold = policy.results.injection, policy.enforces("results"), policy.injection.threshold
    untrusted, bare = policy.results.untrusted, not (policy.results.strip and enforced)
    exclusions = tuple(item for item in policy.injection.exclude if item.pointer is None)

    def instructions(context: Context) -> Outcome:
        message = context.message
        if message is None:
            return CLEAN
        twins = twins_of(message.value)
        found = _found(context, _undefined(context, message), twins, rulebook, exclusions, threshold, bare=bare)
        findings = tuple(item.finding(blocks=how == "block") for item in found)
        found = [item for item in found if item.hit.rule.id != DECODE_DEPTH]
        if not enforced or any(item.action is Action.BLOCK for item in findings):
            return Outcome(findings) if findings else CLEAN
        # Nothing is lost by a mark: what alone is no reason to withhold a text is one to mark it.
        wraps = _wraps(context, message, twins, found, untrusted) if how == "datamark" else {}
        value = _noted(all_exchanged(message.value, wraps), found)
        if value is message.value:
            return Outcome(findings) if findings else CLEAN
        if wraps:
            hint = "one text" if len(wraps) == 1 else f"{len(wraps)} texts"
            findings = (*findings, finding("SMCP711", "/result", hint=hint, action=Action.REPORT))
        return Outcome(findings, edit=with_value(message, value))

    return pure(instructions)


def _undefined(context: Context, message: Message) -> Message:
    """The message without the definitions in it."""
    member, result = _DEFINITIONS.get(asked_method(context, message)), message.value.get("result")
    if member is None or type(result) is not dict:
        return message
    left = {key: part for key, part in result.items() if key != member} if member else {}
    return replace(message, value={**message.value, "result": left}, fields=None)


def _found(
    context: Context,
    message: Message,
    twins: Mapping[Path, str],
    rulebook: Rulebook,
    exclusions: Sequence[Exclusion],
    threshold: int,
    *,
    bare: bool,
) -> list[_Found]:
    said = fields(message)
    packs = said.packed or ()
    texts = _without(twins.values(), said.texts)
    if packs:
        texts = [*texts, *(text for _, text in packs)]
    hits = _scanned(rulebook, texts, bare=bare or not all(is_text(text) for _, text in packs))
    if not bare:
        # Where it could be taken out it was; a line that runs to the left needs it.
        hits = tuple(hit for hit in hits if hit.rule.id != _TURNS or not runs_to_the_left(texts[hit.leaf]))
    if hits and exclusions:
        hits = tuple(_counting(hits, exclusions, context, message))
    if not hits:
        return []
    plain = len(said.texts)
    roots = {hit.leaf: hit.leaf if hit.leaf < plain else packs[hit.leaf - plain][0] for hit in hits}
    where = places(message.value, set(roots.values()))
    return [
        _Found(hit, *where[roots[hit.leaf]], certain)
        for hit, certain in weighed(hits, lambda hit: hit, lambda hit: hit.leaf, threshold)
    ]


def _scanned(rulebook: Rulebook, texts: list[str], *, bare: bool) -> tuple[Hit, ...]:
    """The hits in some texts. `bare`: nothing was taken out of them, and what nobody sees may break up words."""
    hits = rulebook.scan(texts, Surface.RESULT) if texts else ()
    seen = revealed(texts) if bare else None
    if seen is None:
        return hits
    known = {(hit.rule.id, hit.leaf) for hit in hits}
    return (*hits, *(hit for hit in rulebook.scan(seen, Surface.RESULT) if (hit.rule.id, hit.leaf) not in known))


def _without(twins: Iterable[str], texts: list[str]) -> list[str]:
    """The texts, with nothing in the place of those that another place of the message says too."""
    gone = frozenset(twins)
    return ["" if text in gone else text for text in texts] if gone else texts


def _counting(
    hits: Iterable[Hit], exclusions: Sequence[Exclusion], context: Context, message: Message
) -> Iterator[Hit]:
    """The hits that the policy does not exclude for the tool whose answer this certainly is."""
    today = datetime.fromtimestamp(context.now, UTC).date()
    tool = tool_of(context, message) or None
    standing = [item for item in exclusions if not item.expired(today)]
    yield from (hit for hit in hits if not any(item.covers(hit.rule.id, tool, "") for item in standing))


def _wraps(
    context: Context,
    message: Message,
    twins: Mapping[Path, str],
    found: Sequence[_Found],
    untrusted: Sequence[str],
) -> dict[Path, str]:
    """The texts to mark: those with a finding, and every one of a tool that is not trusted or not known."""
    blocks = {path: text for path, text in blocks_of(message.value) if text}
    tool = tool_of(context, message)
    # What ran into a bound of the scan was not read to its end.
    unread = any(item.hit.rule.category == _BOUNDS for item in found)
    if tool is not None and not unread and not any(matches(glob, tool) for glob in untrusted):
        hit = {item.path for item in found}
        if any("structuredContent" in item.path for item in found):
            hit |= twins.keys()
        blocks = {path: text for path, text in blocks.items() if path in hit}
    if not blocks:
        return {}
    mark = mark_for(context.id, message.raw, blocks.values())
    source = source_of(asked_method(context, message), asked_target(context, message))
    return {path: marked(text, mark, source) for path, text in blocks.items()}


def _noted(value: dict[str, Any], found: Sequence[_Found]) -> dict[str, Any]:
    """The message with what was found said in the `_meta` of its result; nobody else says so."""
    for path, inner in results_of(value):
        said = inner.get("_meta")
        if type(said) is dict and FINDINGS in said:
            value = exchanged(value, (*path, "_meta"), {key: part for key, part in said.items() if key != FINDINGS})
    result = value.get("result")
    meta = result.get("_meta", {}) if type(result) is dict else None
    # In a `_meta` that is none nobody would look for it.
    if type(result) is not dict or type(meta) is not dict or not found:
        return value
    told = [{"code": item.hit.rule.id, "reason": item.hit.rule.slug, "where": item.where} for item in found[:MAX_TOLD]]
    return {**value, "result": {**result, "_meta": {**meta, FINDINGS: told}}}
