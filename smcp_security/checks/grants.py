"""What the roles of the policy grant: one object that guards the calls and filters the lists by the same rules. Pure.

Rules, in this order: a tool that neither `tools` nor any rule names does not exist where `unlisted_tools` is deny. Any
deny rule that matches settles it, unless one of its conditions fails. Then one allow rule must match, its conditions
hold, and its scopes be the caller's. No match is a denial. A caller has the union of its roles and of what they
extend; a role with `tenants` counts for callers of those tenants alone; who is not verified has no role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import msgspec
from msgspec.structs import replace

from smcp_security.checks.conditions import Truth, all_of, of_arguments, of_claims
from smcp_security.checks.memo import Memo
from smcp_security.checks.rules import Kind, Role, Rule, Target, compile_role
from smcp_security.checks.uri_search import STEPS, Search
from smcp_security.decision import Caller
from smcp_security.policy import Policy
from smcp_security.policy.access import Condition
from smcp_security.policy.globs import matches
from smcp_security.policy.tools import listed

# One entry is about 1 KB at most; a name that no honest tool has is not worth one.
_REMEMBERED: Final = 10_000
_LONGEST_REMEMBERED: Final = 512
_SEEN: Final = 2_000
# Whose callers can ask their issuer for more scopes.
_TOKENS: Final = frozenset({"jwt", "introspection"})
_WITH_ARGUMENTS: Final = frozenset({"tool", "prompt"})


class Verdict(Enum):
    """What a ruling comes to."""

    ALLOWED = "allowed"
    DENIED = "denied"
    # No such tool, or one that is hidden from the caller: nothing may tell the two apart.
    UNKNOWN = "unknown"
    # Its roles allow it; its token lacks scopes, and a new one may have them.
    SCOPES = "scopes"
    # A URI that readers take differently.
    CROOKED = "crooked"


class Offer(msgspec.Struct, frozen=True):
    """An allow rule as far as it depends on the call: conditions on arguments, and scopes that the caller lacks."""

    conditions: tuple[Condition, ...]
    scopes: tuple[str, ...]
    missing: int


class Ruling(msgspec.Struct, frozen=True):
    """What one caller may do with one thing. `listed`: some call could succeed, given the right scopes and arguments.

    Where `offers` are left, the arguments decide: ask `on`. `scopes` is what the call needs. `cost` is the steps that
    the search for a URI of a template took.
    """

    verdict: Verdict
    listed: bool = False
    scopes: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    refusals: tuple[tuple[Condition, ...], ...] = ()
    cost: int = 0

    def on(self, arguments: object) -> Ruling:
        """The ruling on a call with these arguments."""
        if not self.offers:
            return self
        for conditions in self.refusals:
            if all_of(of_arguments(each, arguments) for each in conditions) is not Truth.FAILS:
                return _DENIED
        fit = [
            offer
            for offer in self.offers
            if all_of(of_arguments(each, arguments) for each in offer.conditions) is Truth.HOLDS
        ]
        return _best(fit)


_ALLOWED: Final = Ruling(Verdict.ALLOWED, listed=True)
_DENIED: Final = Ruling(Verdict.DENIED)
_UNKNOWN: Final = Ruling(Verdict.UNKNOWN)
_CROOKED: Final = Ruling(Verdict.CROOKED)


def _best(offers: Sequence[Offer]) -> Ruling:
    """The ruling on what is offered without further conditions: the offer that asks for the fewest new scopes."""
    if not offers:
        return _DENIED
    best = min(offers, key=lambda offer: offer.missing)
    return Ruling(Verdict.SCOPES, True, best.scopes) if best.missing else _ALLOWED


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """All that a ruling looks at of a caller. Equal facts are one object, so that comparing them is cheap."""

    roles: tuple[str, ...]
    tenant: str
    scopes: frozenset[str]
    curable: bool
    claims: tuple[Truth, ...]


class Grants:
    """The rules of a policy, compiled once when it loads."""

    def __init__(self, policy: Policy) -> None:
        self._roles = None
        if policy.roles is not None:
            self._roles = {name: compile_role(name, role) for name, role in policy.roles.items()}
        self._closed = policy.unlisted_tools == "deny"
        self._hides = policy.denied_tools == "hide"
        self._tools = policy.tools
        rules = [rule for role in (self._roles or {}).values() for rule in (*role.allow, *role.deny)]
        self._globs = tuple(dict.fromkeys(glob for rule in rules for glob in rule.tools))
        self._claims = tuple(dict.fromkeys(each for rule in rules for each in rule.claims))
        self._places = {each: place for place, each in enumerate(self._claims)}
        self._scopes = () if policy.identity is None else policy.identity.scopes
        self._by_tenant = any(role.tenants is not None for role in (self._roles or {}).values())
        self._known: Memo[tuple[Facts, str, str], Ruling] = Memo(_REMEMBERED)
        self._facts: Memo[tuple[object, ...], Facts] = Memo(_REMEMBERED)
        self._seen: Memo[int, tuple[Caller, Facts]] = Memo(_SEEN)
        self._nobody = self._gathered(Caller("", verified=True))

    @property
    def in_force(self) -> bool:
        """Whether anything could be refused at all."""
        return self._closed or self._roles is not None

    @property
    def by_role(self) -> bool:
        """Whether there are roles: without them only tools that nobody named are refused."""
        return self._roles is not None

    def ruling(self, caller: Caller | None, kind: Kind, name: str) -> Ruling:
        """What the caller may do with the tool, prompt, resource (by URI), template or method of that name."""
        facts = self._of(caller)
        key = (facts, kind, name)
        found = self._known.get(key)
        if found is None:
            found = self._decide(facts, kind, name)
            if len(name) <= _LONGEST_REMEMBERED:
                self._known.put(key, found)
        return found

    def _of(self, caller: Caller | None) -> Facts:
        if caller is None or not caller.verified:
            return self._nobody
        # The same token is the same object while its verification is remembered; what is held here keeps its id.
        seen = self._seen.get(id(caller))
        if seen is not None and seen[0] is caller:
            return seen[1]
        facts = self._gathered(caller)
        self._seen.put(id(caller), (caller, facts))
        return facts

    def _gathered(self, caller: Caller) -> Facts:
        claims = tuple(of_claims(each, caller.claims) for each in self._claims)
        tenant = caller.tenant if self._by_tenant else ""
        key = (caller.roles, tenant, caller.scopes, caller.source in _TOKENS, claims)
        found = self._facts.get(key)
        if found is None:
            found = Facts(*key)
            self._facts.put(key, found)
        return found

    def _decide(self, facts: Facts, kind: Kind, name: str) -> Ruling:
        if kind == "tool" and self._closed and not self._names(name):
            return _UNKNOWN
        found = self._by_rules(facts, kind, name)
        return _UNKNOWN if kind == "tool" and self._hides and not found.listed else found

    def _names(self, tool: str) -> bool:
        return listed(self._tools, tool) or any(matches(glob, tool) for glob in self._globs)

    def _by_rules(self, facts: Facts, kind: Kind, name: str) -> Ruling:
        if self._roles is None:
            return _ALLOWED
        target = Target.of(kind, name)
        if target is None:
            return _CROOKED
        roles = self._in_force(self._roles, facts)
        allow = [rule for role in roles for rule in role.allow if self._holds(rule, facts) is Truth.HOLDS]
        deny = [rule for role in roles for rule in role.deny if self._holds(rule, facts) is not Truth.FAILS]
        if kind == "template":
            return self._of_template(target, allow, deny, facts)
        deny = [rule for rule in deny if rule.denies(target)]
        allow = [rule for rule in allow if rule.allows(target)]
        if kind in _WITH_ARGUMENTS:
            return _with_arguments(self._offers(allow, facts), [rule.arguments for rule in deny])
        # There is no argument to look at: what one would have to show is not shown, and what it could is feared.
        return _DENIED if deny else _best(self._offers([rule for rule in allow if not rule.arguments], facts))

    def _in_force(self, roles: Mapping[str, Role], facts: Facts) -> list[Role]:
        waiting = list(dict.fromkeys(name for name in facts.roles if name in roles))
        found = []
        for name in waiting:
            role = roles[name]
            if role.counts_for(facts.tenant):
                found.append(role)
                waiting += [each for each in role.extends if each not in waiting]
        return found

    def _holds(self, rule: Rule, facts: Facts) -> Truth:
        return all_of(facts.claims[self._places[each]] for each in rule.claims)

    def _offers(self, rules: Iterable[Rule], facts: Facts) -> list[Offer]:
        """What the rules offer the caller; a scope that it can never get is no offer."""
        offers = [Offer(rule.arguments, self._needed(rule), len(set(rule.scopes) - facts.scopes)) for rule in rules]
        return [offer for offer in offers if facts.curable or not offer.missing]

    def _needed(self, rule: Rule) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self._scopes, *rule.scopes)))

    def _of_template(self, target: Target, allow: Sequence[Rule], deny: Sequence[Rule], facts: Facts) -> Ruling:
        """A template may be used if some URI of it may be read."""
        denied = [pattern for rule in deny for pattern in rule.patterns]
        rules = [rule for rule in allow if not rule.arguments]
        cost = 0
        for rule in sorted(rules, key=lambda rule: len(set(rule.scopes) - facts.scopes)):
            offers = self._offers([rule], facts)
            for pattern in rule.patterns if offers else ():
                search = Search(target.template, pattern, denied)
                found = search.find()
                cost += search.steps
                if found is not None:
                    return replace(_best(offers), cost=cost)
                if cost > STEPS:
                    return replace(_DENIED, cost=cost)
        return replace(_DENIED, cost=cost)


def _with_arguments(offers: Sequence[Offer], refusals: Sequence[tuple[Condition, ...]]) -> Ruling:
    if not offers or not all(refusals):
        return _DENIED
    if not refusals and not any(offer.conditions for offer in offers):
        return _best(offers)
    return Ruling(Verdict.DENIED, True, (), tuple(offers), tuple(refusals))
