"""Callers whom an SDK's own login has made sure of, as this package knows callers. No SDK is imported for that."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

from smcp_security.decision import Caller

_USERS: Final = "mcp.server.auth.middleware.bearer_auth"


def caller_of(user: object) -> Caller | None:
    """The caller behind `scope["user"]`, if the SDK's login put it there; it says nothing of roles."""
    kind = getattr(sys.modules.get(_USERS), "AuthenticatedUser", None)
    if not isinstance(kind, type) or not isinstance(user, kind):
        return None
    access: Any = user.access_token  # type: ignore[attr-defined]
    claims = getattr(access, "claims", None)
    claims = claims if isinstance(claims, Mapping) else {}
    issuer, client = str(claims.get("iss") or ""), str(access.client_id)
    subject = str(getattr(access, "subject", None) or client)
    return Caller(
        f"sdk:{issuer}#{subject}",
        verified=True,
        source="sdk",
        scopes=frozenset(access.scopes),
        issuer=issuer,
        subject=subject,
        client=client,
        expires_at=access.expires_at,
        claims=claims,
    )
