"""What an issuer knows: its clients, the codes that it gave away and the tokens that are out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin


@dataclass(frozen=True)
class Person:
    """Somebody who can log in."""

    name: str

    def get_user_id(self) -> str:
        """The subject of the person's tokens."""
        return self.name


@dataclass
class RegisteredClient(ClientMixin):  # type: ignore[misc]
    """An OAuth client, as it registered."""

    id: str
    secret: str
    metadata: dict[str, Any]

    def get_client_id(self) -> str:
        """Its public name."""
        return self.id

    def get_default_redirect_uri(self) -> str:
        """Where its people are sent back to."""
        return str(self.metadata["redirect_uris"][0])

    def get_allowed_scope(self, scope: str | None) -> str:
        """Any client may ask for any scope; what is granted, the issuer's rule says."""
        return scope or ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether it registered this address."""
        return redirect_uri in self.metadata.get("redirect_uris", ())

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether this is its secret."""
        return bool(self.secret) and client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether it said that it would prove itself in this way."""
        return bool(method == self.metadata.get("token_endpoint_auth_method", "client_secret_basic"))

    def check_response_type(self, response_type: str) -> bool:
        """Codes are all there is (OAuth 2.1)."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether it registered for this grant."""
        return grant_type in self.metadata.get("grant_types", ("authorization_code",))


@dataclass(frozen=True)
class GivenCode(AuthorizationCodeMixin):  # type: ignore[misc]
    """An authorization code that is out."""

    code: str
    client: str
    person: Person
    redirect_uri: str
    scope: str
    resource: str
    code_challenge: str | None
    code_challenge_method: str | None

    def get_redirect_uri(self) -> str:
        """The address that it was sent to."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """What was granted with it."""
        return self.scope


@dataclass
class GivenToken(TokenMixin):  # type: ignore[misc]
    """A token that is out: what introspection tells and a refresh goes by."""

    client: str
    subject: str
    scope: str
    resource: str
    expires_at: int
    person: Person | None = None
    revoked: bool = False

    def check_client(self, client: ClientMixin) -> bool:
        """Whether it was given to this client."""
        return bool(client.get_client_id() == self.client)

    def get_scope(self) -> str:
        """What it allows."""
        return self.scope

    def get_expires_in(self) -> int:
        """Seconds that it still counts."""
        return self.expires_at - int(time.time())

    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.get_expires_in() <= 0

    def is_revoked(self) -> bool:
        """Whether it was called back."""
        return self.revoked
