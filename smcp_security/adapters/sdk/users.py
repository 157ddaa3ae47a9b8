"""The caller as the MCP SDKs know one: `scope["user"]` and `scope["auth"]`.

Both SDK majors bind a session to the (client, issuer, subject) of an `AuthenticatedUser` in the scope. The SDK is never
imported for that: a server that runs on it has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from smcp_security.decision import Caller

_USERS: Final = "mcp.server.auth.middleware.bearer_auth"
_TOKENS: Final = "mcp.server.auth.provider"
_CURRENT: Final = "mcp.server.auth.middleware.auth_context"
# In place of the caller's token, which is never passed on.
WITHHELD: Final = "withheld-by-policy"


@dataclass(frozen=True, slots=True)
class Person:
    """A user as Starlette's `request.user`, for apps without an MCP SDK."""

    identity: str
    is_authenticated: bool = True

    @property
    def display_name(self) -> str:
        """The caller's name."""
        return self.identity


@dataclass(frozen=True, slots=True)
class Credentials:
    """What Starlette's `request.auth` holds: `requires("repo")` asks it."""

    scopes: tuple[str, ...] = ()


def user_of(caller: Caller, token: str) -> Any:
    """The user for `scope["user"]`. `token` is the raw one where the policy lets it through, else empty."""
    users, tokens = sys.modules.get(_USERS), sys.modules.get(_TOKENS)
    if users is None or tokens is None:
        return Person(caller.id)
    access = tokens.AccessToken(
        token=token or WITHHELD,
        client_id=caller.client or caller.id,
        scopes=sorted(caller.scopes),
        expires_at=None if caller.expires_at is None else int(caller.expires_at),
        subject=caller.subject or caller.id,
        claims={**caller.claims, "iss": caller.issuer or caller.source},
    )
    return users.AuthenticatedUser(access)


def credentials_of(caller: Caller) -> Credentials:
    """The credentials for `scope["auth"]`."""
    return Credentials(tuple(sorted(caller.scopes)))


@contextmanager
def current(user: Any) -> Iterator[None]:
    """While it lasts, the SDK's `get_access_token()` answers for this caller.

    On SDK 1.x a session's tools see the one who began it, which the binding of sessions makes the same caller.
    """
    context = sys.modules.get(_CURRENT)
    if context is None or not hasattr(user, "access_token"):
        yield
        return
    before = context.auth_context_var.set(user)
    try:
        yield
    finally:
        context.auth_context_var.reset(before)
