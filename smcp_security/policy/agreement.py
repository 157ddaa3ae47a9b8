"""What one part of the policy must say because another part says something: mistakes that no single key shows. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from smcp_security.policy.access import AllowRule, DenyRule, RolePolicy, inherited
from smcp_security.policy.addresses import authority_of, split_port
from smcp_security.policy.globs import fits, matches
from smcp_security.policy.identity import FetchPolicy, IdentityPolicy
from smcp_security.policy.offers import variables_of
from smcp_security.policy.places import Path
from smcp_security.policy.tools import is_glob
from smcp_security.policy.vault import HANDLE, GrantPolicy, VaultPolicy
from smcp_security.policy.watching import audit_problems, probe_problems

if TYPE_CHECKING:
    from smcp_security.policy.model import Policy

Problem = tuple[Path, str]

_TOKENS: Final = "the URL that tokens are issued for; without it any token of the issuer would do"


class Disagreement(ValueError):
    """Everything that does not fit together, each with the path of what has to change."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(problem for _, problem in problems))
        self.problems = problems


def check_agreement(policy: Policy) -> None:
    """Nothing, if the parts of a policy fit together.

    Raises:
        Disagreement: they do not.
    """
    problems = (
        *_hiding(policy),
        *_identity(policy),
        *_roles(policy),
        *_limits(policy),
        *_contracts(policy),
        *_granted(policy),
        *audit_problems(policy.audit),
        *probe_problems(policy),
    )
    if problems:
        raise Disagreement(problems)


def _granted(policy: Policy) -> Iterator[Problem]:
    """A grant for known callers would be met by nobody where nobody is known."""
    for index, grant in enumerate(() if policy.vault is None else policy.vault.grants):
        path: Path = ("vault", "grants", index)
        if policy.identity is not None:
            yield from _roles_of(grant, path, policy.roles)
            continue
        for key in ("callers", "roles", "tenants"):
            if getattr(grant, key) is not None:
                yield (*path, key), "needs identity, or no caller is known"
        if grant.owner == "tenant":
            yield (*path, "owner"), "tenant needs identity, or no tenant is known"


def _roles_of(grant: GrantPolicy, path: Path, roles: Mapping[str, RolePolicy] | None) -> Iterator[Problem]:
    """Where the policy says which roles there are, a grant for another one is a slip of the pen."""
    for at, pattern in enumerate(grant.roles or ()):
        if roles is not None and not any(fits(pattern, name) for name in roles):
            close = get_close_matches(pattern, roles, n=1)
            hint = f"; did you mean {close[0]}?" if close else "; expected one that `roles` has"
            yield (*path, "roles", at), f"unknown role{hint}"


def _hiding(policy: Policy) -> Iterator[Problem]:
    if policy.denied_tools == "hide" and policy.unlisted_tools != "deny":
        yield (
            ("denied_tools",),
            "hide needs unlisted_tools: deny, or unknown tools would be told apart from hidden ones",
        )


def _identity(policy: Policy) -> Iterator[Problem]:
    identity = policy.identity
    if identity is None:
        return
    for key in ("jwt", "introspection"):
        if getattr(identity, key) and policy.server.resource is None:
            yield ("identity", key), f"needs server.resource, {_TOKENS}"
    for key in ("forwarded", "certificate"):
        if getattr(identity, key) is not None and not policy.server.trusted_proxies:
            yield ("identity", key), "needs server.trusted_proxies: from anybody else these fields are not believed"
    yield from _issuers(identity)
    yield from _fetches(identity, policy.vault)
    yield from _fields(identity)


def _issuers(identity: IdentityPolicy) -> Iterator[Problem]:
    names = [issuer.issuer for issuer in identity.jwt]
    for index, name in enumerate(names):
        if name in names[:index]:
            first = f"identity.jwt[{names.index(name)}]"
            yield ("identity", "jwt", index, "issuer"), f"the same as of {first}; write one entry per issuer"


def _fetches(identity: IdentityPolicy, vault: VaultPolicy | None) -> Iterator[Problem]:
    for index, issuer in enumerate(identity.jwt):
        if issuer.jwks is not None and "://" in issuer.jwks:
            yield from _fetched(("identity", "jwt", index), "jwks", issuer.jwks, issuer)
    for index, source in enumerate(identity.introspection):
        if vault is None and source.client_secret.startswith(HANDLE):
            yield ("identity", "introspection", index, "client_secret"), "needs the section vault, where the secret is"
        yield from _fetched(("identity", "introspection", index), "endpoint", source.endpoint, source)


def _fetched(path: Path, key: str, url: str, how: FetchPolicy) -> Iterator[Problem]:
    if url.startswith("https://"):
        return
    if not how.allow_http:
        yield (*path, key), "expected https: whoever can change the answer could log in as anybody"
    elif not is_loopback(url):
        yield (*path, key), "expected https: allow_http counts for localhost and loopback addresses alone"


def is_loopback(url: str) -> bool:
    """True if the host of a URL is this machine, by name or by address."""
    name, _ = split_port(authority_of(url).lower())
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost"


def _fields(identity: IdentityPolicy) -> Iterator[Problem]:
    """Header fields that would mean two things at once."""
    used: Counter[str] = Counter()
    for section in ("api_keys", "forwarded", "certificate"):
        part = getattr(identity, section)
        for key in ("header", "user", "roles", "scopes", "tenant"):
            # `api_keys.roles` is a list of roles, no field.
            name = getattr(part, key, None)
            if not isinstance(name, str):
                continue
            if used[name]:
                yield (
                    ("identity", section, key),
                    f"{name} has another meaning in identity already; use a field of its own",
                )
            used[name] += 1


def _roles(policy: Policy) -> Iterator[Problem]:
    roles = policy.roles if policy.roles is not None else {}
    for name, role in roles.items():
        for index, parent in enumerate(role.extends):
            if parent not in roles:
                close = get_close_matches(parent, roles, n=1)
                hint = f"; did you mean {close[0]}?" if close else "; expected a role of this section"
                yield ("roles", name, "extends", index), f"unknown role{hint}"
        if name in inherited(name, roles):
            yield ("roles", name, "extends"), "leads back to this role; a role cannot extend itself"
        yield from _rules(name, role)


def _rules(name: str, role: RolePolicy) -> Iterator[Problem]:
    for index, allow in enumerate(role.allow):
        yield from _rule(("roles", name, "allow", index), allow)
    for index, deny in enumerate(role.deny):
        yield from _rule(("roles", name, "deny", index), deny)


def _rule(path: Path, rule: AllowRule | DenyRule) -> Iterator[Problem]:
    if not (rule.tools or rule.prompts or rule.resources or rule.templates or rule.methods):
        yield path, "names nothing; expected tools, prompts, resources, templates or methods"
    elif not rule.tools and not rule.prompts:
        for index, condition in enumerate(rule.when):
            if condition.argument is not None:
                yield (*path, "when", index, "argument"), "only calls of tools and prompts have arguments; name some"


def _limits(policy: Policy) -> Iterator[Problem]:
    for index, limit in enumerate(policy.limits):
        if limit.tools is None or limit.methods is None:
            continue
        for at, method in enumerate(limit.methods):
            if not matches(method, "tools/call"):
                yield (
                    ("limits", index, "methods", at),
                    "a limit of tools counts tools/call alone; remove one of the two",
                )


def _contracts(policy: Policy) -> Iterator[Problem]:
    for name, tool in policy.tools.items():
        if tool.schema is not None and is_glob(name):
            yield ("tools", name, "schema"), "a glob has no schema: write one entry per tool, by its exact name"
    for name, resource in policy.resources.items():
        known = variables_of(name)
        for variable in resource.arguments:
            if variable not in known:
                hint = f"expected {' or '.join(known)}" if known else "the key of this entry is no URI template"
                yield ("resources", name, "arguments", variable), f"unknown variable; {hint}"
