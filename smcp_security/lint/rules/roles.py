"""Rules about `roles` that never match: what nobody has, denies of what nobody may, names that nothing has."""

from __future__ import annotations

from collections.abc import Iterator

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.registry import rule
from smcp_security.lint.vain import vain


@rule("POL201", "unreachable-rule", "medium")
def unreachable_rule(document: Document) -> Iterator[Found]:
    """A rule names methods that `server.extra_methods` lets none through.

    Why:
        The rule never matches. Methods of the protocol itself need no rule, and unknown ones are refused before roles
        are asked.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {allow: [{methods: ["x-vendor/*"]}]}
    Good:
        server: {extra_methods: ["x-vendor/*"]}
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {allow: [{methods: ["x-vendor/*"]}]}
    Fix:
        Add the method to `server.extra_methods`, or take the rule out.
    See: docs/policy.md#roles
    """
    yield from vain("role_reach.methods_of_no_server", document)


@rule("POL202", "role-of-nobody", "medium")
def role_of_nobody(document: Document) -> Iterator[Found]:
    """No source of callers gives the role.

    Why:
        What the role may do nobody may do; its denials protect nothing.
    Bad:
        roles:
          reader: {allow: [{tools: ["find_*"]}]}
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          reader: {allow: [{tools: ["find_*"]}]}
    Fix:
        Add the source: `identity`, a `roles_claim`, or the role in `api_keys.roles` or `certificate.subjects`.
    See: docs/policy.md#roles
    """
    yield from vain("role_reach.roles_of_nobody", document)


@rule("POL203", "undefined-role", "medium")
def undefined_role(document: Document) -> Iterator[Found]:
    """A caller is given a role that `roles` does not define.

    Why:
        The role allows nothing. A misspelt one takes from its caller what was meant for it.
    Bad:
        identity: {api_keys: {roles: [raeder]}}
        roles:
          reader: {allow: [{tools: ["find_*"]}]}
    Good:
        identity: {api_keys: {roles: [reader]}}
        roles:
          reader: {allow: [{tools: ["find_*"]}]}
    Fix:
        Write the name as `roles` has it, or define the role.
    See: docs/policy.md#roles
    """
    yield from vain("role_reach.roles_that_do_not_exist", document)


@rule("POL204", "deny-without-effect", "medium")
def deny_without_effect(document: Document) -> Iterator[Found]:
    """A denial names what no role allows.

    Why:
        It changes nothing; mostly it is misspelt, and what was meant is still allowed. A `*` does not cross a slash.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {allow: [{tools: ["github.*"]}], deny: [{tools: ["gihtub.delete_repo"]}]}
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {allow: [{tools: ["github.*"]}], deny: [{tools: ["github.delete_repo"]}]}
    Fix:
        Write the name as the server has it, or take the denial out.
    See: docs/policy.md#roles
    """
    yield from vain("role_reach.denies_of_what_nobody_may", document)


@rule("POL205", "allow-under-deny", "medium")
def allow_under_deny(document: Document) -> Iterator[Found]:
    """A denial of the same role covers all of what a rule allows.

    Why:
        Any denial wins, whatever the order: the rule allows nothing.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {allow: [{tools: ["github.*", "fs.read"]}], deny: [{tools: ["fs.*"]}]}
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {allow: [{tools: ["github.*", "fs.read"]}], deny: [{tools: ["github.delete_*"]}]}
    Fix:
        Narrow the denial, or take the rule out.
    See: docs/policy.md#roles
    """
    yield from vain("role_reach.allows_that_a_deny_swallows", document)


@rule("POL206", "repeated-glob", "low")
def repeated_glob(document: Document) -> Iterator[Found]:
    """A rule names the same thing twice.

    Why:
        One of the two was probably meant to be something else.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {allow: [{tools: ["github.get_*", "github.get_*"]}]}
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {allow: [{tools: ["github.get_*", "github.list_*"]}]}
    Fix:
        Take one out, or write what was meant.
    See: docs/policy.md#roles
    """
    yield from vain("role_reach.globs_twice", document)


@rule("POL207", "scopes-of-nobody", "medium")
def scopes_of_nobody(document: Document) -> Iterator[Found]:
    """A rule needs scopes, and no source of callers gives any.

    Why:
        The rule allows nothing.
    Bad:
        server: {trusted_proxies: [unix]}
        identity: {forwarded: {user: X-User, roles: X-Roles}}
        roles:
          dev: {allow: [{tools: ["github.*"], scopes: [repo]}]}
    Good:
        server: {trusted_proxies: [unix]}
        identity: {forwarded: {user: X-User, roles: X-Roles, scopes: X-Scopes}}
        roles:
          dev: {allow: [{tools: ["github.*"], scopes: [repo]}]}
    Fix:
        Add a source that gives scopes, or take `scopes` out of the rule.
    See: docs/policy.md#roles
    """
    yield from vain("role_reach.scopes_of_nobody", document)


@rule("POL208", "tenants-of-nobody", "medium")
def tenants_of_nobody(document: Document) -> Iterator[Found]:
    """A role counts for some tenants alone, and no caller has a tenant.

    Why:
        The role counts for nobody.
    Bad:
        server: {trusted_proxies: [unix]}
        identity: {forwarded: {user: X-User, roles: X-Roles}}
        roles:
          dev: {tenants: ["acme"], allow: [{tools: ["github.*"]}]}
    Good:
        server: {trusted_proxies: [unix]}
        identity: {forwarded: {user: X-User, roles: X-Roles, tenant: X-Tenant}}
        roles:
          dev: {tenants: ["acme"], allow: [{tools: ["github.*"]}]}
    Fix:
        Name where the tenant comes from: `tenant_claim`, `forwarded.tenant`, or the key file.
    See: docs/policy.md#roles
    """
    yield from vain("role_reach.tenants_of_nobody", document)


@rule("POL209", "claims-of-nobody", "medium")
def claims_of_nobody(document: Document) -> Iterator[Found]:
    """A condition asks for a claim, and no caller has a token.

    Why:
        The condition never holds in an `allow`, and always counts in a `deny`.
    Bad:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {allow: [{tools: ["github.*"], when: [{claim: org, equals: acme}]}]}
    Good:
        identity: {api_keys: {file: keys.yaml}}
        roles:
          dev: {tenants: [acme], allow: [{tools: ["github.*"]}]}
    Fix:
        Add `jwt` or `introspection`, or ask for something that the callers have.
    See: docs/policy.md#roles
    """
    yield from vain("role_reach.claims_of_nobody", document)
