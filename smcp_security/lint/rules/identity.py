"""Rules about `identity`: who is let in, by what, and what a stolen credential is good for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Fix, Found
from smcp_security.lint.openness import is_public
from smcp_security.lint.registry import rule
from smcp_security.lint.vain import vain
from smcp_security.policy.agreement import is_loopback
from smcp_security.policy.identity import SYMMETRIC
from smcp_security.policy.places import Path, shown_path

# Variables that every process has, or whose value others see.
_NO_SECRETS: Final = frozenset(
    "HOME HOST HOSTNAME LANG LOGNAME OLDPWD PATH PWD SHELL SHLVL TERM TMPDIR TZ USER USERNAME".split()
)


@rule("POL150", "nobody-is-asked", "high", "medium")
def nobody_is_asked(document: Document) -> Iterator[Found]:
    """A server that others can reach asks nobody who they are.

    Why:
        Without `identity` every caller may use every tool, unless SMCP_API_KEY is set where the server runs.
    Bad:
        server: {hosts: ["mcp.example.com"]}
    Good:
        server: {hosts: ["mcp.example.com"]}
        identity: {api_keys: {file: keys.yaml}}
    Fix:
        Add `identity`. Where a gateway in front asks for credentials, let it say who calls: `identity.forwarded`.
    See: docs/policy.md#identity https://cwe.mitre.org/data/definitions/306.html
    """
    assert document.policy is not None
    if document.policy.identity is None and is_public(document.policy):
        key = "resource" if document.policy.server.hosts is None else "hosts"
        yield Found(("server", key), "others can reach this server, and without identity nobody is asked who they are")


@rule("POL151", "credential-optional", "high", "medium")
def credential_optional(document: Document) -> Iterator[Found]:
    """A server that others can reach lets callers in who send no credential.

    Why:
        Whoever leaves the credential away is a caller without roles: without `roles` such a caller may do everything.
    Bad:
        server: {hosts: ["mcp.example.com"]}
        identity: {required: false, api_keys: {file: keys.yaml}}
    Good:
        server: {hosts: ["mcp.example.com"]}
        identity: {required: true, api_keys: {file: keys.yaml}}
    Fix:
        Take `required: false` out.
    See: docs/policy.md#identity https://cwe.mitre.org/data/definitions/306.html
    """
    policy = document.policy
    assert policy is not None
    if policy.identity is not None and not policy.identity.required and is_public(policy):
        what = "may use everything, since there are no roles" if policy.roles is None else "is let in without a role"
        yield Found(("identity", "required"), f"whoever sends no credential {what}")


@rule("POL152", "keys-over-http", "medium")
def keys_over_http(document: Document) -> Iterator[Found]:
    """Plain http is allowed for an issuer, on a server that others can reach.

    Why:
        Whoever can change the answer with the keys can log in as anybody. The loader lets http through for this
        machine alone, and other processes on it can take the port when the issuer is away.
    Bad:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity:
          jwt:
            - {issuer: "https://idp.example.com", algorithms: [ES256], jwks: "http://127.0.0.1:9000/jwks.json",
               allow_http: true, allow_private: true}
    Good:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity:
          jwt:
            - {issuer: "https://idp.example.com", algorithms: [ES256], jwks: "https://idp.example.com/jwks.json"}
    Fix:
        Write the https URL of the keys, or a file.
    See: docs/policy.md#identity https://cwe.mitre.org/data/definitions/319.html
    """
    policy = document.policy
    assert policy is not None
    if policy.identity is None or not is_public(policy):
        return
    for section in ("jwt", "introspection"):
        for index, source in enumerate(getattr(policy.identity, section)):
            if source.allow_http:
                yield Found(("identity", section, index, "allow_http"), "keys or answers over http on a public server")


@rule("POL153", "symmetric-algorithm", "medium")
def symmetric_algorithm(document: Document) -> Iterator[Found]:
    """Tokens are signed with a secret that this server has as well.

    Why:
        Whoever can read the secret here can issue tokens for anybody, at every server that shares it. Beside an issuer
        with public keys it is the weaker of two doors.
    Bad:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity:
          jwt:
            - {issuer: "https://idp.example.com", algorithms: [HS256], secret: "env:SMCP_JWT_SECRET"}
    Good:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity:
          jwt:
            - {issuer: "https://idp.example.com", algorithms: [ES256], jwks: "https://idp.example.com/jwks.json"}
    Fix:
        Let the issuer sign with a key of its own (ES256, Ed25519) and name its `jwks`.
    See: docs/policy.md#identity https://cwe.mitre.org/data/definitions/347.html
    """
    assert document.policy is not None
    identity = document.policy.identity
    issuers = identity.jwt if identity is not None else ()
    public = any(not SYMMETRIC & set(issuer.algorithms) for issuer in issuers)
    for index, issuer in enumerate(issuers):
        if SYMMETRIC & set(issuer.algorithms):
            beside = ", beside an issuer with public keys" if public else ""
            told = f"whoever reads the secret here can issue tokens for anybody{beside}; use ES256 with jwks"
            yield Found(("identity", "jwt", index, "algorithms"), told)


@rule("POL154", "foreign-audience", "medium", "medium")
def foreign_audience(document: Document) -> Iterator[Found]:
    """Tokens that were issued for another service are let in.

    Why:
        An audience besides the server's own means that a token which a user gave to that service opens this one too
        (a confused deputy).
    Bad:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity:
          jwt:
            - {issuer: "https://idp.example.com", algorithms: [ES256], jwks: "https://idp.example.com/jwks.json",
               audience: ["https://mcp.example.com/mcp", "https://mail.example.com"]}
    Good:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity:
          jwt:
            - {issuer: "https://idp.example.com", algorithms: [ES256], jwks: "https://idp.example.com/jwks.json"}
    Fix:
        Leave `audience` out, which means `server.resource`, or name the one identifier that the issuer has for this
        server.
    See: docs/policy.md#identity https://www.rfc-editor.org/rfc/rfc8707
    """
    assert document.policy is not None
    identity = document.policy.identity
    for section in ("jwt", "introspection") if identity is not None else ():
        for index, source in enumerate(getattr(identity, section)):
            if len(source.audience or ()) > 1:
                where = ("identity", section, index, "audience")
                yield Found(where, "several audiences: tokens that were issued for another service open this one too")


@rule("POL155", "private-issuer", "low", fixes="unsafe")
def private_issuer(document: Document) -> Iterator[Found]:
    """An issuer whose keys are a file may have a private address.

    Why:
        Nothing is fetched from it, so the key means nothing today; when somebody writes a URL there, it lets that name
        lead into the own network.
    Bad:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity:
          jwt:
            - {issuer: "https://idp.example.com", algorithms: [ES256], jwks: "keys.json", allow_private: true}
    Good:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity:
          jwt:
            - {issuer: "https://idp.example.com", algorithms: [ES256], jwks: "keys.json"}
    Fix:
        Take `allow_private` out.
    See: docs/policy.md#identity https://cwe.mitre.org/data/definitions/918.html
    """
    assert document.policy is not None
    identity = document.policy.identity
    for index, issuer in enumerate(identity.jwt if identity is not None else ()):
        # Nothing is fetched where the keys are a file.
        if issuer.allow_private and (issuer.jwks is None or "://" not in issuer.jwks):
            fix = _removal(document, ("identity", "jwt", index, "allow_private"))
            yield Found(("identity", "jwt", index, "allow_private"), "nothing is fetched from this issuer", fix=fix)


def _removal(document: Document, path: Path) -> Fix | None:
    """Writes false; what stands around it stays as it is."""
    return Fix((document.replaced(path, "false"),), safe=False) if document.scalar(path) == "true" else None


@rule("POL156", "no-source-of-callers", "high")
def no_source_of_callers(document: Document) -> Iterator[Found]:
    """`identity` names no source of callers, so every credential is refused.

    Why:
        With `required` nobody can ever call, unless SMCP_API_KEY is set; without it all are callers without roles.
    Bad:
        identity: {required: false}
    Good:
        identity: {api_keys: {file: keys.yaml}}
    Fix:
        Name a source (`api_keys`, `jwt`, `introspection`, `forwarded`, `certificate`), or take the section out.
    See: docs/policy.md#identity
    """
    yield from vain("reach.identity_without_source", document)


@rule("POL157", "scopes-of-no-token", "medium")
def scopes_of_no_token(document: Document) -> Iterator[Found]:
    """Every token must have scopes, and no source of callers gives any.

    Why:
        The key changes nothing, and whoever wrote it thinks that it does.
    Bad:
        server: {trusted_proxies: [unix]}
        identity: {forwarded: {user: X-User}, scopes: ["mcp:use"]}
    Good:
        server: {trusted_proxies: [unix]}
        identity: {forwarded: {user: X-User, scopes: X-Scopes}, scopes: ["mcp:use"]}
    Fix:
        Add a source that gives scopes, or take `identity.scopes` out.
    See: docs/policy.md#identity
    """
    yield from vain("reach.scopes_without_source", document)


@rule("POL158", "shared-secret-name", "high")
def shared_secret_name(document: Document) -> Iterator[Found]:
    """One secret is used for two purposes.

    Why:
        Whoever gets it in one place has the other as well, and neither can be exchanged without the other: with one
        key for audit hashes and tokens a reader of the key can issue tokens.
    Bad:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity:
          jwt:
            - {issuer: "https://idp.example.com", algorithms: [HS256], secret: "env:SMCP_SECRET"}
        audit: {file: audit.jsonl, key: "env:SMCP_SECRET"}
    Good:
        audit: {file: audit.jsonl, key: "env:SMCP_AUDIT_KEY"}
    Fix:
        Make a secret for each purpose, with a variable of its own.
    See: docs/policy.md#secrets https://cwe.mitre.org/data/definitions/323.html
    """
    first: dict[str, Path] = {}
    for path, name in _names(document):
        if name in first:
            yield Found(path, f"{name} is the secret of {shown_path(first[name])} already; make one for each purpose")
        first.setdefault(name, path)


def _names(document: Document) -> Iterator[tuple[Path, str]]:
    """Every env:NAME that the policy names, with its path."""
    for path, value in document.scalars():
        if isinstance(value, str) and value.removeprefix("passphrase:").startswith("env:"):
            yield path, value.rpartition("env:")[2]


@rule("POL159", "no-secret-variable", "high")
def no_secret_variable(document: Document) -> Iterator[Found]:
    """A secret is taken from a variable that every process has.

    Why:
        What HOSTNAME or PATH hold is no secret: anybody can guess it.
    Bad:
        audit: {file: audit.jsonl, key: "env:HOSTNAME"}
    Good:
        audit: {file: audit.jsonl, key: "env:SMCP_AUDIT_KEY"}
    Fix:
        Set a variable of its own to what `python -c "import secrets; print(secrets.token_urlsafe(32))"` prints.
    See: docs/policy.md#secrets https://cwe.mitre.org/data/definitions/1391.html
    """
    for path, name in _names(document):
        if name in _NO_SECRETS:
            yield Found(path, f"{name} is set by the system to what anybody can guess; name a variable of its own")


@rule("POL160", "credentials-passed-on", "medium")
def credentials_passed_on(document: Document) -> Iterator[Found]:
    """The server behind gets the caller's token or key.

    Why:
        A server with a leak, or a tool that passes the token on, gives away what opens every server of that issuer.
    Bad:
        identity: {api_keys: {file: keys.yaml}, strip_credentials: false}
    Good:
        identity: {api_keys: {file: keys.yaml}}
    Fix:
        Take `strip_credentials: false` out; what the server must know of the caller it is told.
    See: docs/identity.md https://cwe.mitre.org/data/definitions/522.html
    """
    assert document.policy is not None
    if document.policy.identity is not None and not document.policy.identity.strip_credentials:
        yield Found(("identity", "strip_credentials"), "the server behind gets what opens every server of the issuer")


@rule("POL161", "callers-without-roles", "low", "medium")
def callers_without_roles(document: Document) -> Iterator[Found]:
    """Whoever has a credential may do everything.

    Why:
        Without `roles` a key for a dashboard deletes as well as one of an administrator. A source that tells roles
        shows that they were meant.
    Bad:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity:
          jwt:
            - {issuer: "https://idp.example.com", algorithms: [ES256], jwks: "https://idp.example.com/jwks.json",
               roles_claim: roles}
    Good:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity:
          jwt:
            - {issuer: "https://idp.example.com", algorithms: [ES256], jwks: "https://idp.example.com/jwks.json",
               roles_claim: roles}
        roles:
          reader: {allow: [{tools: ["find_*"]}]}
    Fix:
        Add `roles`, or take out where roles come from.
    See: docs/policy.md#roles
    """
    policy = document.policy
    assert policy is not None
    if policy.identity is None or policy.roles is not None:
        return
    told = "callers have roles, and without a section roles they mean nothing: everybody may use everything"
    for section in ("jwt", "introspection"):
        for index, source in enumerate(getattr(policy.identity, section)):
            if source.roles_claim is not None:
                yield Found(("identity", section, index, "roles_claim"), told)
    if policy.identity.forwarded is not None and policy.identity.forwarded.roles is not None:
        yield Found(("identity", "forwarded", "roles"), told)


@rule("POL162", "stale-keys", "info", persona="strict")
def stale_keys(document: Document) -> Iterator[Found]:
    """Keys that the issuer has withdrawn count for days while it is away.

    Why:
        Whoever stole a signing key and can keep the issuer's answers away has that long.
    Bad:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity:
          jwt:
            - {issuer: "https://idp.example.com", algorithms: [ES256], jwks: "https://idp.example.com/jwks.json",
               max_stale: 7d}
    Good:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity:
          jwt:
            - {issuer: "https://idp.example.com", algorithms: [ES256], jwks: "https://idp.example.com/jwks.json",
               max_stale: 12h}
    Fix:
        Choose the longest outage of the issuer that the server must survive.
    See: docs/policy.md#identity
    """
    assert document.policy is not None
    identity = document.policy.identity
    for index, issuer in enumerate(identity.jwt if identity is not None else ()):
        if issuer.max_stale > 86_400:
            yield Found(("identity", "jwt", index, "max_stale"), "withdrawn keys count for more than a day")


@rule("POL163", "issuer-over-http", "low")
def issuer_over_http(document: Document) -> Iterator[Found]:
    """The issuer's name begins with http.

    Why:
        Clients look for the issuer's metadata at that URL, and whoever is on the way can lead them to a login of his
        own.
    Bad:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity:
          jwt:
            - {issuer: "http://idp.example.com", algorithms: [ES256], jwks: "keys.json"}
    Good:
        server: {resource: "https://mcp.example.com/mcp", hosts: ["mcp.example.com"]}
        identity:
          jwt:
            - {issuer: "https://idp.example.com", algorithms: [ES256], jwks: "keys.json"}
    Fix:
        Let the issuer have an https name, and write it as its tokens say it.
    See: docs/identity.md https://www.rfc-editor.org/rfc/rfc8414#section-2
    """
    assert document.policy is not None
    identity = document.policy.identity
    for section in ("jwt", "introspection") if identity is not None else ():
        for index, source in enumerate(getattr(identity, section)):
            if source.issuer.startswith("http://") and not is_loopback(source.issuer):
                yield Found(("identity", section, index, "issuer"), "clients are led to a login over plain http")
