"""Which roles a caller has, by what its credential says and what the policy makes of that. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from smcp_security.checks.rules import Role
from smcp_security.decision import Caller
from smcp_security.policy import Policy


def roles_of(policy: Policy) -> dict[str, Role]:
    """The roles of a policy without their rules."""
    return {name: Role(role.extends, role.tenants, (), ()) for name, role in (policy.roles or {}).items()}


def held(caller: Caller, known: Mapping[str, Role]) -> list[str]:
    """The roles of a caller, those included that they extend; without those that do not count for its tenant."""
    waiting, found = list(caller.roles), []
    for name in waiting:
        role = known.get(name)
        if role is None:
            found.append(name)
        elif role.counts_for(caller.tenant):
            found.append(name)
            waiting += [each for each in role.extends if each not in waiting]
    return found
