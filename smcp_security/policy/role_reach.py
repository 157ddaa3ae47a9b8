"""Rules of `roles` that can never match: unknown names, denies of what nobody may, allows that a deny takes. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from smcp_security.policy.access import AllowRule, DenyRule, inherited
from smcp_security.policy.globs import covers, overlap
from smcp_security.policy.places import Path
from smcp_security.policy.sources import given_roles, gives_scopes, gives_tenants, tokens

if TYPE_CHECKING:
    from smcp_security.policy.agreement import Problem
    from smcp_security.policy.model import Policy

KINDS: Final = ("tools", "prompts", "resources", "templates", "methods")
_URIS: Final = ("resources", "templates")


def _rules(policy: Policy, kind: str) -> Iterator[tuple[Path, Any]]:
    """Every allow or deny rule with its path."""
    for name, role in (policy.roles or {}).items():
        for index, rule in enumerate(getattr(role, kind)):
            yield ("roles", name, kind, index), rule


def _globs(path: Path, rule: DenyRule) -> Iterator[tuple[Path, str, str]]:
    """Every glob of a rule: its path, its kind, itself."""
    for kind in KINDS:
        for index, glob in enumerate(getattr(rule, kind)):
            yield (*path, kind, index), kind, glob


def _roles_of_nobody(policy: Policy) -> Iterator[Problem]:
    if policy.roles is None:
        return
    if policy.identity is None:
        yield ("roles",), "without identity no caller has a role, so nobody may use anything; add identity"
        return
    given = given_roles(policy.identity)
    if given is None:
        return
    held = given.union(*(inherited(name, policy.roles) for name in given if name in policy.roles))
    for name in policy.roles:
        if name not in held:
            yield ("roles", name), "no source of identity gives this role; name a roles_claim, or who has it"


def _roles_that_do_not_exist(policy: Policy) -> Iterator[Problem]:
    identity = policy.identity
    if identity is None or policy.roles is None:
        return
    named: list[tuple[Path, str]] = []
    if identity.api_keys is not None:
        named += [(("identity", "api_keys", "roles", at), name) for at, name in enumerate(identity.api_keys.roles)]
    for subject, names in identity.certificate.subjects.items() if identity.certificate is not None else ():
        named += [(("identity", "certificate", "subjects", subject, at), name) for at, name in enumerate(names)]
    for path, name in named:
        if name not in policy.roles:
            yield path, f"roles defines no {name}, so it allows nothing"


class GlobIndex:
    """Globs by what they begin with: comparing each with each would take seconds where a program writes the policy."""

    def __init__(self, globs: Iterable[tuple[str, str]]) -> None:
        self._by_head: dict[tuple[bool, str], list[tuple[str, str]]] = {}
        for kind, glob in dict.fromkeys(globs):
            self._by_head.setdefault((kind in _URIS, _head(glob)), []).append((kind, glob))
        self._heads = sorted(self._by_head)

    def wider(self, kind: str, glob: str) -> Iterator[tuple[str, str]]:
        """Every glob that may cover this one: what it begins with is no longer."""
        head = _head(glob)
        for length in range(len(head) + 1):
            yield from self._by_head.get((kind in _URIS, head[:length]), ())

    def near(self, kind: str, glob: str) -> Iterator[tuple[str, str]]:
        """Every glob that may share a name with this one."""
        yield from self.wider(kind, glob)
        uris, head = kind in _URIS, _head(glob)
        for key in islice(self._heads, bisect_right(self._heads, (uris, head)), None):
            if key[0] != uris or not key[1].startswith(head):
                return
            yield from self._by_head[key]


def _denies_of_what_nobody_may(policy: Policy) -> Iterator[Problem]:
    allowed = GlobIndex((kind, glob) for path, rule in _rules(policy, "allow") for _, kind, glob in _globs(path, rule))
    for path, rule in _rules(policy, "deny"):
        for at, kind, glob in _globs(path, rule):
            if not any(_may_share(kind, glob, *other) for other in allowed.near(kind, glob)):
                yield at, "no role allows what this denies, so it changes nothing; is it spelt as meant?"


def _may_share(kind: str, glob: str, other_kind: str, other: str) -> bool:
    """True unless it is certain that nothing fits both, which begin alike."""
    if kind not in _URIS or other_kind not in _URIS:
        return kind == other_kind and overlap(glob, other)
    # Hosts are compared in lower case, and what `{+x}` expands to may hold slashes.
    if "templates" in (kind, other_kind):
        return True
    return overlap(glob.lower().replace("/", "\x01"), other.lower().replace("/", "\x01"))


def _head(glob: str) -> str:
    """What everything that fits a glob or template begins with, in lower case."""
    return glob.lower().split("{")[0].split("*")[0]


def _allows_that_a_deny_swallows(policy: Policy) -> Iterator[Problem]:
    roles = policy.roles or {}
    for name, role in roles.items():
        # A role that counts for some tenants alone denies nothing to the others.
        sources = [name, *(parent for parent in inherited(name, roles) if roles[parent].tenants is None)]
        rules = [rule for source in sources for rule in roles[source].deny if not rule.when]
        denied = GlobIndex((kind, glob) for rule in rules for _, kind, glob in _globs((), rule))
        for index, allow in enumerate(role.allow):
            for at, kind, glob in _globs(("roles", name, "allow", index), allow):
                if any(kind == other and _swallows(wide, glob) for other, wide in denied.wider(kind, glob)):
                    yield at, "a deny of this role covers all of it, and a deny wins, so it allows nothing"


def _swallows(wide: str, glob: str) -> bool:
    # A template says more than its text, so only its twin is certain to cover it.
    return wide == glob if "{" in wide + glob else covers(wide, glob)


def _globs_twice(policy: Policy) -> Iterator[Problem]:
    for path, rule in (*_rules(policy, "allow"), *_rules(policy, "deny")):
        seen: set[tuple[str, str]] = set()
        for at, kind, glob in _globs(path, rule):
            if (kind, glob) in seen:
                yield at, "the same glob again; remove one of the two"
            seen.add((kind, glob))


def _scopes_of_nobody(policy: Policy) -> Iterator[Problem]:
    if gives_scopes(policy.identity):
        return
    for path, rule in _rules(policy, "allow"):
        if isinstance(rule, AllowRule) and rule.scopes:
            yield (*path, "scopes"), "no source of identity gives scopes, so this rule allows nothing"


def _tenants_of_nobody(policy: Policy) -> Iterator[Problem]:
    if gives_tenants(policy.identity):
        return
    for name, role in (policy.roles or {}).items():
        if role.tenants is not None:
            yield ("roles", name, "tenants"), "no source of identity gives a tenant, so this role counts for nobody"


def _claims_of_nobody(policy: Policy) -> Iterator[Problem]:
    if tokens(policy.identity):
        return
    for path, rule in (*_rules(policy, "allow"), *_rules(policy, "deny")):
        for index, condition in enumerate(rule.when):
            if condition.claim is not None:
                yield (*path, "when", index, "claim"), "only tokens have claims; add jwt or introspection"


def _methods_of_no_server(policy: Policy) -> Iterator[Problem]:
    for path, rule in (*_rules(policy, "allow"), *_rules(policy, "deny")):
        for at, kind, glob in _globs(path, rule):
            if kind == "methods" and not any(overlap(glob, extra) for extra in policy.server.extra_methods):
                yield at, "server.extra_methods lets no such method through, so this never matches"


RULES: Final = (
    _roles_of_nobody,
    _roles_that_do_not_exist,
    _denies_of_what_nobody_may,
    _allows_that_a_deny_swallows,
    _globs_twice,
    _scopes_of_nobody,
    _tenants_of_nobody,
    _claims_of_nobody,
    _methods_of_no_server,
)
