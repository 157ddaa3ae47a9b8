"""What a client without a good token is told: the `WWW-Authenticate` challenge (RFC 6750) and the metadata (RFC 9728)
that lead it to the issuer. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from smcp_security.policy import IdentityPolicy, Policy
from smcp_security.strict_json import serialise

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
# A client asks for it when it wants to; a resource has no use for it (SEP-835).
_NEVER_ASKED: Final = "offline_access"
_DESCRIPTIONS: Final = {
    "invalid_token": "The credential is malformed, unknown, expired, revoked or meant for another resource",
    "insufficient_scope": "The token lacks a scope that this needs",
    "invalid_request": "One credential is expected, in a header field",
}


@dataclass(frozen=True, slots=True)
class Metadata:
    """The document of RFC 9728 and where it is served: paths without trailing slash (the policy has no escapes)."""

    paths: frozenset[str]
    body: bytes


def challenge(policy: Policy, *, error: str = "", scopes: Sequence[str] = ()) -> str:
    """The `WWW-Authenticate` of an answer. `scopes` is what the call needs; none: what every token needs.

    `error` is a code of RFC 6750, 3.1; it is left out where no credential was sent.
    """
    identity = policy.identity
    wanted = scopes or (identity.scopes if identity is not None else ())
    parts = {
        "resource_metadata": _metadata_url(policy),
        "scope": " ".join(scope for scope in dict.fromkeys(wanted) if scope != _NEVER_ASKED),
        "error": error,
        "error_description": _DESCRIPTIONS.get(error, ""),
    }
    # The policy lets no quotes and backslashes into any of them.
    shown = ", ".join(f'{name}="{text}"' for name, text in parts.items() if text)
    return f"Bearer {shown}".rstrip()


def metadata(policy: Policy) -> Metadata | None:
    """What leads a client to the issuers; None where none is named."""
    identity, resource = policy.identity, policy.server.resource
    if identity is None or resource is None or not (issuers := _issuers(identity)):
        return None
    document: dict[str, object] = {"resource": resource, "authorization_servers": list(issuers)}
    if supported := _scopes(policy, identity):
        document["scopes_supported"] = list(supported)
    document["bearer_methods_supported"] = ["header"]
    own = WELL_KNOWN + _split(resource)[1]
    return Metadata(frozenset((own, WELL_KNOWN)), serialise(document))


def _issuers(identity: IdentityPolicy) -> tuple[str, ...]:
    named = [each.issuer for each in identity.jwt] + [each.issuer for each in identity.introspection]
    return tuple(dict.fromkeys(named))


def _scopes(policy: Policy, identity: IdentityPolicy) -> tuple[str, ...]:
    """Every scope that this policy asks for anywhere."""
    named = list(identity.scopes)
    for role in (policy.roles or {}).values():
        named += [scope for rule in role.allow for scope in rule.scopes]
    return tuple(scope for scope in dict.fromkeys(named) if scope != _NEVER_ASKED)


def _metadata_url(policy: Policy) -> str:
    identity, resource = policy.identity, policy.server.resource
    if identity is None or resource is None or not _issuers(identity):
        return ""
    origin, path = _split(resource)
    return f"{origin}{WELL_KNOWN}{path}"


def _split(resource: str) -> tuple[str, str]:
    """`https://host/path` -> (`https://host`, `/path`)."""
    scheme, _, rest = resource.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority}", f"{slash}{path}".rstrip("/")
