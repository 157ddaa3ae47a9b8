"""The official client with its own OAuth: it gets nothing but the address, and finds the rest by itself."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

CALLBACK = "http://127.0.0.1:9/callback"


@dataclass
class Wallet:
    """Where the client keeps what it was given."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        """The tokens."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep tokens."""
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """The registration."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep a registration."""
        self.client = client_info


@dataclass
class Browser:
    """The person's browser: opens the page to log in, and brings back where it was sent."""

    asked: list[dict[str, str]] = field(default_factory=list)
    _brought: dict[str, str] = field(default_factory=dict)

    async def open(self, url: str) -> None:
        """Follow the link; the issuer approves at once and redirects."""
        async with httpx2.AsyncClient(trust_env=False) as http:
            reply = await http.get(url)
        assert reply.status_code == 302, reply.text
        self.asked.append(_fields(url))
        self._brought = _fields(reply.headers["location"])

    async def back(self) -> AuthorizationCodeResult:
        """What stood in the address that the person was sent to."""
        return AuthorizationCodeResult(**{name: self._brought.get(name) for name in ("code", "state", "iss")})


def _fields(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@dataclass
class Guest:
    """One connected client, and every exchange that it had on the way, as (method, path, status)."""

    client: Client
    wallet: Wallet
    browser: Browser
    exchanges: list[tuple[str, str, int]]
    challenges: list[str]
    provider: OAuthClientProvider

    def expire(self) -> None:
        """Let the client believe that its token's time is over."""
        self.provider.context.token_expiry_time = 1.0


@contextlib.asynccontextmanager
async def visiting(url: str, mode: str, **metadata: Any) -> AsyncIterator[Guest]:
    """The client at `url`, connected. `metadata` is what it says of itself when it registers."""
    wallet, browser = Wallet(), Browser()
    exchanges: list[tuple[str, str, int]] = []
    challenges: list[str] = []

    async def note(response: httpx2.Response) -> None:
        exchanges.append((response.request.method, response.request.url.path, response.status_code))
        challenges.extend(response.headers.get_list("www-authenticate"))

    described = OAuthClientMetadata(redirect_uris=[AnyUrl(CALLBACK)], client_name="guest", **metadata)
    provider = OAuthClientProvider(url, described, wallet, browser.open, browser.back)
    hooks: Any = {"response": [note]}
    async with (
        httpx2.AsyncClient(auth=provider, event_hooks=hooks, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield Guest(client, wallet, browser, exchanges, challenges, provider)
