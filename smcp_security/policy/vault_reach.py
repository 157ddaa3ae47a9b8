"""Grants of `vault` that fit nobody: what they ask of a caller no source of identity gives. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from smcp_security.policy.access import inherited
from smcp_security.policy.globs import fits
from smcp_security.policy.sources import given_roles, gives_tenants

if TYPE_CHECKING:
    from smcp_security.policy.agreement import Problem
    from smcp_security.policy.model import Policy


def _grants_without_tenants(policy: Policy) -> Iterator[Problem]:
    if policy.vault is None or policy.identity is None or gives_tenants(policy.identity):
        return
    for index, grant in enumerate(policy.vault.grants):
        key = "tenants" if grant.tenants is not None else "owner"
        if grant.tenants is not None or grant.owner == "tenant":
            problem = "no source of identity gives a tenant, so this grant fits nobody; name a tenant_claim"
            yield ("vault", "grants", index, key), problem


def _grants_without_roles(policy: Policy) -> Iterator[Problem]:
    if policy.vault is None or policy.identity is None:
        return
    given = given_roles(policy.identity)
    if given is None:
        return
    roles = policy.roles or {}
    held = given.union(*(inherited(name, roles) for name in given if name in roles))
    for index, grant in enumerate(policy.vault.grants):
        if grant.roles is not None and not any(fits(glob, name) for glob in grant.roles for name in held):
            problem = "no source of identity gives such a role, so this grant fits nobody; name a roles_claim, or who"
            yield ("vault", "grants", index, "roles"), f"{problem} has it"


def _callers_without_source(policy: Policy) -> Iterator[Problem]:
    for index, grant in enumerate(() if policy.vault is None else policy.vault.grants):
        for at, glob in enumerate(grant.callers or ()):
            if ":" not in glob and "*" not in glob:
                problem = "ids of callers begin with how they are known, such as key:ann or jwt:*#ann; this fits nobody"
                yield ("vault", "grants", index, "callers", at), problem


RULES: Final = (_callers_without_source, _grants_without_tenants, _grants_without_roles)
