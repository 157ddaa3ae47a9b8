"""What the app gets to know of the caller: the scope's `user` and `auth`, and which header fields it is spared.

Fields in which a gateway vouches for somebody are believed from trusted proxies alone, so those of others never reach
the app, which may believe them too (the class of GHSA-g53w-w6mj-hrpp).
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, TypeAlias

from smcp_security.adapters.sdk.users import credentials_of, user_of
from smcp_security.checks.http import Http
from smcp_security.decision import Decision
from smcp_security.policy import IdentityPolicy, Policy

Scope: TypeAlias = MutableMapping[str, Any]


def spared(policy: Policy, http: Http) -> frozenset[bytes]:
    """The header fields of a request that the app must not see."""
    identity = policy.identity
    if identity is None:
        return frozenset()
    names = _vouching(identity)
    if names and not identity.strip_credentials and _believed(policy, http):
        names = []
    if identity.strip_credentials:
        names.append("authorization")
        if identity.api_keys is not None and identity.api_keys.header is not None:
            names.append(identity.api_keys.header)
    return frozenset(name.encode() for name in names)


def _believed(policy: Policy, http: Http) -> bool:
    # Late: where nobody is asked who they are, nothing of identity is imported.
    from smcp_security.checks.credentials import vouches

    return vouches(http, policy.server.trusted_proxies)


def is_disguised(name: bytes, hidden: frozenset[bytes]) -> bool:
    """Whether servers of the CGI kind, to whom `X_User` is `X-User`, take a field for one of `hidden` or of MCP.

    `name` is in small letters and has an underscore; nobody has judged it by what they take it for.
    """
    taken_for = name.replace(b"_", b"-")
    return taken_for in hidden or taken_for.startswith((b"mcp-", b"last-event-id"))


def _vouching(identity: IdentityPolicy) -> list[str]:
    forwarded, certificate = identity.forwarded, identity.certificate
    fields = [] if forwarded is None else [forwarded.user, forwarded.roles, forwarded.scopes, forwarded.tenant]
    fields += [] if certificate is None else [certificate.header]
    return [field for field in fields if field is not None]


def introduce(scope: Scope, decision: Decision, policy: Policy) -> None:
    """Put the caller into the app's scope, for both majors of the MCP SDK and for Starlette."""
    caller = decision.caller
    if policy.identity is None:
        return
    if caller is None:
        # What an outer middleware may have put there was not verified by this policy.
        scope.pop("user", None)
        scope.pop("auth", None)
        return
    token = "" if policy.identity.strip_credentials else _token(scope)
    scope["user"] = user_of(caller, token)
    scope["auth"] = credentials_of(caller)


def _token(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name.lower() == b"authorization"), b"")
    return bytes(given).decode("latin-1").partition(" ")[2].strip()
