"""Rules about `vault`: grants that fit nobody, or more than was meant."""

from __future__ import annotations

from collections.abc import Iterator

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.registry import rule
from smcp_security.lint.vain import vain


@rule("POL801", "caller-of-no-source", "medium")
def caller_of_no_source(document: Document) -> Iterator[Found]:
    """A grant names a caller in a way that no caller is named.

    Why:
        Ids of callers begin with how they are known. The grant fits nobody, and the tool gets no secret.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [github], tools: ["github.*"], callers: [ann]}]
    Good:
        identity: {api_keys: {file: keys.yaml}}
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [github], tools: ["github.*"], callers: ["key:ann"]}]
    Fix:
        Write the id as the audit shows it, such as key:ann.
    See: docs/policy.md
    """
    yield from vain("vault_reach.callers_without_source", document)


@rule("POL802", "grant-without-tenant", "medium")
def grant_without_tenant(document: Document) -> Iterator[Found]:
    """A grant is for tenants, and no caller has one.

    Why:
        The grant fits nobody.
    Bad:
        identity: {certificate: {header: X-Client, subjects: {"CN=ann": [dev]}}}
        server: {trusted_proxies: [unix]}
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [github], tools: ["github.*"], owner: tenant}]
    Good:
        identity: {forwarded: {user: X-User, tenant: X-Tenant}}
        server: {trusted_proxies: [unix]}
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [github], tools: ["github.*"], owner: tenant}]
    Fix:
        Name where the tenant comes from: `tenant_claim`, `forwarded.tenant`, or the key file.
    See: docs/policy.md
    """
    yield from vain("vault_reach.grants_without_tenants", document)


@rule("POL803", "grant-without-role", "medium")
def grant_without_role(document: Document) -> Iterator[Found]:
    """A grant is for a role that no caller has.

    Why:
        The grant fits nobody.
    Bad:
        identity: {certificate: {header: X-Client, subjects: {"CN=ann": [dev]}}}
        server: {trusted_proxies: [unix]}
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [github], tools: ["github.*"], roles: [developer]}]
    Good:
        identity: {certificate: {header: X-Client, subjects: {"CN=ann": [dev]}}}
        server: {trusted_proxies: [unix]}
        vault:
          file: vault.smcp
          key: "env:SMCP_VAULT_KEY"
          grants: [{secrets: [github], tools: ["github.*"], roles: [dev]}]
    Fix:
        Write the role as the source of callers gives it.
    See: docs/policy.md
    """
    yield from vain("vault_reach.grants_without_roles", document)
