"""The grants and endpoints of authlib, told where this issuer keeps what it knows."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc6749 import AccessDeniedError, grants
from authlib.oauth2.rfc7591 import ClientRegistrationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from tests.real.identity.clients import GivenCode, GivenToken, Person, RegisteredClient

if TYPE_CHECKING:
    from tests.real.identity.authority import Authority

METHODS = ["none", "client_secret_post", "client_secret_basic"]


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    """Authorization code, with PKCE on top."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    server: Authority

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Remember what the code stands for."""
        asked = request.payload.data
        scope = self.server.granted(request.scope, request.user)
        self.server.codes[code] = GivenCode(
            code,
            request.client.get_client_id(),
            request.user,
            request.payload.redirect_uri,
            scope,
            asked.get("resource", ""),
            asked.get("code_challenge"),
            asked.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, client: RegisteredClient) -> GivenCode | None:
        """The code, if it was given to this client."""
        given = self.server.codes.get(code)
        return given if given is not None and given.client == client.id else None

    def delete_authorization_code(self, authorization_code: GivenCode) -> None:
        """A code is good once."""
        del self.server.codes[authorization_code.code]

    def authenticate_user(self, authorization_code: GivenCode) -> Person:
        """Who approved."""
        # The resource is asked for twice; a token for another than was approved must not come of it.
        asked = self.request.form.get("resource", authorization_code.resource)
        if asked != authorization_code.resource:
            raise AccessDeniedError()
        self.server.resource = authorization_code.resource
        return authorization_code.person


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
    """Refresh; each refresh token is good once."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True
    server: Authority

    def authenticate_refresh_token(self, refresh_token: str) -> GivenToken | None:
        """The grant behind a refresh token."""
        return self.server.refreshes.pop(refresh_token, None)

    def authenticate_user(self, refresh_token: GivenToken) -> Person | None:
        """Who approved, and for which resource."""
        self.server.resource = refresh_token.resource
        return refresh_token.person

    def revoke_old_credential(self, refresh_token: GivenToken) -> None:
        """What was refreshed counts no more at introspection."""
        refresh_token.revoked = True


class ClientGrant(grants.ClientCredentialsGrant):  # type: ignore[misc]
    """Client credentials: a machine for itself."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS[1:]


class Registration(ClientRegistrationEndpoint):  # type: ignore[misc]
    """Dynamic registration (RFC 7591), open to everybody."""

    server: Authority

    def authenticate_token(self, request: Any) -> str:
        """Anybody may register."""
        return "anybody"

    def get_server_metadata(self) -> dict[str, Any]:
        """What is checked against: nothing."""
        return {}

    def generate_client_secret(self, request: Any) -> str:
        """A secret, for clients that are going to use one."""
        public = request.payload.data.get("token_endpoint_auth_method") == "none"
        return "" if public else secrets.token_hex(24)

    def save_client(self, client_info: Any, client_metadata: Any, request: Any) -> RegisteredClient:
        """Remember the client."""
        return self.server.enrol(client_info["client_id"], client_info["client_secret"], **client_metadata)


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    """What a token is worth (RFC 7662), told to clients with a secret."""

    server: Authority

    def check_permission(self, token: GivenToken, client: RegisteredClient, request: Any) -> bool:
        """Whoever has proved itself may ask."""
        return True

    def query_token(self, token_string: str, token_type_hint: str | None) -> GivenToken | None:
        """The token, if it is one of ours."""
        return self.server.tokens.get(token_string)

    def introspect_token(self, token: GivenToken) -> dict[str, Any]:
        """What it says."""
        return {
            "iss": self.server.url,
            "sub": token.subject,
            "aud": token.resource,
            "client_id": token.client,
            "scope": token.scope,
            "exp": token.expires_at,
            "token_type": "Bearer",
            **self.server.facts.get(token.subject, {}),
        }
