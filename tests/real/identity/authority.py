"""An OAuth 2.1 authorization server: authlib's, without a database and with people who always approve."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import JsonPayload, JsonRequest, OAuth2Payload, OAuth2Request
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response

from tests.real.identity.clients import GivenCode, GivenToken, Person, RegisteredClient
from tests.real.identity.grants import ClientGrant, CodeGrant, Introspection, RefreshGrant, Registration
from tests.real.identity.keyring import Keyring

LIFETIME = 600
Grants = Callable[[set[str], str], set[str]]


def all_asked(scopes: set[str], subject: str) -> set[str]:
    """The rule that grants whatever is asked for."""
    return scopes


class Asked(OAuth2Request):  # type: ignore[misc]
    """A request to an endpoint, as authlib reads it; `fields` are of the query or of the form."""

    def __init__(self, method: str, url: str, headers: Headers, fields: dict[str, str]) -> None:
        # authlib wants TLS. Here the wire is the loopback, as behind a proxy that has ended it.
        super().__init__(method, url.replace("http:", "https:", 1), headers=headers)
        self.payload = _Fields(fields)

    @property
    def args(self) -> dict[str, str]:
        """The query."""
        return dict(self.payload.data)

    @property
    def form(self) -> dict[str, str]:
        """The form."""
        return dict(self.payload.data)


class _Fields(OAuth2Payload):  # type: ignore[misc]
    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields

    @property
    def data(self) -> dict[str, str]:
        return self._fields

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return defaultdict(list, {name: [value] for name, value in self._fields.items()})


class AskedInJson(JsonRequest):  # type: ignore[misc]
    """A request whose body is JSON."""

    def __init__(self, method: str, url: str, headers: Headers, body: Any) -> None:
        super().__init__(method, url, headers)
        self.payload = _Json(body)


class _Json(JsonPayload):  # type: ignore[misc]
    def __init__(self, body: Any) -> None:
        self._body = body

    @property
    def data(self) -> Any:
        return self._body


class Tokens(JWTBearerTokenGenerator):  # type: ignore[misc]
    """Access tokens of RFC 9068 for the resource that was asked for (RFC 8707), or opaque ones."""

    def __init__(self, authority: Authority) -> None:
        super().__init__(authority.url, refresh_token_generator=_refresh_token, expires_generator=LIFETIME)
        self.authority = authority

    def get_jwks(self) -> Any:
        """The key that signs."""
        return self.authority.keyring.ring

    def get_audiences(self, client: RegisteredClient, user: Person | None, scope: str) -> str:
        """The resource that was asked for."""
        return self.authority.resource

    def get_extra_claims(self, client: Any, grant_type: str, user: Person | None, scope: str) -> dict[str, Any]:
        """What the issuer says of its people besides their names."""
        return dict(self.authority.facts.get(user.name if user else client.get_client_id(), {}))

    def access_token_generator(self, client: Any, grant_type: str, user: Person | None, scope: str) -> str:
        """The token; its algorithm is the key's."""
        if self.authority.opaque:
            return secrets.token_urlsafe(32)
        keyring = self.authority.keyring
        if keyring.algorithm in ("RS256", "ES256"):
            self.alg = keyring.algorithm
            return str(super().access_token_generator(client, grant_type, user, scope))
        # joserfc signs with Ed25519 only where it is asked to by name, and authlib does not.
        return keyring.token({**self._plain(client, user, scope), **self.get_extra_claims(client, "", user, scope)})

    def _plain(self, client: Any, user: Person | None, scope: str) -> dict[str, Any]:
        now, subject = int(time.time()), user.name if user else client.get_client_id()
        whose = {
            "iss": self.issuer,
            "aud": self.authority.resource,
            "sub": subject,
            "client_id": client.get_client_id(),
        }
        return {**whose, "iat": now, "exp": now + LIFETIME, "jti": secrets.token_hex(8), "scope": scope}


def _refresh_token(**_: Any) -> str:
    return secrets.token_urlsafe(24)


class Authority(AuthorizationServer):  # type: ignore[misc]
    """The server at `url`. Settings are plain attributes, for a test to change at any time.

    `grants` says which of the scopes asked for a person gets; `facts` are further claims by subject.
    """

    def __init__(self, url: str, *, scopes: tuple[str, ...] = ()) -> None:
        super().__init__(scopes_supported=None)
        self.url = url
        self.scopes = scopes
        self.keyring = Keyring()
        self.person = Person("ann")
        self.grants: Grants = all_asked
        self.facts: dict[str, dict[str, Any]] = {}
        self.opaque = False
        self.clients: dict[str, RegisteredClient] = {}
        self.codes: dict[str, GivenCode] = {}
        self.tokens: dict[str, GivenToken] = {}
        self.refreshes: dict[str, GivenToken] = {}
        self.resource = ""
        self.register_grant(CodeGrant, [CodeChallenge(required=True)])
        self.register_grant(RefreshGrant)
        self.register_grant(ClientGrant)
        self.register_endpoint(Registration(self))
        self.register_endpoint(Introspection(self))
        self.register_token_generator("default", Tokens(self))

    def enrol(self, client_id: str, secret: str, **metadata: Any) -> RegisteredClient:
        """A client from now on."""
        self.clients[client_id] = client = RegisteredClient(client_id, secret, metadata)
        return client

    def granted(self, scope: str | None, person: Person) -> str:
        """The scopes that a person gets of those asked for."""
        return " ".join(sorted(self.grants(set((scope or "").split()), person.name)))

    def query_client(self, client_id: str) -> RegisteredClient | None:
        """The client of that name."""
        return self.clients.get(client_id)

    def generate_token(self, grant_type: str, client: Any, user: Any = None, scope: Any = None, **options: Any) -> Any:
        """A token for what was asked; a machine gets its scopes by the same rule as a person."""
        if grant_type == "client_credentials":
            scope = self.granted(scope, Person(client.get_client_id()))
        return super().generate_token(grant_type, client, user, scope, **options)

    def save_token(self, token: dict[str, Any], request: Asked) -> None:
        """Remember what went out."""
        subject = request.user.name if request.user else request.client.id
        expires = int(time.time()) + token["expires_in"]
        given = GivenToken(request.client.id, subject, token.get("scope", ""), self.resource, expires, request.user)
        self.tokens[token["access_token"]] = given
        if "refresh_token" in token:
            self.refreshes[token["refresh_token"]] = given

    def create_oauth2_request(self, request: Asked) -> Asked:
        """The request itself: it was made for this. What it asks for is where its token will be good."""
        self.resource = request.payload.data.get("resource", "")
        return request

    def create_json_request(self, request: AskedInJson) -> AskedInJson:
        """The request itself."""
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        """authlib's answer as Starlette's."""
        if isinstance(body, dict):
            return JSONResponse(body, status, dict(headers))
        return Response(body, status, dict(headers))

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""
