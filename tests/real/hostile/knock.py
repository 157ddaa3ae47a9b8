"""Plays one row against a running site, and says what came of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import anyio
from mcp.server.transport_security import TransportSecuritySettings

from smcp_security import SMCPMiddleware, SMCPSecurityFramework
from tests.real.attacks import ADD, OLD_ADD
from tests.real.hostile.row import After, Row, Said
from tests.real.house import PATIENCE
from tests.real.messages import initialize
from tests.real.site import Site, running_site
from tests.real.tasks import left_over, running
from tests.real.wire import Reply, Wire, wired

BOUNDLESS: Final[dict[str, Any]] = {"version": 1, "limits": [], "server": {"flood": "off"}}
"""No rates: hundreds of rows share one site and one address."""
_OFF: Final = TransportSecuritySettings(enable_dns_rebinding_protection=False)


@dataclass(frozen=True)
class Outcome:
    """What a row came to: the first final answer, the requests that the server saw, tasks that did not end, and all
    that the client could read."""

    said: Said
    reached: int
    after: After
    left: tuple[str, ...]
    text: str


@cache
def _framework() -> SMCPSecurityFramework:
    """One for all sites of the run: compiling the rules takes most of a second."""
    return SMCPSecurityFramework(BOUNDLESS)


@asynccontextmanager
async def hostile_site(*, stateless: bool = True) -> AsyncIterator[Site]:
    """A protected server that takes anybody's calls, so that only the edge refuses them."""
    options = {"stateless_http": stateless, "transport_security": _OFF}
    async with running_site(lambda app: SMCPMiddleware(app, framework=_framework()), **options) as site:
        # One answer of each kind, so that the lasting tasks of the server's own run already.
        for request in (ADD, OLD_ADD) if stateless else (ADD, initialize()):
            assert await _served(site, request.raw())
        yield site


async def knock(site: Site, row: Row) -> Outcome:
    """Write the bytes, read the answer, then ask for something honest on the same connection."""
    site.recorder.clear()
    before = running()
    async with wired(site.address) as wire:
        reply = await _first(wire, row)
        reached = len(site.recorder.seen)
        after = await _after(wire, row, reply)
    left = tuple(await left_over(before))
    return Outcome(said(reply), reached, after, left, "" if reply is None else f"{reply.headers} {reply.text}")


async def honest(site: Site, raw: bytes = ADD.raw()) -> bool:
    """Whether a request on a new connection is served, and seen by the server once."""
    site.recorder.clear()
    return await _served(site, raw) and len(site.recorder.seen) == 1


async def _served(site: Site, raw: bytes) -> bool:
    async with wired(site.address) as wire:
        await wire.send(raw)
        reply = await _final(wire, raw)
        return reply.status in (200, 202)


async def _first(wire: Wire, row: Row) -> Reply | None:
    with suppress(ConnectionError):
        await wire.send(row.raw)
    if row.finish:
        wire.writer.write_eof()
    try:
        return await _final(wire, row.raw)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def _final(wire: Wire, raw: bytes) -> Reply:
    """The answer that is not a 1xx. An answer to HEAD has no body whatever its length says."""
    if raw.startswith(b"HEAD "):
        return await wire.head()
    if b"100-continue" not in raw:
        return await wire.reply()
    head = await wire.head()
    if head.status == 100:
        return await wire.reply()
    with anyio.fail_after(PATIENCE):
        body = await wire.reader.readexactly(int(head.header("content-length") or 0))
    return Reply(head.status, head.headers, body)


async def _after(wire: Wire, row: Row, reply: Reply | None) -> After:
    if row.after is After.WAITS:
        # Whatever comes next is the body that was announced, so there is nothing to ask.
        return After.WAITS
    try:
        again = None if reply is None else await wire.ask(ADD)
    except (asyncio.IncompleteReadError, ConnectionError):
        again = None
    return After.CLOSED if again is None or again.status != 200 else After.STAYS


def said(reply: Reply | None) -> Said:
    """An answer in the words of the table."""
    if reply is None:
        return Said(0)
    message = _message(reply)
    error = message.get("error")
    if isinstance(error, dict):
        data = error.get("data")
        return Said(reply.status, data.get("code", "") if isinstance(data, dict) else "", error.get("code"))
    told = _REFUSED.search(reply.text) if b"Refused by policy" in reply.body else None
    return Said(reply.status, told.group() if told else "")


_REFUSED: Final = re.compile("SMCP[0-9]{3}")


def _message(reply: Reply) -> dict[str, Any]:
    """The JSON object in the body; empty if there is none."""
    try:
        value = json.loads(reply.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
