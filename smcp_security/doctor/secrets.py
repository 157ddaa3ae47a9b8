"""Secrets that guarded tools ask for: whether a grant of the policy gives them, and whether the vault has them."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from smcp_security.adapters.tools.guard import Guard
from smcp_security.doctor.codes import Found
from smcp_security.doctor.routes import enclosed
from smcp_security.doctor.servers import tools_of
from smcp_security.errors import PolicyError, Unavailable, VaultError
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.policy import Policy
from smcp_security.policy.globs import matches

Holds: TypeAlias = Callable[[str, str], bool]
"""Whether a vault has a secret of an owner ("shared" or "tenant"). Raises `Unavailable`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One secret that a tool asks for. `framework` is its own, None: whichever stands in front judges it."""

    tool: str
    secret: str
    framework: SMCPSecurityFramework | None


def asked(servers: Iterable[Any], names: Mapping[str, Any]) -> list[Asked]:
    """What decorated functions ask for: the tools of server objects, and the functions of a module, each once."""
    functions = [pair for server in servers for pair in tools_of(server)]
    functions += [("", thing) for thing in names.values() if inspect.isroutine(thing)]
    found: dict[tuple[int, str], Asked] = {}
    for name, function in functions:
        guard = _guard_of(function)
        if guard is not None and guard.secrets is not None:
            for secret in guard.secrets.names.values():
                each = Asked(name or guard.demands.tool, secret, guard.framework)
                found.setdefault((id(guard), secret), each)
    return list(found.values())


def in_vain(wanted: Iterable[Asked], policy: Policy, framework: SMCPSecurityFramework | None) -> Iterator[Found]:
    """What of it cannot be given under a policy. `framework` has it in force; None: nothing has yet."""
    if framework is not None:
        for each in wanted:
            yield from _judged(each, policy, framework.holds)
        return
    try:
        holds = _holding(policy)
    except (VaultError, PolicyError) as error:
        yield Found("DOC033", "vault", str(error))
        return
    for each in wanted:
        yield from _judged(each, policy, holds)


def unopened(policy: Policy) -> Iterator[Found]:
    """Why the vault of a policy cannot be opened with what the policy names, if it cannot."""
    yield from in_vain((), policy, None)


def _judged(each: Asked, policy: Policy, holds: Holds) -> Iterator[Found]:
    grants = () if policy.vault is None else policy.vault.grants
    mine = [grant for grant in grants if each.secret in grant.secrets]
    owners = {grant.owner for grant in mine if any(matches(glob, each.tool) for glob in grant.tools)}
    try:
        if not owners:
            yield Found("DOC034", each.tool, each.secret)
        elif not any(holds(each.secret, owner) for owner in owners):
            yield Found("DOC035", each.tool, f"{each.secret}, {' or '.join(sorted(owners))}")
    except Unavailable as error:
        yield Found("DOC033", "vault", str(error))


def _holding(policy: Policy) -> Holds:
    if policy.vault is None:
        return lambda secret, owner: False
    # Late: the ciphers are for those alone that have a vault.
    from smcp_security.vault.custody import Custody
    from smcp_security.vault.providers import from_references

    return Custody(policy.vault, from_references(policy.vault.key, os.environ)).holds


def _guard_of(function: Any) -> Guard | None:
    """What stands before a decorated function, however many decorators are around it."""
    while function is not None:
        function = getattr(function, "__func__", function)
        for each in enclosed(function):
            if type(each) is Guard:
                return each
        function = getattr(function, "__wrapped__", None)
    return None
