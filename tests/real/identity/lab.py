"""An issuer and a protected server on loopback, each at a port that is known before it is built."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import ASGIApp

from smcp_security import SMCPMiddleware
from tests.real.house import Address, served
from tests.real.identity.authority import Authority
from tests.real.identity.issuer import INTROSPECT, JWKS, Issuer
from tests.real.identity.keyring import ALGORITHMS, claims
from tests.real.identity.rooms import modern_house
from tests.real.messages import Request
from tests.real.servers.recorder import Recorder
from tests.real.wire import Reply, ask

Policy = Mapping[str, Any]
STRONG: Final = "Vq3-8fKz2mXw7-pLt5Rn9-yBc4Hd6-Js1Gv0"
"""A secret that start-up takes."""


def reserved(port: int = 0) -> socket.socket:
    """A loopback port, bound and not yet listened at."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


@contextlib.asynccontextmanager
async def listening(app: ASGIApp, listener: socket.socket) -> AsyncIterator[Address]:
    """Serve `app` at a port reserved before, for the length of the block."""
    with listener:
        async with served(app, listener=listener) as address:
            yield address


@contextlib.asynccontextmanager
async def issuing(**options: Any) -> AsyncIterator[Issuer]:
    """A fresh issuer that listens."""
    listener = reserved()
    issuer = Issuer(Authority(f"http://127.0.0.1:{listener.getsockname()[1]}", **options))
    async with listening(issuer, listener):
        yield issuer
        issuer.release.set()


def trusting(issuer: str, jwks: str = "", **others: Any) -> dict[str, Any]:
    """One issuer, as a policy names it: on loopback, with every kind of key."""
    where = {"issuer": issuer, "jwks": jwks or f"{issuer}{JWKS}", "algorithms": list(ALGORITHMS)}
    meaning = {"roles_claim": "roles", "tenant_claim": "org"}
    return {**where, **meaning, "allow_http": True, "allow_private": True, **others}


@dataclass
class Lab:
    """A protected server and the issuer that it trusts."""

    address: Address
    issuer: Issuer
    recorder: Recorder
    edge: SMCPMiddleware

    @property
    def url(self) -> str:
        """The resource."""
        return self.address.url()

    def claims(self, subject: str = "ann", **others: Any) -> dict[str, Any]:
        """Claims of a good token of this lab's issuer for this resource."""
        return claims(self.issuer.authority.url, self.url, subject, **others)

    def token(self, subject: str = "ann", **others: Any) -> str:
        """A good token; `others` replace or add claims."""
        return self.issuer.authority.keyring.token(self.claims(subject, **others))

    async def refused(self, request: Request, status: int, code: str) -> Reply:
        """The answer to a request that must be refused with this finding before the server sees it."""
        self.recorder.clear()
        reply = await ask(self.address, request)
        assert (reply.status, json.loads(reply.body)["error"]["data"]["code"]) == (status, code), reply
        assert self.recorder.seen == []
        return reply

    async def passed(self, request: Request) -> Any:
        """The result of a request that must reach the server."""
        reply = await ask(self.address, request)
        assert reply.status == 200, reply
        return reply.message["result"]


Build = Callable[[], ASGIApp]


@contextlib.asynccontextmanager
async def lab(build: Build = modern_house, *, policy: Policy | None = None, **identity: Any) -> AsyncIterator[Lab]:
    """A fresh issuer, and a server behind a policy that trusts it.

    `policy` holds further sections, `identity` replaces or adds keys of that section. `trust` changes what it says of
    the issuer; `introspected` names a variable with our secret there, for opaque tokens instead of JWTs.
    """
    trust, secret = identity.pop("trust", {}), identity.pop("introspected", "")
    async with issuing() as issuer:
        listener = reserved()
        resource = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        whole = {
            "version": 1,
            **(policy or {}),
            "server": {"resource": resource, **(policy or {}).get("server", {})},
            "identity": {**_source(issuer.authority.url, trust, secret), **identity},
        }
        recorder = Recorder(build())
        edge = SMCPMiddleware(recorder, policy=whole)
        try:
            async with listening(edge, listener) as address:
                yield Lab(address, issuer, recorder, edge)
                issuer.release.set()
        finally:
            edge.framework.close()


def _source(issuer: str, trust: Policy, secret: str) -> dict[str, Any]:
    if not secret:
        return {"jwt": [trusting(issuer, **trust)]}
    asked = {**trusting(issuer), "endpoint": f"{issuer}{INTROSPECT}", "client_id": "resource"}
    kept = {name: value for name, value in asked.items() if name not in ("jwks", "algorithms")}
    return {"introspection": [{**kept, "client_secret": f"env:{secret}", **trust}]}


def bearing(request: Request, token: str) -> Request:
    """The request with a bearer token."""
    return request.setting("authorization", f"Bearer {token}")
