"""How far a policy's server can be reached, as far as the policy says. Pure."""

from __future__ import annotations

from typing import Final

from smcp_security.policy.agreement import is_loopback
from smcp_security.policy.model import Policy

_LOOPBACK: Final = ("localhost", "127.", "[::1]", "::1")


def public_names(policy: Policy) -> tuple[str, ...]:
    """The hosts in `server.hosts` that are not this machine."""
    return tuple(host for host in policy.server.hosts or () if not host.lower().startswith(_LOOPBACK))


def is_public(policy: Policy) -> bool:
    """Whether others than this machine are meant to reach the server."""
    resource = policy.server.resource
    return bool(public_names(policy)) or (resource is not None and not is_loopback(resource))
