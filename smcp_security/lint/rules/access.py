"""Rules about `roles` that allow more than was meant, or contradict themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Final

from smcp_security.lint.destruction import destroys, is_destructive
from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.registry import rule
from smcp_security.policy.access import AllowRule, Condition, DenyRule, RolePolicy, inherited
from smcp_security.policy.globs import covers, matches
from smcp_security.policy.places import Path

_MANY: Final = 6
_SHADOWED: Final = ("tools", "prompts", "resources", "methods")
# An address up to its host, maybe a whole one; what ends with a dot, a dash or a colon goes on on purpose.
_WITHOUT_PATH: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*[^/?#.:@-]", re.ASCII)


def _roles(document: Document) -> Iterator[tuple[str, RolePolicy]]:
    if document.policy is not None and document.policy.roles is not None:
        yield from document.policy.roles.items()


def _rules(document: Document) -> Iterator[tuple[Path, AllowRule | DenyRule]]:
    for name, role in _roles(document):
        for index, allow in enumerate(role.allow):
            yield ("roles", name, "allow", index), allow
        for index, deny in enumerate(role.deny):
            yield ("roles", name, "deny", index), deny


@rule("POL210", "shadowed-restriction", "high")
def shadowed_restriction(document: Document) -> Iterator[Found]:
    """Conditions or scopes restrict nothing, because another rule of the role allows the same without them.

    Why:
        One rule that matches is enough, so of two rules for one thing the one with fewer conditions decides. Whoever
        wrote the other thinks that it protects something.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          clerk:
            allow:
              - {tools: ["payment.*"]}
              - {tools: ["payment.refund"], when: [{argument: amount, range: [0, 500]}]}
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          clerk:
            allow:
              - {tools: ["payment.get", "payment.list"]}
              - {tools: ["payment.refund"], when: [{argument: amount, range: [0, 500]}]}
    Fix:
        Narrow the wide rule, or say what must not be as a `deny`.
    See: docs/policy.md#roles https://cwe.mitre.org/data/definitions/863.html
    """
    for name, role in _roles(document):
        free = _allowed(document, name, role)
        for index, allow in enumerate(role.allow):
            for kind in _SHADOWED if allow.when or allow.scopes else ():
                for at, glob in enumerate(getattr(allow, kind)):
                    less = next((less for less in _fewer(_asked(allow)) if _covered(glob, free[kind].get(less))), None)
                    if less is not None:
                        how = "on fewer conditions" if less else "without condition"
                        where = ("roles", name, "allow", index, kind, at)
                        yield Found(where, f"another rule allows it {how}, so this one restricts nothing")


def _covered(glob: str, wider: list[str] | None) -> bool:
    return any(covers(wide, glob) for wide in wider or ())


def _asked(rule: AllowRule) -> frozenset[str]:
    """Everything that a rule asks for besides the name, as it is shown: quicker to compare."""
    return frozenset([*map(repr, rule.when), *rule.scopes])


def _fewer(asked: frozenset[str]) -> Iterator[frozenset[str]]:
    """What asks for less: all of it where that is not much, and else nothing at all or one thing."""
    most = len(asked) - 1 if len(asked) <= _MANY else 1
    for size in range(most + 1):
        yield from map(frozenset, combinations(sorted(asked), size))


def _allowed(document: Document, name: str, role: RolePolicy) -> dict[str, dict[frozenset[str], list[str]]]:
    """What a role allows, by itself and by what it extends: kind -> what is asked for -> names."""
    assert document.policy is not None
    roles = document.policy.roles or {}
    found: dict[str, dict[frozenset[str], list[str]]] = {kind: {} for kind in _SHADOWED}
    for each in (role, *(roles[parent] for parent in inherited(name, roles) if roles[parent].tenants is None)):
        for allow in each.allow:
            asked = _asked(allow)
            for kind, by_asked in found.items():
                by_asked.setdefault(asked, []).extend(getattr(allow, kind))
    return found


@rule("POL211", "duplicate-rule", "low")
def duplicate_rule(document: Document) -> Iterator[Found]:
    """A role says the same rule twice.

    Why:
        One of the two was probably meant to be something else; whoever changes one leaves the other.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {allow: [{tools: ["github.*"]}, {tools: ["github.*"]}]}
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {allow: [{tools: ["github.*"]}, {tools: ["gitlab.*"]}]}
    Fix:
        Take one out, or write what was meant.
    See: docs/policy.md#roles
    """
    for name, role in _roles(document):
        for kind in ("allow", "deny"):
            seen: dict[str, int] = {}
            for index, each in enumerate(getattr(role, kind)):
                first = seen.setdefault(repr(each), index)
                if first != index:
                    yield Found(("roles", name, kind, index), f"the same as roles.{name}.{kind}[{first}]")


@rule("POL212", "wildcard-on-destructive", "medium", "medium")
def wildcard_on_destructive(document: Document) -> Iterator[Found]:
    """A wildcard lets a role use tools that destroy.

    Why:
        `*` takes whatever the server has today and adds tomorrow. Where a list of tools is known (`--tools`, or the
        lock file of `pins`), those that say `destructiveHint` or are named so are looked at one by one; otherwise a
        bare `*` is reported.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {allow: [{tools: ["*"]}]}
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {allow: [{tools: ["*"]}], deny: [{tools: ["*delete*", "*remove*"]}]}
    Fix:
        Name the tools that destroy one by one where they are meant, and keep wildcards to those that read; or deny
        them.
    See: docs/policy.md#roles https://cwe.mitre.org/data/definitions/732.html
    """
    for name, role in _roles(document):
        denied = [glob for each in role.deny if not each.when for glob in each.tools]
        for index, allow in enumerate(role.allow):
            for at, glob in enumerate(allow.tools if not allow.when else ()):
                told = _destroyed(document, glob, denied)
                if told and "*" in glob:
                    yield Found(("roles", name, "allow", index, "tools", at), told)


def _destroyed(document: Document, glob: str, denied: list[str]) -> str:
    """What is to be said of a wildcard; "" if nothing."""
    if document.known is None:
        # A denial of something else leaves those that destroy.
        free = not any(is_destructive(each) for each in denied) and not glob.replace("*", "")
        return "takes every tool that destroys as well, today's and tomorrow's; name them, or deny them" if free else ""
    hit = [
        tool
        for tool, definition in document.known.tools.items()
        if matches(glob, tool) and destroys(tool, definition) and not any(matches(each, tool) for each in denied)
    ]
    more = f" and {len(hit) - 1} more" if len(hit) > 1 else ""
    return f"takes {hit[0]}{more}, which the server calls destructive or names so; name it, or deny it" if hit else ""


@rule("POL213", "unknown-tool", "medium")
def unknown_tool(document: Document) -> Iterator[Found]:
    """A rule names a tool that the server does not have.

    Why:
        It never matches: a denial protects nothing, and what was meant is called something else. Asked where a list
        of tools is known: `--tools`, or the lock file of `pins`.
    Bad:
        # with --tools, and a server that has find_book
        identity: {api_keys: {file: keys.yaml}}
        roles:
          reader: {allow: [{tools: ["find_boks"]}]}
    Good:
        # with --tools, and a server that has find_book
        identity: {api_keys: {file: keys.yaml}}
        roles:
          reader: {allow: [{tools: ["find_book"]}]}
    Fix:
        Write the name as the server has it; case counts, and a `*` does not cross a slash.
    See: docs/policy.md#roles
    """
    for path, each in _rules(document) if document.known is not None else ():
        for at, glob in enumerate(each.tools):
            if document.known is not None and not any(matches(glob, tool) for tool in document.known.tools):
                yield Found((*path, "tools", at), f"{document.known.source} has no such tool, so this never matches")


@rule("POL214", "empty-role", "medium")
def empty_role(document: Document) -> Iterator[Found]:
    """A role allows nothing, or only denies.

    Why:
        What no rule allows is denied, so a list of denials alone does not mean "everything else".
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {deny: [{tools: ["*.delete"]}]}
          reader: {allow: [{tools: ["*.get", "*.delete"]}]}
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {extends: [reader], deny: [{tools: ["*.delete"]}]}
          reader: {allow: [{tools: ["*.get", "*.delete"]}]}
    Fix:
        Add what the role may do, extend another role, or take it out.
    See: docs/policy.md#roles
    """
    assert document.policy is not None
    roles = document.policy.roles or {}
    extended = {parent for role in roles.values() for parent in role.extends}
    for name, role in _roles(document):
        allows = [role, *(roles[parent] for parent in inherited(name, roles))]
        # A role that others extend may be there for its denials alone.
        if not any(each.allow for each in allows) and name not in extended:
            what = "only denies, and what no rule allows is denied anyway" if role.deny else "allows nothing"
            yield Found(("roles", name), f"{what}; say what it may do", key=True)


@rule("POL215", "needless-parent", "info", persona="strict")
def needless_parent(document: Document) -> Iterator[Found]:
    """A role extends what another of its parents extends already.

    Why:
        It changes nothing, and reads as if it did.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          a: {allow: [{tools: [x]}]}
          b: {extends: [a]}
          c: {extends: [a, b]}
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          a: {allow: [{tools: [x]}]}
          b: {extends: [a]}
          c: {extends: [b]}
    Fix:
        Take it out.
    See: docs/policy.md#roles
    """
    assert document.policy is not None
    roles = document.policy.roles or {}
    for name, role in _roles(document):
        for at, parent in enumerate(role.extends):
            if any(parent in inherited(other, roles) for other in role.extends if other != parent):
                yield Found(("roles", name, "extends", at), "another parent brings it along")


@rule("POL216", "contradictory-conditions", "high")
def contradictory_conditions(document: Document) -> Iterator[Found]:
    """Conditions of one rule can never hold together.

    Why:
        All conditions of a rule must hold, so an `allow` grants nothing and a `deny` denies nothing. Alternatives are
        values of one `in`, or rules of their own.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev:
            allow: [{tools: [deploy], when: [{argument: to, equals: staging}, {argument: to, equals: test}]}]
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev:
            allow: [{tools: [deploy], when: [{argument: to, in: [staging, test]}]}]
    Fix:
        Write one condition with `in`, or a rule for each.
    See: docs/policy.md#roles https://cwe.mitre.org/data/definitions/670.html
    """
    for path, each in _rules(document):
        for index, condition in enumerate(each.when):
            if any(_excludes(condition, other) for other in each.when[:index]):
                yield Found((*path, "when", index), "never holds together with an earlier condition of this rule")


def _excludes(one: Condition, other: Condition) -> bool:
    """Whether no value fits both, which are about the same thing."""
    if (one.claim, one.argument) != (other.claim, other.argument):
        return False
    ones, others = _values(one), _values(other)
    if ones is not None and others is not None:
        # For a condition 1 and 1.0 are one value, and 1 and true two.
        return {(isinstance(value, bool), value) for value in ones}.isdisjoint(
            (isinstance(value, bool), value) for value in others
        )
    if ones is not None:
        return not any(_fits(other, value) for value in ones)
    if others is not None:
        return not any(_fits(one, value) for value in others)
    if (one.range is None) != (other.range is None):
        return True
    if one.range is not None and other.range is not None:
        return _apart(one.range, other.range) or _apart(other.range, one.range)
    if one.prefix is not None and other.prefix is not None:
        return not one.prefix.startswith(other.prefix) and not other.prefix.startswith(one.prefix)
    return False


def _fits(condition: Condition, value: object) -> bool:
    """Whether a value begins with the prefix, or lies in the range, of a condition that has either."""
    if condition.prefix is not None:
        return isinstance(value, str) and value.startswith(condition.prefix)
    if condition.range is None or isinstance(value, bool) or not isinstance(value, int | float):
        return False
    least, most = condition.range
    return (least is None or value >= least) and (most is None or value <= most)


def _values(condition: Condition) -> tuple[object, ...] | None:
    return (condition.equals,) if condition.equals is not None else condition.one_of


def _apart(low: tuple[object, object], high: tuple[object, object]) -> bool:
    most, least = low[1], high[0]
    return isinstance(most, int | float) and isinstance(least, int | float) and most < least


@rule("POL217", "open-prefix", "medium", "medium")
def open_prefix(document: Document) -> Iterator[Found]:
    """A prefix of a path or an address does not end with a slash.

    Why:
        A prefix is text: `/srv/data` lets `/srv/data-secret/keys` through as well, and `https://example.com` also
        `https://example.com.evil.example`.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {allow: [{tools: ["fs.read"], when: [{argument: path, prefix: /srv/data}]}]}
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {allow: [{tools: ["fs.read"], when: [{argument: path, prefix: /srv/data/}]}]}
    Fix:
        End the folder or the host with its slash, or write a contract of the kind path with `roots`, which resolves the
        path, or of the kind url with `hosts`.
    See: docs/policy.md#roles https://cwe.mitre.org/data/definitions/22.html
    """
    for path, each in _rules(document):
        for index, condition in enumerate(each.when if path[2] == "allow" else ()):
            prefix = condition.prefix if condition.prefix is not None else ""
            if _WITHOUT_PATH.fullmatch(prefix):
                told = "lets hosts through that only begin so; end the host with a slash"
                yield Found((*path, "when", index, "prefix"), told)
                continue
            last = prefix.rpartition("/")[2]
            # With a dot in its last part it is a file rather than a folder.
            if "/" in prefix and last and last[-1] not in "-_:=?" and "." not in last:
                yield Found((*path, "when", index, "prefix"), "names neighbours of the folder too; end it with a slash")


@rule("POL218", "destructive-by-default", "medium", "low", persona="strict")
def destructive_by_default(document: Document) -> Iterator[Found]:
    """Without roles every caller may use tools whose names say that they destroy.

    Why:
        The policy knows such tools and leaves them to everybody who gets in.
    Bad:
        tools:
          delete_book: {arguments: {isbn: {kind: identifier}}}
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          librarian: {allow: [{tools: [delete_book]}]}
        tools:
          delete_book: {arguments: {isbn: {kind: identifier}}}
    Fix:
        Add `roles`, and give these tools to those who need them.
    See: docs/policy.md#roles
    """
    assert document.policy is not None
    for name in document.policy.tools if document.policy.roles is None else ():
        if is_destructive(name):
            yield Found(("tools", name), "everybody who gets in may use it; roles say who should", key=True)
