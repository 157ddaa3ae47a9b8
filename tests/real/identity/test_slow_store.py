"""A shared store that does not answer holds up who needs it, and nobody else: the event loop never waits for it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from smcp_security import SMCPMiddleware
from tests.real.house import PATIENCE, Address
from tests.real.identity.lab import STRONG, bearing, listening, reserved
from tests.real.identity.rooms import modern_house, stateless
from tests.real.identity.valkey import Valkey
from tests.real.messages import Request, call, initialize, legacy, posted
from tests.real.wire import Wire, ask, wired

pytestmark = [pytest.mark.real, pytest.mark.anyio]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMCP_API_KEY", STRONG)


@asynccontextmanager
async def served(store: Valkey, app: Any, *, patience: int = 10_000, **policy: Any) -> AsyncIterator[Address]:
    """A server that gives the store so many milliseconds to answer."""
    whole = {"version": 1, "identity": {"api_keys": {}}, "store": {"url": store.url, "timeout_ms": patience}, **policy}
    edge = SMCPMiddleware(app, policy=whole)
    async with listening(edge, reserved()) as address:
        # While the loop still runs: what is connected to the store is closed in its next turns.
        with contextlib.closing(edge.framework):
            yield address


async def waits(wire: Wire) -> None:
    """Whoever needs no store is answered, time and again, while the answer on `wire` is not there."""
    address = Address(wire.writer.get_extra_info("peername")[1])
    for _ in range(20):
        assert (await ask(address, call("modern", "whoami"))).status == 401
        assert (await ask(address, Request(method="GET", path="/elsewhere", length=False))).status == 404
    assert wire.reader._buffer == b""  # type: ignore[attr-defined]


async def test_a_limit_that_cannot_be_counted_yet_stalls_its_caller_alone(store: Valkey) -> None:
    mine = bearing(call("modern", "whoami"), STRONG)
    async with served(store, stateless()) as address, wired(address) as wire:
        assert (await wire.ask(mine)).status == 200
        store.freeze()
        with anyio.fail_after(PATIENCE):
            await wire.send(mine)
            await waits(wire)
            store.thaw()
            assert (await wire.reply()).message["result"]["structuredContent"]["caller"] == "key:SMCP_API_KEY"


async def test_a_session_that_cannot_be_claimed_yet_stalls_its_caller_alone(store: Valkey) -> None:
    async with served(store, modern_house(), limits=[]) as address, wired(address) as wire:
        store.freeze()
        with anyio.fail_after(PATIENCE):
            await wire.send(bearing(initialize(), STRONG))
            await waits(wire)
            store.thaw()
            reply = await wire.reply()
            session = str(reply.header("mcp-session-id"))
        ready = posted({"jsonrpc": "2.0", "method": "notifications/initialized"}, session=session)
        assert (await ask(address, bearing(ready, STRONG))).status == 202
        assert (await ask(address, bearing(legacy("ping", session=session), STRONG))).status == 200


async def test_a_session_begun_while_the_store_is_dead_is_nobodys(store: Valkey) -> None:
    async with served(store, modern_house(), patience=250, limits=[]) as address:
        assert (await ask(address, bearing(initialize(), STRONG))).status == 200
        store.kill()
        reply = await ask(address, bearing(initialize(2), STRONG))
        # A session that could not be bound must not be given away.
        assert reply.message["error"]["data"]["code"] == "SMCP206"
        assert reply.header("mcp-session-id") is None
        store.start()
        with anyio.fail_after(3 * PATIENCE):
            while (await ask(address, bearing(initialize(3), STRONG))).status != 200:
                pass
