"""Where callers can come from: the `identity` section with SMCP_API_KEY beside it, and what its sources say. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from smcp_security.policy.identity import ApiKeysPolicy, ClaimsPolicy, IdentityPolicy
from smcp_security.policy.secret import check_key

if TYPE_CHECKING:
    from smcp_security.policy.model import Policy

ENVIRONMENT_KEY: Final = "SMCP_API_KEY"
NOBODY: Final = (
    "nobody could ever call: name a source of callers (api_keys, jwt, introspection, forwarded, certificate), set"
    f" {ENVIRONMENT_KEY}, or write required: false"
)


def with_environment_key(policy: Policy, environ: Mapping[str, str]) -> Policy:
    """`policy` with the key of SMCP_API_KEY as a source, if that is set and the policy names no other source.

    Raises:
        PolicyError: the key counts and is no good secret.
    """
    if ENVIRONMENT_KEY not in environ:
        return policy
    identity = policy.identity if policy.identity is not None else IdentityPolicy()
    if not has_source(identity):
        identity = identity.model_copy(update={"api_keys": ApiKeysPolicy()})
        policy = policy.model_copy(update={"identity": identity})
    if identity.api_keys is not None:
        check_key(environ[ENVIRONMENT_KEY], ENVIRONMENT_KEY)
    return policy


def has_source(identity: IdentityPolicy) -> bool:
    """True if the section names any kind of credential."""
    other = (identity.api_keys, identity.forwarded, identity.certificate)
    return bool(identity.jwt or identity.introspection) or any(source is not None for source in other)


def admits_nobody(policy: Policy, environ: Mapping[str, str]) -> bool:
    """True if a credential is asked for and none exists."""
    identity = policy.identity
    if identity is None or not identity.required or ENVIRONMENT_KEY in environ:
        return False
    keyless = identity.api_keys is None or identity.api_keys.file is None
    return keyless and not has_source(identity.model_copy(update={"api_keys": None}))


def ignores_environment_key(policy: Policy, environ: Mapping[str, str]) -> bool:
    """True if SMCP_API_KEY is set and lets nobody in."""
    return ENVIRONMENT_KEY in environ and policy.identity is not None and policy.identity.api_keys is None


def tokens(identity: IdentityPolicy | None) -> tuple[ClaimsPolicy, ...]:
    """The issuers of tokens: the sources that have claims."""
    return () if identity is None else (*identity.jwt, *identity.introspection)


def gives_scopes(identity: IdentityPolicy | None) -> bool:
    """True if some caller can have a scope."""
    if identity is None:
        return False
    forwarded = identity.forwarded is not None and identity.forwarded.scopes is not None
    return bool(tokens(identity)) or forwarded or _has_key_file(identity)


def gives_tenants(identity: IdentityPolicy | None) -> bool:
    """True if some caller can have a tenant."""
    if identity is None:
        return False
    forwarded = identity.forwarded is not None and identity.forwarded.tenant is not None
    return any(issuer.tenant_claim is not None for issuer in tokens(identity)) or forwarded or _has_key_file(identity)


def given_roles(identity: IdentityPolicy) -> frozenset[str] | None:
    """The roles that callers can have; None if a source outside the policy names them."""
    forwarded = identity.forwarded is not None and identity.forwarded.roles is not None
    if forwarded or _has_key_file(identity) or any(issuer.roles_claim is not None for issuer in tokens(identity)):
        return None
    keys = () if identity.api_keys is None else identity.api_keys.roles
    subjects = {} if identity.certificate is None else identity.certificate.subjects
    return frozenset(keys).union(*subjects.values())


def _has_key_file(identity: IdentityPolicy) -> bool:
    return identity.api_keys is not None and identity.api_keys.file is not None
