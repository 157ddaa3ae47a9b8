"""What a policy says in vain: rules that can never match or act, each with its path and what to do. Pure.

None of it is a mistake that stops the start: a role may come before its callers. `load.py` logs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from smcp_security.policy import contract_reach, limit_reach, role_reach, vault_reach
from smcp_security.policy.agreement import Problem, is_loopback
from smcp_security.policy.sources import gives_scopes, gives_tenants, has_source, tokens

if TYPE_CHECKING:
    from smcp_security.policy.model import Policy

Rule = Callable[["Policy"], Iterator[Problem]]


def in_vain(policy: Policy) -> Iterator[Problem]:
    """Everything in `policy` that can never match or act."""
    for rule in RULES:
        yield from rule(policy)


def _identity_without_source(policy: Policy) -> Iterator[Problem]:
    if policy.identity is not None and not has_source(policy.identity):
        yield ("identity",), "names no source, so every credential is refused; name one, or remove the section"


def _scopes_without_source(policy: Policy) -> Iterator[Problem]:
    if policy.identity is not None and policy.identity.scopes and not gives_scopes(policy.identity):
        yield ("identity", "scopes"), "no source of identity gives scopes; remove this, or add jwt or introspection"


def _resource_in_clear(policy: Policy) -> Iterator[Problem]:
    resource = policy.server.resource
    if resource is not None and resource.startswith("http://") and not is_loopback(resource):
        yield ("server", "resource"), "http, so credentials travel in clear; clients refuse that: use https"


def _assertions_without_tenants(policy: Policy) -> Iterator[Problem]:
    for index, assertion in enumerate(policy.results.tenant):
        path = ("results", "tenant", index)
        if policy.identity is None:
            yield path, "without identity no caller has a tenant, so every row is foreign"
        elif assertion.claim is None and not gives_tenants(policy.identity):
            yield path, "no source of identity gives a tenant, so every row is foreign; name a tenant_claim"
        elif assertion.claim is not None and not tokens(policy.identity):
            yield (*path, "claim"), "only tokens have claims, so every row is foreign; add jwt or introspection"


def _store_of_one_process(policy: Policy) -> Iterator[Problem]:
    if policy.workers > 1 and policy.store.url == "memory://":
        problem = (
            "the store memory:// keeps to one process, so each worker grants every limit anew; use a redis:// store"
        )
        yield ("workers",), problem


RULES: Final[tuple[Rule, ...]] = (
    _identity_without_source,
    _scopes_without_source,
    _resource_in_clear,
    *role_reach.RULES,
    *limit_reach.RULES,
    *contract_reach.RULES,
    *vault_reach.RULES,
    _assertions_without_tenants,
    _store_of_one_process,
)
