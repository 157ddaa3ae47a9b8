"""An honest client sees the same, and so does each server, with and without the middleware in between."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.real.backends.backend import Backend
from tests.real.backends.repertoire import OF_JSON, OF_NPM, OF_PYTHON, Act, mistakes, observed

pytestmark = [
    pytest.mark.real,
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]
# The SDK's own stateful and stateless servers stand in `tests/real/test_scenarios.py`, act by act. A server of the
# older era meets the client of both eras once: what differs is the first question, whether it speaks the newer.
STREAMING = [
    *[(name, mode) for name in ("sdk-store", "fastmcp-stateful", "fastapi-stateful") for mode in ("auto", "legacy")],
    ("fastmcp-store", "legacy"),
    ("legacy-stateful", "auto"),
    ("legacy-store", "legacy"),
]
# Without a session there is no stream to ask on in the middle of a call; nor is there in JSON.
ONE_WAY = [
    *[(name, mode) for name in ("sdk-json", "sdk-stateless", "fastmcp-json") for mode in ("auto", "legacy")],
    ("fastmcp-stateless", "auto"),
    ("legacy-stateless", "auto"),
    ("legacy-json", "legacy"),
]
TWO_ENDPOINTS = ["sdk-sse", "fastmcp-sse", "legacy-sse"]
NEWEST = {"sdk", "fastmcp", "fastapi"}


async def same(backend: Backend, mode: str, acts: tuple[Act, ...]) -> None:
    """Nothing differs, and the visit was one in the era that it should be in."""
    without, within = [await observed(backend, mode, protected=each, acts=acts) for each in (False, True)]
    newer = mode == "auto" and backend.name.partition("-")[0] in NEWEST
    assert without.protocol == ("2026-07-28" if newer else "2025-11-25")
    assert len(without.server_saw) > len(acts)
    for name, outcome in without.outcomes.items():
        assert within.outcomes[name] == outcome, name
    assert within == without


@pytest.mark.parametrize(("name", "mode"), STREAMING)
async def test_a_server_that_streams_and_asks_is_the_same_behind_the_middleware(
    name: str, mode: str, server: Callable[[str], Backend]
) -> None:
    await same(server(name), mode, OF_PYTHON)


@pytest.mark.parametrize(("name", "mode"), ONE_WAY)
async def test_a_server_without_a_way_back_is_the_same_behind_the_middleware(
    name: str, mode: str, server: Callable[[str], Backend]
) -> None:
    await same(server(name), mode, OF_JSON)


@pytest.mark.parametrize("name", TWO_ENDPOINTS)
async def test_a_server_of_the_older_transport_is_the_same_behind_the_middleware(
    name: str, server: Callable[[str], Backend]
) -> None:
    await same(server(name), "legacy", OF_PYTHON)


@pytest.mark.parametrize("name", ["sdk-json", "fastmcp-json", "legacy-json"])
async def test_what_a_server_takes_is_taken_and_what_it_refuses_is_refused_as_it_would_be(
    name: str, server: Callable[[str], Backend]
) -> None:
    without, within = [
        (await observed(server(name), "legacy", protected=each, acts=[mistakes])).outcomes for each in (False, True)
    ]
    assert without["mistakes"][2:] == [(True, None)] * 3
    assert within == without


@pytest.mark.parametrize(("name", "mode"), [("node-http", "auto"), ("node-http", "legacy"), ("node-sse", "legacy")])
async def test_a_server_of_npm_behind_a_proxy_is_the_same_behind_the_middleware(
    name: str, mode: str, server: Callable[[str], Backend]
) -> None:
    await same(server(name), mode, OF_NPM)
