"""One role's rules as they are matched: names by globs, URIs in every form that a server may take them for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from smcp_security.checks.uri_patterns import Pattern, compile_glob, compile_template, tokens
from smcp_security.checks.uris import LONGEST, canonical, shorter_forms, tidied
from smcp_security.errors import PolicyError
from smcp_security.policy.access import AllowRule, Condition, DenyRule, RolePolicy
from smcp_security.policy.globs import matches

Kind: TypeAlias = Literal["tool", "prompt", "resource", "template", "method"]

_NOTHING = Pattern(((), ()), (frozenset({0}), frozenset({1})), frozenset())


class Form(NamedTuple):
    """One spelling of a name, and of a URI the tokens of that."""

    text: str
    parts: Sequence[str] = ()


class Target(msgspec.Struct, frozen=True):
    """What a rule is held against. A URI has forms: an allow rule must match `forms`, a deny rule any of `feared`."""

    kind: Kind
    forms: tuple[Form, ...]
    feared: tuple[Form, ...] = ()
    template: Pattern = _NOTHING

    @classmethod
    def of(cls, kind: Kind, name: str) -> Target | None:
        """The target of that name; None for a URI that readers take differently, or a template that is none."""
        if kind == "template":
            pattern = compile_template(name) if len(name) <= LONGEST else None
            return None if pattern is None else cls(kind, (), (), pattern)
        if kind != "resource":
            return cls(kind, (Form(name),), (Form(name),))
        uri = canonical(name)
        if uri is None:
            return None
        forms = {text: Form(text, tokens(text)) for text in (name, *shorter_forms(uri))}
        return cls(kind, (forms[name], forms[uri])[: 1 + (name != uri)], tuple(forms.values()))


class Rule(msgspec.Struct, frozen=True):
    """One allow or deny rule. `patterns` are those of its resources and templates."""

    tools: tuple[str, ...]
    prompts: tuple[str, ...]
    methods: tuple[str, ...]
    resources: tuple[str, ...]
    templates: tuple[Pattern, ...]
    patterns: tuple[Pattern, ...]
    claims: tuple[Condition, ...]
    arguments: tuple[Condition, ...]
    scopes: tuple[str, ...] = ()

    def allows(self, target: Target) -> bool:
        """Whether the rule names the target in each of its forms."""
        return all(self._names(target.kind, form) for form in target.forms)

    def denies(self, target: Target) -> bool:
        """Whether the rule names what the target may be taken for."""
        return any(self._names(target.kind, form) for form in target.feared)

    def _names(self, kind: Kind, form: Form) -> bool:
        text = form.text
        if kind == "resource":
            return _any(self.resources, text) or any(template.matches(form.parts) for template in self.templates)
        globs = self.tools if kind == "tool" else self.prompts if kind == "prompt" else self.methods
        return _any(globs, text)


class Role(msgspec.Struct, frozen=True):
    """One role of the policy."""

    extends: tuple[str, ...]
    tenants: tuple[str, ...] | None
    allow: tuple[Rule, ...]
    deny: tuple[Rule, ...]

    def counts_for(self, tenant: str) -> bool:
        """Whether it counts for callers of that tenant; who has none is of no tenant."""
        return self.tenants is None or (tenant != "" and _any(self.tenants, tenant))


def compile_role(name: str, role: RolePolicy) -> Role:
    """A role of the policy, ready to be matched. Raises `PolicyError` for a template that is none."""
    allow = tuple(_rule(rule, f"roles.{name}.allow[{place}]") for place, rule in enumerate(role.allow))
    deny = tuple(_rule(rule, f"roles.{name}.deny[{place}]") for place, rule in enumerate(role.deny))
    return Role(role.extends, role.tenants, allow, deny)


def _rule(rule: DenyRule, where: str) -> Rule:
    resources = _spellings(rule.resources)
    templates = tuple(_template(text, where) for text in _spellings(rule.templates))
    return Rule(
        rule.tools,
        rule.prompts,
        rule.methods,
        resources,
        templates,
        (*map(compile_glob, resources), *templates),
        tuple(each for each in rule.when if each.claim is not None),
        tuple(each for each in rule.when if each.argument is not None),
        rule.scopes if isinstance(rule, AllowRule) else (),
    )


def _spellings(patterns: Iterable[str]) -> tuple[str, ...]:
    """As written, for what the caller wrote, and as URIs are normalised."""
    return tuple(dict.fromkeys(text for pattern in patterns for text in (pattern, tidied(pattern))))


def _template(text: str, where: str) -> Pattern:
    pattern = compile_template(text, stars=True)
    if pattern is None:
        raise PolicyError(f"{where}.templates: expected URI templates such as docs://{{id}}/text (RFC 6570)")
    return pattern


def _any(globs: Iterable[str], text: str) -> bool:
    return any(matches(glob, text) for glob in globs)
