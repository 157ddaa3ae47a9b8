"""Who calls in the benchmarks: a token, the keys of its issuer in a file, and the policy that asks for both.

Owns the caller of the full policy. Must not import what it measures.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey

from benchmarks import messages

ISSUER: Final = "https://issuer.example"
RESOURCE: Final = "https://mcp.example/mcp"
TENANT: Final = "harbour"
_LIFETIME: Final = 86_400

ROLES: Final[Mapping[str, Any]] = {
    "reader": {"allow": [{"tools": ["notes.list", "notes.read"]}, {"resources": ["notes://*"]}]},
    "writer": {
        "extends": ["reader"],
        "tenants": [TENANT, "quay"],
        "allow": [
            {"tools": ["notes.*"], "scopes": ["notes:write"]},
            {"prompts": ["summary"], "when": [{"claim": "department", "in": ["press", "sales"]}]},
        ],
        "deny": [{"tools": ["notes.delete*"]}],
    },
}
"""Two roles, one of which extends the other: globs, scopes, tenants, a condition and a denial."""


def issue(jwks: Path) -> str:
    """A token that lasts a day; the public key of its issuer is written to `jwks`."""
    key = ECKey.generate_key("P-256", {"kid": "benchmark"})
    jwks.write_text(json.dumps({"keys": [key.as_dict(private=False)]}), encoding="utf-8")
    now = int(time.time())
    claims = {
        **{"iss": ISSUER, "sub": "ann", "aud": RESOURCE, "iat": now, "exp": now + _LIFETIME, "jti": "benchmark-1"},
        **{"scope": "notes:read notes:write", "roles": ["writer"], "tenant": TENANT, "department": "press"},
    }
    return jwt.encode({"alg": "ES256", "kid": "benchmark", "typ": "at+jwt"}, claims, key)


def policy(audit: Path, jwks: Path) -> dict[str, Any]:
    """The policy of all benchmarks, and on top of it who calls and what they may do."""
    issuer = {"issuer": ISSUER, "algorithms": ["ES256"], "jwks": str(jwks)}
    plain = messages.policy(audit)
    return plain | {
        "server": plain["server"] | {"resource": RESOURCE},
        "identity": {"jwt": [issuer | {"roles_claim": "roles", "tenant_claim": "tenant"}]},
        "roles": dict(ROLES),
        "unlisted_tools": "deny",
    }


def headers(body: bytes, token: str) -> dict[str, str]:
    """The HTTP headers of a client that has a token."""
    return messages.headers(body) | {"authorization": f"Bearer {token}"}
