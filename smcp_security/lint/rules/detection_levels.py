"""Rules about `injection`: levels, thresholds and actions under which detection finds little of what it knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Fix, Found
from smcp_security.lint.registry import rule
from smcp_security.lint.stated import callable_by_somebody, described, inferred, known_schemas, stated_schemas
from smcp_security.policy.injection import InjectionPolicy
from smcp_security.policy.places import shown_key

_CATEGORIES: Final[Mapping[str, str]] = {
    "path": "path", "url": "ssrf", "hostname": "ssrf", "command": "command", "argv_token": "command",
}  # fmt: skip
"""Kind of an argument -> the category whose hits are attacks in it, whether a contract judges it or not."""
_USUAL: Final = InjectionPolicy.untouched().threshold


@rule("POL507", "threshold-raised", "medium", fixes="unsafe")
def threshold_raised(document: Document) -> Iterator[Found]:
    """Weak signs of an attack hardly ever add up.

    Why:
        A certain rule scores 5. Above that not even it is certain: its hits are reported in place of blocked.
    Bad:
        injection: {threshold: 20}
    Good:
        injection: {threshold: 5}
    Fix:
        Take it out, and exclude the single rules that honest text meets.
    See: docs/detection.md#levels-and-scores
    """
    assert document.policy is not None
    threshold = document.policy.injection.threshold
    if threshold > _USUAL:
        where = ("injection", "threshold")
        told = f"above {_USUAL} not even a certain hit blocks; write {_USUAL}, and exclude single rules"
        yield Found(where, told, fix=Fix((document.replaced(where, str(_USUAL)),), safe=False))


@rule("POL508", "lowest-level", "info", persona="strict")
def lowest_level(document: Document) -> Iterator[Found]:
    """Only the most precise rules of detection run.

    Why:
        Level 1 leaves out the rules that have rare honest matches; level 2 is what `standard` runs.
    Bad:
        injection: {level: 1}
    Good:
        injection: {level: 2}
    Fix:
        Write 2, and exclude single rules where honest text meets them.
    See: docs/detection.md#levels-and-scores
    """
    assert document.policy is not None
    if document.policy.injection.level == 1:
        yield Found(("injection", "level"), "leaves out the rules with rare honest matches; write 2")


@rule("POL509", "attack-only-reported", "medium", "medium")
def attack_only_reported(document: Document) -> Iterator[Found]:
    """A category only reports while arguments of that very kind exist.

    Why:
        A path that climbs or an address of the inside in an argument for paths or URLs is an attack, and it reaches the
        tool. Contracts of those kinds judge their own argument; all others of the tool have detection alone.
    Bad:
        injection: {action: {path: annotate}}
        tools:
          read_page: {arguments: {path: {kind: path, roots: ["/srv/library"]}}}
    Good:
        injection: {action: {path: block}}
        tools:
          read_page: {arguments: {path: {kind: path, roots: ["/srv/library"]}}}
    Fix:
        Block the category, and exclude single rules where honest text meets them.
    See: docs/policy.md#injection
    """
    policy = document.policy
    assert policy is not None
    kinds = {contract.kind for tool in policy.tools.values() for contract in tool.arguments.values()}
    for category in sorted({_CATEGORIES[kind] for kind in kinds if kind in _CATEGORIES}):
        where = ("injection", "action", category)
        if policy.injection.action[category] == "annotate" and document.written(where):
            yield Found(where, f"tools take arguments of that kind, and attacks of {category} reach them; write block")


@rule("POL510", "inferred-undetected", "high", "medium")
def inferred_undetected(document: Document) -> Iterator[Found]:
    """A category is off while arguments of that kind have no contract.

    Why:
        Where nobody has written a contract, detection is all there is. Asked of stated schemas, and of the server's own
        where a list of tools is known: `--tools`, or the lock file of `pins`.
    Bad:
        injection: {action: {path: "off"}}
        tools:
          read_page:
            schema: {type: object, properties: {path: {type: string, maxLength: 200}}, additionalProperties: false}
    Good:
        injection: {action: {html: "off"}}
        tools:
          read_page:
            schema: {type: object, properties: {path: {type: string, maxLength: 200}}, additionalProperties: false}
            arguments: {path: {kind: path, roots: ["/srv/library"]}}
    Fix:
        Block the category, or write contracts for these arguments.
    See: docs/detection.md#kinds-that-are-inferred
    """
    policy = document.policy
    assert policy is not None
    off = [category for category, action in policy.injection.action.items() if action == "off"]
    found: dict[str, str] = {}
    for schema in (*stated_schemas(document), *known_schemas(document)) if off else ():
        judged = described(policy, schema.tool)
        for each in inferred(schema) if callable_by_somebody(policy, schema.tool) else ():
            category = _CATEGORIES.get(each.kind, "")
            if category in off and each.pointer not in judged:
                found.setdefault(category, f"{shown_key('/'.join(each.pointer))} of {shown_key(schema.tool)}")
    for category, place in found.items():
        told = f"{place} is of that kind and has no contract; block {category}, or write one"
        yield Found(("injection", "action", category), told)
