"""A served server together with what it saw and what its tools lived through."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from starlette.types import ASGIApp

from smcp_security import SMCPMiddleware
from tests.real.house import PATIENCE, Address, served
from tests.real.scenarios import Edge
from tests.real.servers.everything import Notes, everything
from tests.real.servers.recorder import Recorder


@dataclass(frozen=True)
class Site:
    """One running server of the suite."""

    address: Address
    notes: Notes
    recorder: Recorder


@contextlib.asynccontextmanager
async def running_site(edge: Edge, **options: Any) -> AsyncIterator[Site]:
    """The server of the suite behind `edge`; `options` are those of the SDK's ASGI app."""
    notes = Notes()
    recorder = Recorder(everything(notes).streamable_http_app(**options))
    async with served(edge(recorder)) as address:
        yield Site(address, notes, recorder)
        notes.release.set()


def guarded(policy: Mapping[str, Any] | None = None) -> Edge:
    """The middleware with a policy, or with its defaults."""

    def edge(app: ASGIApp) -> ASGIApp:
        return SMCPMiddleware(app) if policy is None else SMCPMiddleware(app, policy=dict(policy))

    return edge


async def reached(event: anyio.Event) -> None:
    """Wait for an event, with the patience of the suite."""
    with anyio.fail_after(PATIENCE):
        await event.wait()
