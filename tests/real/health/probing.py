"""Probing a server as an orchestrator does: over the wire, with an address as the Host, until it says so."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from tests.acceptance.houses.process import House, inhabited, written
from tests.acceptance.houses.roster import ASGI_HOUSES, DJANGO_HOUSES, FLASK_HOUSES
from tests.real.house import PATIENCE, Address
from tests.real.identity.lab import bearing
from tests.real.messages import Request, call
from tests.real.wire import Reply, ask, wired

HOUSES = [ASGI_HOUSES[0], FLASK_HOUSES[0], DJANGO_HOUSES[0], DJANGO_HOUSES[2]]
FIRST = 30.0
"""Seconds that a program may take until it answers at all."""


@dataclass(frozen=True)
class Ready:
    """What `/readyz` said."""

    status: int
    state: str
    parts: Mapping[str, Mapping[str, Any]]

    def fails(self) -> set[str]:
        """The parts that are not well."""
        return {name for name, part in self.parts.items() if not part["ok"]}


async def probe(address: Address, path: str, *, method: str = "GET") -> Reply:
    """One probe, as a kubelet sends it."""
    agent = (("user-agent", "kube-probe/1.33"),)
    async with wired(address) as wire:
        await wire.send(Request(method=method, path=path, host="10.244.0.7:8000", headers=agent, length=False))
        # Of an answer to HEAD there is no body, whatever length it tells.
        return await (wire.head() if method == "HEAD" else wire.reply())


async def lives(address: Address) -> bool:
    """Whether the process says that it lives."""
    reply = await probe(address, "/livez")
    return reply.status == 200 and json.loads(reply.body) == {"status": "live"}


async def ready(address: Address) -> Ready:
    """What it says now."""
    reply = await probe(address, "/readyz")
    assert (reply.header("content-type"), reply.header("cache-control")) == ("application/json", "no-store")
    told = json.loads(reply.body)
    return Ready(reply.status, told["status"], told["parts"])


async def once(address: Address, state: str, *failing: str) -> Ready:
    """The first time that it says to be so, with just these parts failing; it lives all the while."""
    found = None
    try:
        with anyio.fail_after(PATIENCE):
            while True:
                found = await ready(address)
                assert await lives(address)
                if (found.state, found.fails()) == (state, set(failing)):
                    assert found.status == (503 if state == "unready" else 200)
                    return found
                # What was found counts for a second.
                await anyio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"expected {state} {failing}, found {found}") from None


@asynccontextmanager
async def serving(house: House, folder: Path, **policy: Any) -> AsyncIterator[Address]:
    """A server with probes, once it answers them."""
    file = written({"version": 1, "probes": {}, **policy}, folder)
    async with inhabited(house, file) as address:
        with anyio.fail_after(FIRST):
            assert await lives(address)
        yield address


async def passes(address: Address, key: str = "", tool: str = "echo") -> bool:
    """Whether a call reaches the server, rather than a refusal the caller."""
    asked = call("modern", tool)
    reply = await ask(address, bearing(asked, key) if key else asked)
    return reply.status == 200 and "error" not in reply.message
