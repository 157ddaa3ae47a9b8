"""The `identity` section: which credentials count, who issues them, and what their claims say. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, Strict, WithJsonSchema, model_validator

from smcp_security.policy.addresses import ISSUER_PATTERN, URL_PATTERN, parse_issuer, parse_url
from smcp_security.policy.section import Duration, FileName, FrozenMap, Section
from smcp_security.policy.vault import HANDLE_PATTERN

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA",
    "HS256", "HS384", "HS512",
]  # fmt: skip
SYMMETRIC: Final = frozenset({"HS256", "HS384", "HS512"})

SCOPE_PATTERN: Final = r"^[!#-\[\]-~]{1,128}$"
"""RFC 6749, 3.3: scope-token."""
ROLE_PATTERN: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$"
HEADER_PATTERN: Final = r"^[A-Za-z0-9-]{1,64}$"
CLAIM_PATTERN: Final = r"^[!-~]{1,256}$"
JWKS_PATTERN: Final = rf"({URL_PATTERN})|^(?!.*://)[^\x00]{{0,1023}}[^\x00/]$"
SUBJECT_PATTERN: Final = r"^[!-~]([ -~]{0,1022}[!-~])?$"
SECRET_PATTERN: Final = r"^env:[A-Za-z_][A-Za-z0-9_]{0,127}$"
CLIENT_SECRET_PATTERN: Final = rf"{SECRET_PATTERN}|{HANDLE_PATTERN}"
AUDIENCE_MAX: Final = 1000
# Those that the transport or the protocol gives a meaning of its own.
_TAKEN_HEADERS: Final = frozenset(
    "authorization host origin cookie content-type content-length content-encoding transfer-encoding accept "
    "accept-encoding connection upgrade te trailer expect range keep-alive proxy-authorization proxy-connection "
    "last-event-id forwarded x-forwarded-for x-forwarded-host x-forwarded-proto".split()
)


def _scope(value: object) -> str:
    if not isinstance(value, str) or re.fullmatch(SCOPE_PATTERN, value, re.ASCII) is None:
        raise ValueError("expected one scope as in RFC 6749, without spaces, quotes and backslashes")
    return value


def _role(value: object) -> str:
    if not isinstance(value, str) or re.fullmatch(ROLE_PATTERN, value, re.ASCII) is None:
        raise ValueError("expected the name of a role: letters, digits and _ . : / -")
    return value


def _header(value: object) -> str:
    if not isinstance(value, str) or re.fullmatch(HEADER_PATTERN, value, re.ASCII) is None:
        raise ValueError("expected the name of a header field, such as X-API-Key")
    if value.lower() in _TAKEN_HEADERS or value.lower().startswith("mcp-"):
        raise ValueError(f"expected a header field of its own; {value} has a meaning already")
    return value.lower()


def _claim(value: object) -> str:
    if not isinstance(value, str) or re.fullmatch(CLAIM_PATTERN, value, re.ASCII) is None:
        raise ValueError("expected the name of a claim; dots lead into objects, as in realm_access.roles")
    return value


def _jwks(value: object) -> str:
    if not isinstance(value, str) or re.search(JWKS_PATTERN, value, re.ASCII) is None:
        raise ValueError("expected the https URL of a JWKS, or the name of a file that holds one")
    return parse_url(value) if "://" in value else value


def _secret(value: object) -> str:
    if not isinstance(value, str) or re.fullmatch(SECRET_PATTERN, value, re.ASCII) is None:
        raise ValueError("expected env:NAME, the environment variable that holds the secret; it has no place in a file")
    return value


def _client_secret(value: object) -> str:
    if not isinstance(value, str) or re.fullmatch(CLIENT_SECRET_PATTERN, value, re.ASCII) is None:
        raise ValueError(
            "expected env:NAME, the environment variable that holds the secret, or vault://NAME of one in the vault;"
            " it has no place in a file"
        )
    return value


def _subject(value: object) -> str:
    if not isinstance(value, str) or re.fullmatch(SUBJECT_PATTERN, value, re.ASCII) is None:
        raise ValueError("expected the subject of a certificate as the proxy writes it, in ASCII")
    return value


def _audiences(value: object) -> tuple[str, ...]:
    entries = (value,) if isinstance(value, str) else value
    if not isinstance(entries, list | tuple) or not entries or not all(map(_is_audience, entries)):
        raise ValueError("expected a text that aud must name, or a list of at least one")
    return tuple(entries)


def _is_audience(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= AUDIENCE_MAX


Scope = Annotated[str, BeforeValidator(_scope), WithJsonSchema({"type": "string", "pattern": SCOPE_PATTERN})]
RoleName = Annotated[str, BeforeValidator(_role), WithJsonSchema({"type": "string", "pattern": ROLE_PATTERN})]
HeaderName = Annotated[str, BeforeValidator(_header), WithJsonSchema({"type": "string", "pattern": HEADER_PATTERN})]
Issuer = Annotated[str, BeforeValidator(parse_issuer), WithJsonSchema({"type": "string", "pattern": ISSUER_PATTERN})]
Url = Annotated[str, BeforeValidator(parse_url), WithJsonSchema({"type": "string", "pattern": URL_PATTERN})]
Claim = Annotated[str, BeforeValidator(_claim), WithJsonSchema({"type": "string", "pattern": CLAIM_PATTERN})]
Jwks = Annotated[str, BeforeValidator(_jwks), WithJsonSchema({"type": "string", "pattern": JWKS_PATTERN})]
SecretName = Annotated[str, BeforeValidator(_secret), WithJsonSchema({"type": "string", "pattern": SECRET_PATTERN})]
ClientSecret = Annotated[
    str, BeforeValidator(_client_secret), WithJsonSchema({"type": "string", "pattern": CLIENT_SECRET_PATTERN})
]
_AUDIENCE: Final = {"type": "string", "minLength": 1, "maxLength": AUDIENCE_MAX}
Audiences = Annotated[
    tuple[str, ...],
    BeforeValidator(_audiences),
    WithJsonSchema({"anyOf": [_AUDIENCE, {"type": "array", "items": _AUDIENCE, "minItems": 1}]}),
]
Subject = Annotated[str, BeforeValidator(_subject), WithJsonSchema({"type": "string", "pattern": SUBJECT_PATTERN})]
Hierarchy = Annotated[
    Mapping[Scope, tuple[Scope, ...]],
    AfterValidator(FrozenMap),
    PlainSerializer(dict, return_type=dict[str, Any]),
]
SubjectRoles = Annotated[
    Mapping[Subject, tuple[RoleName, ...]],
    AfterValidator(FrozenMap),
    PlainSerializer(dict, return_type=dict[str, Any]),
]


class ApiKeysPolicy(Section):
    """API keys. `SMCP_API_KEY` in the environment is one more key, of at least 32 characters."""

    file: FileName = Field(default=None, description="Key file of `smcp keys`. null: only SMCP_API_KEY.")
    header: HeaderName | None = Field(
        default=None, description="A header field that may carry the key, besides Authorization: Bearer."
    )
    roles: tuple[RoleName, ...] = Field(default=(), description="Roles of the caller that sends SMCP_API_KEY.")


class FetchPolicy(Section):
    """How something is fetched from an issuer."""

    allow_private: Annotated[bool, Strict()] = Field(
        default=False, description="Whether the issuer may have a private or loopback address."
    )
    allow_http: Annotated[bool, Strict()] = Field(
        default=False, description="Whether plain http will do; only for loopback addresses."
    )
    proxy: Url | None = Field(default=None, description="HTTP proxy for the requests; it resolves the name then.")
    timeout: Duration = Field(default=5, description="Longest time of one request, such as 5s. 1s to 60s.", ge=1, le=60)


class ClaimsPolicy(FetchPolicy):
    """What the claims of an issuer's tokens mean."""

    audience: Audiences | None = Field(
        default=None, description="What `aud` must name, one or several. null: server.resource."
    )
    subject_claim: Claim = Field(default="sub", description="Claim that names the caller.")
    roles_claim: Claim | None = Field(default=None, description="Claim with the caller's roles. null: none.")
    scopes_claim: Claim = Field(default="scope", description="Claim with the scopes, as a list or in one text.")
    tenant_claim: Claim | None = Field(default=None, description="Claim that names the caller's tenant. null: none.")


class IssuerPolicy(ClaimsPolicy):
    """One issuer of JWT access tokens (RFC 9068)."""

    issuer: Issuer = Field(description="What `iss` must be, exactly.")
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = Field(
        description="Signature algorithms that count; never taken from the token."
    )
    jwks: Jwks | None = Field(default=None, description="URL of the issuer's keys (RFC 7517), or a local file.")
    secret: SecretName | None = Field(
        default=None, description="env:NAME of the shared secret of HS algorithms, at least 32 bytes."
    )
    leeway: Duration = Field(default=30, description="Clock skew that is forgiven. 0 to 300s.", ge=0, le=300)
    max_stale: Duration = Field(
        default=86_400, description="How long the last good keys count while the issuer is down. 0 to 7d.",
        ge=0, le=604_800,
    )  # fmt: skip
    require_type: Annotated[bool, Strict()] = Field(
        default=False, description="Whether a token must say typ at+jwt; if it says a typ, it is checked anyway."
    )

    @model_validator(mode="after")
    def _keys_agree(self) -> IssuerPolicy:
        symmetric = SYMMETRIC & set(self.algorithms)
        if symmetric and len(symmetric) < len(set(self.algorithms)):
            raise ValueError("expected algorithms of one kind: HS with secret, or the others with jwks; never both")
        if symmetric and (self.secret is None or self.jwks is not None):
            raise ValueError("HS algorithms need secret: env:NAME, and no jwks")
        if not symmetric and (self.jwks is None or self.secret is not None):
            raise ValueError("expected jwks: the URL or file of the issuer's public keys, and no secret")
        return self


class IntrospectionPolicy(ClaimsPolicy):
    """Tokens that only their issuer can read, asked about one by one (RFC 7662)."""

    issuer: Issuer = Field(description="Who issues them; part of the caller's name, and listed in the metadata.")
    endpoint: Url = Field(description="The introspection endpoint.")
    client_id: Annotated[str, Field(min_length=1, max_length=256)] = Field(description="Who we are to the issuer.")
    client_secret: ClientSecret = Field(
        description="env:NAME of our secret at the issuer, or vault://NAME of one in the vault."
    )
    cache: Duration = Field(default=30, description="How long an answer counts. 0 to 300s.", ge=0, le=300)


class ForwardedPolicy(Section):
    """Header fields in which a gateway says who calls. Believed from `server.trusted_proxies` alone."""

    user: HeaderName = Field(description="Field with the caller's name.")
    roles: HeaderName | None = Field(default=None, description="Field with roles, parted by commas.")
    scopes: HeaderName | None = Field(default=None, description="Field with scopes, parted by spaces.")
    tenant: HeaderName | None = Field(default=None, description="Field with the tenant.")


class CertificatePolicy(Section):
    """The subject of a client certificate that a proxy has verified (mTLS). From `server.trusted_proxies` alone."""

    header: HeaderName = Field(description="Field with the subject's distinguished name.")
    subjects: SubjectRoles = Field(description="Subject, exactly as the proxy writes it, to its roles.")


class IdentityPolicy(Section):
    """Who may call at all. Without this section (and SMCP_API_KEY) nobody is asked who they are."""

    required: Annotated[bool, Strict()] = Field(
        default=True, description="Whether a message without a credential is refused. A wrong one always is."
    )
    api_keys: ApiKeysPolicy | None = Field(default=None, description="API keys.")
    jwt: tuple[IssuerPolicy, ...] = Field(default=(), max_length=32, description="Issuers of JWT access tokens.")
    introspection: tuple[IntrospectionPolicy, ...] = Field(
        default=(), max_length=1, description="The issuer of opaque tokens (RFC 7662)."
    )
    forwarded: ForwardedPolicy | None = Field(default=None, description="Callers that a gateway names.")
    certificate: CertificatePolicy | None = Field(default=None, description="Client certificates behind a proxy.")
    scopes: tuple[Scope, ...] = Field(default=(), description="Scopes that every token must have.")
    scope_hierarchy: Hierarchy = Field(default=FrozenMap({}), description="Scope to the scopes that it includes.")
    scope_status: Literal[403, 200] = Field(
        default=403, description="HTTP status where a scope is missing. 403 tears down older Python clients."
    )
    strip_credentials: Annotated[bool, Strict()] = Field(
        default=True, description="Whether the server behind is spared the caller's token, key and identity fields."
    )
