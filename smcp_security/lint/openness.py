"""How far a policy's server can be reached, as far as the policy says. Pure."""

from __future__ import annotations

import re
from typing import Final

from smcp_security.policy.agreement import is_loopback
from smcp_security.policy.model import Policy

# The whole name: localhost.example.com and 127.0.0.1.nip.io are not this machine.
_LOOPBACK: Final = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\]|::1)(:(\*|[0-9]+))?", re.ASCII)


def public_names(policy: Policy) -> tuple[str, ...]:
    """The hosts in `server.hosts` that are not this machine."""
    return tuple(host for host in policy.server.hosts or () if not _LOOPBACK.fullmatch(host.lower()))


def is_public(policy: Policy) -> bool:
    """Whether others than this machine are meant to reach the server."""
    resource = policy.server.resource
    return bool(public_names(policy)) or (resource is not None and not is_loopback(resource))
