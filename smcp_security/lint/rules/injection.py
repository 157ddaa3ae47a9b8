"""Rules about `injection`: detection that is off where it is needed, and exclusions that outlive their reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.registry import rule

# Kind of contract -> the category that looks for attacks in such arguments.
_CATEGORIES: Final[Mapping[str, str]] = {
    "path": "path", "url": "ssrf", "sql": "sql", "command": "command", "argv_token": "command", "html": "html",
    "template": "template",
}  # fmt: skip
# Of these a hit is an attack wherever it stands; the others are content in many places.
_CERTAIN: Final = ("command", "sql", "path", "ssrf", "deserialisation", "control", "secret", "ldap")


@rule("POL501", "expired-exclusion", "low")
def expired_exclusion(document: Document) -> Iterator[Found]:
    """An exclusion has ended and counts no more.

    Why:
        What it let through is refused again, and the entry says otherwise.
    Bad:
        injection:
          exclude: [{rule: SMCP631, tool: "wiki.*", reason: articles quote SQL, until: 2020-01-31}]
    Good:
        injection:
          exclude: [{rule: SMCP631, tool: "wiki.*", reason: articles quote SQL, until: 2199-12-31}]
    Fix:
        Renew it, if its reason holds still, or take it out.
    See: docs/policy.md#injection
    """
    assert document.policy is not None
    today = datetime.now(UTC).date()
    for index, exclusion in enumerate(document.policy.injection.exclude):
        if exclusion.expired(today):
            yield Found(("injection", "exclude", index, "until"), "has ended and counts no more; renew or remove it")


@rule("POL502", "endless-exclusion", "info", persona="strict")
def endless_exclusion(document: Document) -> Iterator[Found]:
    """An exclusion has no end.

    Why:
        The reason may be gone long before the exclusion is; a date makes somebody look.
    Bad:
        injection:
          exclude: [{rule: SMCP631, tool: "wiki.*", reason: articles quote SQL}]
    Good:
        injection:
          exclude: [{rule: SMCP631, tool: "wiki.*", reason: articles quote SQL, until: 2199-12-31}]
    Fix:
        Add `until`, a year from now.
    See: docs/policy.md#injection
    """
    assert document.policy is not None
    for index, exclusion in enumerate(document.policy.injection.exclude):
        if exclusion.until is None:
            yield Found(("injection", "exclude", index), "no end; add until, so that somebody looks at it again")


@rule("POL503", "exclusion-everywhere", "medium")
def exclusion_everywhere(document: Document) -> Iterator[Found]:
    """A rule of detection is excluded for every tool and every argument.

    Why:
        The reason is about one place; everywhere else the attack that the rule knows passes too.
    Bad:
        injection:
          exclude: [{rule: SMCP631, reason: articles quote SQL}]
    Good:
        injection:
          exclude: [{rule: SMCP631, tool: "wiki.*", pointer: /body, reason: articles quote SQL}]
    Fix:
        Name the tool, and the argument by its pointer.
    See: docs/policy.md#injection
    """
    assert document.policy is not None
    for index, exclusion in enumerate(document.policy.injection.exclude):
        if exclusion.tool in (None, "*") and exclusion.pointer is None:
            yield Found(("injection", "exclude", index), "counts for every tool and argument; name the place")


@rule("POL504", "detection-off", "high")
def detection_off(document: Document) -> Iterator[Found]:
    """A category is off or only reports while arguments of that very kind exist.

    Why:
        The policy itself says that a tool takes paths, URLs or commands, and attacks of that category are let through
        in all arguments that have no contract.
    Bad:
        injection: {action: {path: "off"}}
        tools:
          read_page: {arguments: {path: {kind: path, roots: ["/srv/library"]}}}
    Good:
        injection: {action: {path: block}}
        tools:
          read_page: {arguments: {path: {kind: path, roots: ["/srv/library"]}}}
    Fix:
        Block the category, and exclude single rules where honest text meets them.
    See: docs/policy.md#injection https://cwe.mitre.org/data/definitions/693.html
    """
    policy = document.policy
    assert policy is not None
    kinds = {contract.kind for tool in policy.tools.values() for contract in tool.arguments.values()}
    named = {_CATEGORIES[kind] for kind in kinds if kind in _CATEGORIES}
    for category in sorted(named):
        if policy.injection.action[category] == "off":
            told = f"{category} is off, and tools take arguments of that kind; block it and exclude single rules"
            yield Found(("injection", "action", category), told)


@rule("POL505", "certain-attack-let-through", "medium", "medium")
def certain_attack_let_through(document: Document) -> Iterator[Found]:
    """A category whose hits are attacks wherever they stand is off.

    Why:
        Next to nothing honest looks like a metadata address or a pickle. What is content in some places (html, prompt,
        template) is not concerned.
    Bad:
        injection: {action: {ssrf: "off"}}
    Good:
        injection: {action: {prompt: "off"}}
    Fix:
        Report it at least (`annotate`), and exclude single rules where honest text meets them.
    See: docs/detection.md
    """
    policy = document.policy
    assert policy is not None
    for category in _CERTAIN:
        path = ("injection", "action", category)
        if policy.injection.action[category] == "off" and document.written(path):
            yield Found(path, f"attacks of {category} are not even reported; write annotate, or exclude single rules")


@rule("POL506", "detector-fails-open", "medium")
def detector_fails_open(document: Document) -> Iterator[Found]:
    """A message passes when a detector of your own crashes or takes too long.

    Why:
        Whoever finds a text that it chokes on is past it.
    Bad:
        injection: {detectors: {on_failure: allow}}
    Good:
        injection: {detectors: {on_failure: deny, budget: 200}}
    Fix:
        Deny, and give it the time that it needs.
    See: docs/detection.md https://cwe.mitre.org/data/definitions/636.html
    """
    assert document.policy is not None
    if document.policy.injection.detectors.on_failure == "allow":
        yield Found(("injection", "detectors", "on_failure"), "a text that it chokes on is past it; write deny")
