"""The caller that an API key or a trusted proxy's word stands for. Pure. (What tokens say is read in `claims.py`.)"""

from __future__ import annotations

from typing import Final

from smcp_security.checks import api_keys
from smcp_security.checks.claims import Hierarchy
from smcp_security.checks.credentials import Credential, Refused, Sources
from smcp_security.checks.http import Http
from smcp_security.checks.rung import ApiKey
from smcp_security.decision import Caller
from smcp_security.policy import IdentityPolicy

_TOKENS: Final = frozenset({"jwt", "introspection"})


def of_key(key: ApiKey, hierarchy: Hierarchy, now: float) -> Caller:
    """The owner of an API key whose secret was sent. Raises `Refused` if the key no longer counts."""
    if key.revoked:
        raise Refused("SMCP205")
    if key.expires_at is not None and now >= key.expires_at:
        raise Refused("SMCP203")
    return Caller(
        id=f"key:{key.owner}",
        verified=True,
        source="api-key",
        roles=tuple(key.roles),
        scopes=hierarchy.expand(key.scopes),
        tenant=key.tenant,
        subject=key.owner,
        credential=key.id,
        expires_at=key.expires_at,
    )


def forwarded(
    credential: Credential, http: Http, sources: Sources, identity: IdentityPolicy, hierarchy: Hierarchy
) -> Caller:
    """The caller that a gateway names. It has verified it, and sets each of these fields anew. Raises `Refused`."""
    fields = identity.forwarded
    if fields is None:
        raise Refused("SMCP202")
    roles = sources.field(http, fields.roles).split(",")
    return Caller(
        id=f"user:{credential.text}",
        verified=True,
        source="forwarded",
        roles=tuple(dict.fromkeys(role for each in roles if (role := each.strip()))),
        scopes=hierarchy.expand(sources.field(http, fields.scopes).split()),
        tenant=sources.field(http, fields.tenant),
        subject=credential.text,
    )


def of_certificate(credential: Credential, identity: IdentityPolicy) -> Caller:
    """The caller of a client certificate that a proxy has verified. Raises `Refused` for a subject nobody listed."""
    roles = None if identity.certificate is None else identity.certificate.subjects.get(credential.text)
    if roles is None:
        raise Refused("SMCP202", hint="a subject that the policy lists")
    name = credential.text
    return Caller(id=f"cert:{name}", verified=True, source="certificate", roles=tuple(roles), subject=name)


def of_issuer(caller: Caller) -> bool:
    """Whether an issuer's token made the caller, so that it can get another one with more scopes."""
    return caller.source in _TOKENS


def has_scopes(caller: Caller, identity: IdentityPolicy) -> bool:
    """Whether scopes can be asked of this caller: its kind of credential has a place for them."""
    if caller.source == "api-key":
        return caller.subject != api_keys.ENVIRONMENT
    named = identity.forwarded is not None and identity.forwarded.scopes is not None
    return of_issuer(caller) or (caller.source == "forwarded" and named)
