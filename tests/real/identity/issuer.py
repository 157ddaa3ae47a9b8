"""The authorization server on loopback: its endpoints, what they were asked, and moods in which they answer badly."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
import anyio.lowlevel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.real.identity.authority import Asked, AskedInJson, Authority

METADATA: Final = "/.well-known/oauth-authorization-server"
DISCOVERY: Final = "/.well-known/openid-configuration"
JWKS: Final = "/keys"
INTROSPECT: Final = "/introspect"
HUGE: Final = 50 * 1024 * 1024
_PIECE: Final = b'{"kty":"RSA"},' * 4681  # 64 KiB
Mood = Callable[[], Awaitable[ASGIApp]]


class Issuer:
    """An ASGI app around an `Authority`. `moods` maps a path to how it answers instead of honestly."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.asked: list[str] = []
        self.moods: dict[str, Mood] = {}
        self.sent = 0
        """Bytes of a huge answer that were taken from us."""
        self.arrived = anyio.Event()
        """Set when somebody waits for an answer that does not come."""
        self.release = anyio.Event()
        self.app = Starlette(
            routes=[
                Route(METADATA, self._metadata),
                Route(DISCOVERY, self._metadata),
                Route(JWKS, self._keys),
                Route("/register", self._register, methods=["POST"]),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route(INTROSPECT, self._introspect, methods=["POST"]),
            ]
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Count, and answer as the mood is."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.asked.append(scope["path"])
        mood = self.moods.get(scope["path"])
        await (self.app if mood is None else await mood())(scope, receive, send)

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return self.asked.count(path)

    # -- moods --------------------------------------------------------------------------------------------------------

    async def fails(self) -> Response:
        """500, with a body that looks like the honest one."""
        return JSONResponse(self.authority.keyring.published(), 500)

    async def hangs(self) -> Response:
        """Nothing until `release`; then the honest keys."""
        self.arrived.set()
        await self.release.wait()
        return JSONResponse(self.authority.keyring.published())

    async def rambles(self) -> Response:
        """A page for people, with a status that says all is well."""
        return Response("<html>Log in to continue.</html>", media_type="text/html")

    async def lies(self) -> Response:
        """JSON by its label only."""
        return Response('{"keys": [', media_type="application/json")

    async def floods(self) -> ASGIApp:
        """50 MB of what begins like a JWKS, as far as somebody takes it."""
        return self._flood

    async def _flood(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"keys":[', "more_body": True})
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_until_gone, receive, tasks.cancel_scope)
            while self.sent < HUGE:
                await send({"type": "http.response.body", "body": _PIECE, "more_body": True})
                await anyio.lowlevel.checkpoint()
                self.sent += len(_PIECE)
            await send({"type": "http.response.body", "body": b"]}"})
            tasks.cancel_scope.cancel()

    @contextlib.contextmanager
    def in_mood(self, path: str, mood: Mood) -> Any:
        """Answer so at `path` for the length of the block."""
        self.moods[path] = mood
        try:
            yield
        finally:
            del self.moods[path]
            self.release.set()

    # -- endpoints ----------------------------------------------------------------------------------------------------

    async def _metadata(self, request: Request) -> Response:
        """RFC 8414, and the same for those who ask by OIDC's address."""
        url, authority = self.authority.url, self.authority
        return JSONResponse(
            {
                "issuer": url,
                "authorization_endpoint": f"{url}/authorize",
                "token_endpoint": f"{url}/token",
                "registration_endpoint": f"{url}/register",
                "introspection_endpoint": f"{url}{INTROSPECT}",
                "jwks_uri": f"{url}{JWKS}",
                "scopes_supported": list(authority.scopes),
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def _keys(self, request: Request) -> Response:
        return JSONResponse(self.authority.keyring.published())

    async def _register(self, request: Request) -> Response:
        asked = AskedInJson(request.method, str(request.url), request.headers, await request.json())
        answer: Response = self.authority.create_endpoint_response("client_registration", asked)
        return answer

    async def _authorize(self, request: Request) -> Response:
        """The person looks at it and approves, at once."""
        asked = Asked(request.method, str(request.url), request.headers, dict(request.query_params))
        authority = self.authority
        grant = authority.get_consent_grant(asked, authority.person)
        answer: Response = authority.create_authorization_response(asked, authority.person, grant)
        if "location" in answer.headers:
            answer.headers["location"] += f"&iss={authority.url}"  # RFC 9207
        return answer

    async def _token(self, request: Request) -> Response:
        answer: Response = self.authority.create_token_response(await self._formed(request))
        return answer

    async def _introspect(self, request: Request) -> Response:
        answer: Response = self.authority.create_endpoint_response("introspection", await self._formed(request))
        return answer

    async def _formed(self, request: Request) -> Asked:
        form = await request.form()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        return Asked(request.method, str(request.url), request.headers, fields)


async def _until_gone(receive: Receive, going_on: anyio.CancelScope) -> None:
    """End what goes on when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
    going_on.cancel()
