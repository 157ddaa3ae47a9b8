"""Bad `identity` sections and `server.resource`, each with its report and its good twin."""

from __future__ import annotations

from tests.policy.mistakes import Mistake

_SERVER = "server: {resource: 'https://mcp.example.com/mcp', trusted_proxies: [10.0.0.0/8]}\n"
_RESOURCE = (
    "expected the URL of the MCP endpoint, such as https://mcp.example.com/mcp, without query, escapes and dot segments"
)
_ISSUER = "expected an issuer such as https://idp.example.com, without credentials, query and fragment"
_HTTPS = "expected https: whoever can change the answer could log in as anybody"
_SOURCE = "from anybody else these fields are not believed"


def jwt(fields: str, *, jwks: str = ", jwks: 'https://i.example/j'", algorithms: str = "RS256") -> str:
    """A policy with one issuer; `fields` begin at line 4, column 8."""
    return issuer(f"{fields}, issuer: 'https://i.example', algorithms: [{algorithms}]{jwks}")


def issuer(fields: str) -> str:
    """A policy with one issuer that says nothing but `fields`, which begin at line 4, column 8."""
    return f"{_SERVER}identity:\n  jwt:\n    - {{{fields}}}\n"


def identity(fields: str) -> str:
    """A policy with these fields of identity, beginning at line 2, column 12."""
    return f"{_SERVER}identity: {{{fields}}}\n"


MISTAKES: dict[str, Mistake] = {
    "a resource without a scheme": Mistake(
        "server: {resource: mcp.example.com/mcp}\n",
        f':1:20: server.resource: {_RESOURCE}, found "mcp.example.com/mcp"',
        "server: {resource: 'https://mcp.example.com/mcp'}\n"),
    "a resource with dot segments": Mistake(
        "server: {resource: 'https://a.example/x/../mcp'}\n",
        f':1:20: server.resource: {_RESOURCE}, found "https://a.example/x/../mcp"',
        "server: {resource: 'https://a.example/x.y/mcp/'}\n"),
    "a resource with a password": Mistake(
        "server: {resource: 'https://u:hunter2@a.example'}\n",
        f":1:20: server.resource: {_RESOURCE}, found a text of 27 characters",
        "server: {resource: 'https://a.example'}\n"),
    "a resource at no port": Mistake(
        "server: {resource: 'https://a.example:65536/mcp'}\n",
        f':1:20: server.resource: {_RESOURCE}; a port is at most 65535, found "https://a.example:65536/mcp"',
        "server: {resource: 'https://a.example:65535/mcp'}\n", beyond=True),
    "tokens without a resource": Mistake(
        "identity:\n  jwt: [{issuer: 'https://i.example', algorithms: [RS256], jwks: keys.json}]\n",
        ":2:8: identity.jwt: needs server.resource, the URL that tokens are issued for; without it any token of the"
        " issuer would do",
        issuer("issuer: 'https://i.example', algorithms: [RS256], jwks: keys.json"), beyond=True),
    "introspection without a resource": Mistake(
        "identity: {introspection: [{issuer: 'https://i.example', endpoint: 'https://i.example/i', client_id: mcp,"
        " client_secret: 'env:S'}]}\n",
        ":1:27: identity.introspection: needs server.resource, the URL that tokens are issued for; without it any token"
        " of the issuer would do",
        identity("introspection: [{issuer: 'https://i.example', endpoint: 'https://i.example/i?x=1', client_id: mcp,"
                 " client_secret: 'env:S'}]"), beyond=True),
    "introspection without a secret": Mistake(
        identity("introspection: [{issuer: 'https://i.example', endpoint: 'https://i.example/i', client_id: mcp,"
                 " client_secret: null}]"),
        ":2:122: identity.introspection[0].client_secret: expected env:NAME, the environment variable that holds the"
        " secret, or vault://NAME of one in the vault; it has no place in a file",
        identity("introspection: [{issuer: 'https://i.example', endpoint: 'https://i.example/i', client_id: mcp,"
                 " client_secret: env:S}]")),
    "introspection with a secret of no vault": Mistake(
        identity("introspection: [{issuer: 'https://i.example', endpoint: 'https://i.example/i', client_id: mcp,"
                 " client_secret: 'vault://idp'}]"),
        ":2:122: identity.introspection[0].client_secret: needs the section vault, where the secret is",
        identity("introspection: [{issuer: 'https://i.example', endpoint: 'https://i.example/i', client_id: mcp,"
                 " client_secret: 'vault://idp'}]") + "vault: {file: v.smcp, key: 'env:K'}\n", beyond=True),
    "introspection with a secret by no name": Mistake(
        identity("introspection: [{issuer: 'https://i.example', endpoint: 'https://i.example/i', client_id: mcp,"
                 " client_secret: 'vault://'}]"),
        ":2:122: identity.introspection[0].client_secret: expected env:NAME, the environment variable that holds the"
        " secret, or vault://NAME of one in the vault; it has no place in a file",
        identity("introspection: [{issuer: 'https://i.example', endpoint: 'https://i.example/i', client_id: mcp,"
                 " client_secret: 'vault://a.b-c'}]") + "vault: {file: v.smcp, key: 'env:K'}\n"),
    "a gateway without a proxy": Mistake(
        "identity: {forwarded: {user: x-user}}\n",
        f":1:23: identity.forwarded: needs server.trusted_proxies: {_SOURCE}",
        identity("forwarded: {user: x-user}"), beyond=True),
    "a certificate without a proxy": Mistake(
        "identity: {certificate: {header: x-subject, subjects: {CN=a: [r]}}}\n",
        f":1:25: identity.certificate: needs server.trusted_proxies: {_SOURCE}",
        identity("certificate: {header: x-subject, subjects: {CN=a: [r]}}"), beyond=True),
    "one field for two things": Mistake(
        identity("forwarded: {user: x-user, tenant: X-User}"),
        ":2:46: identity.forwarded.tenant: x-user has another meaning in identity already; use a field of its own",
        identity("forwarded: {user: x-user, tenant: X-Tenant}"), beyond=True),
    "one field for a key and a user": Mistake(
        identity("api_keys: {header: x-user}, forwarded: {user: x-user}"),
        ":2:58: identity.forwarded.user: x-user has another meaning in identity already; use a field of its own",
        identity("api_keys: {header: x-key, roles: [a]}, forwarded: {user: x-user, roles: x-roles}"), beyond=True),
    "a field of the protocol": Mistake(
        identity("forwarded: {user: Mcp-Name}"),
        ":2:30: identity.forwarded.user: expected a header field of its own; Mcp-Name has a meaning already,"
        ' found "Mcp-Name"', identity("forwarded: {user: X-Mcp-Name}"), beyond=True),
    "a field for the key that is taken": Mistake(
        identity("api_keys: {header: Authorization}"),
        ":2:31: identity.api_keys.header: expected a header field of its own; Authorization has a meaning already",
        identity("api_keys: {header: X-API-Key}"), beyond=True),
    "a field with an underscore": Mistake(
        identity("forwarded: {user: x_user}"),
        ":2:30: identity.forwarded.user: expected the name of a header field, such as X-API-Key,"
        ' found "x_user"', identity("forwarded: {user: x-user}")),
    "an algorithm that signs nothing": Mistake(
        jwt("leeway: 5", algorithms="none"),
        ":4:61: identity.jwt[0].algorithms[0]: expected RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512,"
        ' Ed25519, EdDSA, HS256, HS384 or HS512, found "none"', jwt("leeway: 5", algorithms="Ed25519")),
    "no algorithm at all": Mistake(
        jwt("leeway: 5", algorithms=""),
        ":4:60: identity.jwt[0].algorithms: expected at least 1 entry, found a list", jwt("leeway: 5")),
    "algorithms of two kinds": Mistake(
        jwt("leeway: 5", algorithms="RS256, HS256"),
        ":4:7: identity.jwt[0]: expected algorithms of one kind: HS with secret, or the others with jwks; never both,"
        " found a mapping", jwt("leeway: 5", algorithms="RS256, ES256"), beyond=True),
    "a shared secret as public keys": Mistake(
        jwt("leeway: 5", algorithms="HS256"),
        ":4:7: identity.jwt[0]: HS algorithms need secret: env:NAME, and no jwks, found a mapping",
        jwt("secret: 'env:S'", algorithms="HS256", jwks=""), beyond=True),
    "public keys and a secret": Mistake(
        jwt("secret: 'env:S'"),
        ":4:7: identity.jwt[0]: expected jwks: the URL or file of the issuer's public keys, and no secret,"
        " found a mapping", jwt("leeway: 5"), beyond=True),
    "a secret in the file": Mistake(
        jwt("secret: hunter2", algorithms="HS256", jwks=""),
        ":4:16: identity.jwt[0].secret: expected env:NAME, the environment variable that holds the secret; it has no"
        " place in a file", jwt("secret: env:HUNTER", algorithms="HS256", jwks="")),
    "keys in clear": Mistake(
        issuer("issuer: 'https://i.example', algorithms: [RS256], jwks: 'http://i.example/j'"),
        f":4:64: identity.jwt[0].jwks: {_HTTPS}",
        issuer("issuer: 'https://i.example', algorithms: [RS256], jwks: 'https://i.example/j'"), beyond=True),
    "keys in clear from elsewhere": Mistake(
        issuer("issuer: 'https://i.example', algorithms: [RS256], jwks: 'http://127.0.0.1.ex/j', allow_http: true"),
        ":4:64: identity.jwt[0].jwks: expected https: allow_http counts for localhost and loopback addresses alone",
        issuer("issuer: 'http://i.example', algorithms: [RS256], jwks: 'http://127.0.0.1:8000/j', allow_http: true"),
        beyond=True),
    "an introspection in clear": Mistake(
        identity("introspection: [{issuer: 'https://i.example', endpoint: 'http://[::1]/i', client_id: mcp,"
                 " client_secret: env:S}]"),
        f":2:68: identity.introspection[0].endpoint: {_HTTPS}",
        identity("introspection: [{issuer: 'https://i.example', endpoint: 'http://[::1]/i', client_id: mcp,"
                 " client_secret: env:S, allow_http: true}]"), beyond=True),
    "keys at a URL with a password": Mistake(
        issuer("issuer: 'https://i.example', algorithms: [RS256], jwks: 'https://u:hunter2@i.example/j'"),
        ":4:64: identity.jwt[0].jwks: expected the https URL of a JWKS, or the name of a file that holds one,"
        " found a text of 29 characters",
        issuer("issuer: 'https://i.example', algorithms: [RS256], jwks: 'https://i.example/j?p=b2c_1'")),
    "keys at a local URL": Mistake(
        issuer("issuer: 'https://i.example', algorithms: [RS256], jwks: 'file:///etc/jwks.json'"),
        ":4:64: identity.jwt[0].jwks: expected the https URL of a JWKS, or the name of a file that holds one,"
        ' found "file:///etc/jwks.json"',
        issuer("issuer: 'https://i.example', algorithms: [RS256], jwks: /etc/jwks.json")),
    "an issuer with a query": Mistake(
        issuer("issuer: 'https://i.example/?a=1', algorithms: [RS256], jwks: k"),
        f":4:16: identity.jwt[0].issuer: {_ISSUER}, found a text of 22 characters",
        issuer("issuer: 'https://i.example/', algorithms: [RS256], jwks: k")),
    "an issuer that only listens": Mistake(
        issuer("issuer: 'https://0.0.0.0', algorithms: [RS256], jwks: k"),
        f":4:16: identity.jwt[0].issuer: {_ISSUER}; 0.0.0.0 is where a server listens, no client may ask for it,"
        ' found "https://0.0.0.0"', issuer("issuer: 'https://127.0.0.1', algorithms: [RS256], jwks: k"), beyond=True),
    "one issuer twice": Mistake(
        identity("jwt: [{issuer: 'https://i.example', algorithms: [RS256], jwks: k},"
                 " {issuer: 'https://i.example', algorithms: [ES256], jwks: l}]"),
        ":2:88: identity.jwt[1].issuer: the same as of identity.jwt[0]; write one entry per issuer",
        identity("jwt: [{issuer: 'https://i.example', algorithms: [RS256], jwks: k},"
                 " {issuer: 'https://i.example/', algorithms: [ES256], jwks: l}]"), beyond=True),
    "an audience of nothing": Mistake(
        jwt("audience: []"),
        ":4:18: identity.jwt[0].audience: expected a text that aud must name, or a list of at least one, found a list",
        jwt("audience: [a, b]")),
    "a leeway of an hour": Mistake(
        jwt("leeway: 1h"),
        ':4:16: identity.jwt[0].leeway: expected at most 300, found the number 3600', jwt("leeway: 5m"), beyond=True),
    "a time in words": Mistake(
        jwt("timeout: soon"),
        ":4:17: identity.jwt[0].timeout: expected a time: seconds as a whole number, or 30s, 5m, 24h, 7d,"
        ' found "soon"', jwt("timeout: 10s")),
    "a truth in words": Mistake(
        "identity: {required: 'no'}\n", ':1:22: identity.required: expected true or false, found "no"',
        "identity: {required: false}\n"),
    "a scope with a space": Mistake(
        identity("scopes: ['a b']"),
        ":2:21: identity.scopes[0]: expected one scope as in RFC 6749, without spaces, quotes and backslashes,"
        ' found "a b"', identity("scopes: [a, b]")),
    "a scope that includes a text": Mistake(
        identity("scope_hierarchy: {admin: read}"),
        ':2:37: identity.scope_hierarchy.admin: expected a list, found "read"',
        identity("scope_hierarchy: {admin: [read]}")),
    "a claim with a space": Mistake(
        jwt("roles_claim: my roles"),
        ":4:21: identity.jwt[0].roles_claim: expected the name of a claim; dots lead into objects, as in"
        ' realm_access.roles, found "my roles"', jwt("roles_claim: 'https://x/roles'")),
    "a subject with a line break": Mistake(
        identity('certificate: {header: x-s, subjects: {"CN=\\na": [r]}}'),
        ':2:50: identity.certificate.subjects."CN=\\x0aa": expected the subject of a certificate as the proxy writes'
        " it, in ASCII", identity('certificate: {header: x-s, subjects: {"CN=a, O=b": [r]}}')),
    "a status of no kind": Mistake(
        identity("scope_status: 401"), ":2:26: identity.scope_status: expected 403 or 200, found the number 401",
        identity("scope_status: 200")),
}  # fmt: skip
