"""Sessions are bound for all workers at once, and a server that hands out an id twice binds nobody to another's."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from smcp_security import SMCPMiddleware
from tests.real.house import Address
from tests.real.identity.careless import Careless
from tests.real.identity.keyring import Keyring, claims
from tests.real.identity.lab import bearing, listening, reserved
from tests.real.identity.valkey import Valkey
from tests.real.messages import Request, initialize, legacy
from tests.real.wire import Reply, ask

pytestmark = [pytest.mark.real, pytest.mark.anyio]

ISSUER = "https://issuer.example"
AUDIENCE = "https://mcp.example/mcp"
PING = legacy("ping", id=1)


@dataclass(frozen=True)
class Workers:
    """Several edges in front of one server."""

    addresses: list[Address]
    keyring: Keyring

    async def ask(self, who: str, worker: int, request: Request, session: str = "") -> Reply:
        """A request of somebody's to one of the edges."""
        if session:
            request = request.setting("mcp-session-id", session)
        token = self.keyring.token(claims(ISSUER, AUDIENCE, who))
        return await ask(self.addresses[worker], bearing(request, token))

    async def begin(self, who: str, worker: int) -> str:
        """The session that somebody begins at one of the edges."""
        reply = await self.ask(who, worker, initialize())
        assert reply.status == 200, reply
        return str(reply.header("mcp-session-id"))


@asynccontextmanager
async def workers(server: Careless, folder: Path, count: int = 1, **policy: Any) -> AsyncIterator[Workers]:
    """So many edges with one policy in front of one server."""
    keyring = Keyring("ES256")
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps(keyring.published()))
    trusted = {"issuer": ISSUER, "jwks": str(jwks), "algorithms": ["ES256"]}
    whole = {"version": 1, "server": {"resource": AUDIENCE}, "identity": {"jwt": [trusted]}, **policy}
    async with contextlib.AsyncExitStack() as stack:
        edges = [SMCPMiddleware(server, policy=whole) for _ in range(count)]
        addresses = [await stack.enter_async_context(listening(edge, reserved())) for edge in edges]
        for edge in edges:
            stack.callback(edge.framework.close)
        yield Workers(addresses, keyring)


def is_foreign(reply: Reply) -> bool:
    """Whether the answer is ours: there is no such session of this caller."""
    return reply.status == 404 and json.loads(reply.body)["error"]["data"]["code"] == "SMCP210"


async def test_a_session_begun_at_one_worker_is_its_callers_at_every_worker(store: Valkey, tmp_path: Path) -> None:
    server = Careless()
    async with workers(server, tmp_path, 2, store=store.url, workers=2) as both:
        session = await both.begin("ann", 0)
        # The thief is the first to name it at the other worker.
        assert is_foreign(await both.ask("bob", 1, PING, session))
        for worker in (1, 0, 1):
            assert (await both.ask("ann", worker, PING, session)).status == 200
            assert is_foreign(await both.ask("bob", worker, PING, session))
        assert (await both.ask("bob", 0, PING, await both.begin("bob", 1))).status == 200


async def test_a_worker_that_starts_later_knows_whose_a_session_is(store: Valkey, tmp_path: Path) -> None:
    server = Careless()
    async with workers(server, tmp_path, store=store.url) as before:
        session = await before.begin("ann", 0)
        async with workers(server, tmp_path, store=store.url) as after:
            assert is_foreign(await after.ask("bob", 0, PING, session))
            assert (await after.ask("ann", 0, PING, session)).status == 200


async def test_an_id_that_is_handed_out_twice_reaches_its_first_caller_alone(tmp_path: Path) -> None:
    server = Careless(sessions="the-only-one")
    async with workers(server, tmp_path) as edge:
        session = await edge.begin("ann", 0)
        second = await edge.ask("bob", 0, initialize(2))
        assert second.header("mcp-session-id") is None
        assert "error" in json.loads(second.body)
        assert is_foreign(await edge.ask("bob", 0, PING, session))
        # Its first caller goes on, and may begin it anew.
        assert (await edge.ask("ann", 0, PING, session)).status == 200
        assert await edge.begin("ann", 0) == session


async def test_an_id_that_the_caller_made_up_is_no_session(tmp_path: Path) -> None:
    server = Careless()
    async with workers(server, tmp_path) as edge:
        for made_up in ("session-0-of-careless", "x", "0" * 32, "a" * 1000):
            assert is_foreign(await edge.ask("bob", 0, PING, made_up))
            assert is_foreign(await edge.ask("bob", 0, initialize(2), made_up))
        # Nothing of that keeps the one whom the server gives it to from using it.
        session = await edge.begin("ann", 0)
        assert session == "session-0-of-careless"
        assert (await edge.ask("ann", 0, PING, session)).status == 200
