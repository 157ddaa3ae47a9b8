"""The edges under test: nothing at all, and the middleware with its default policy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smcp_security import SMCPMiddleware
from tests.real.scenarios import Edge, bare


@pytest.fixture(params=["bare", "protected"])
def edge(request: pytest.FixtureRequest) -> Iterator[Edge]:
    """Each edge in turn, for what must hold with and without the middleware."""
    yield bare if request.param == "bare" else SMCPMiddleware


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> str:
    """Each protocol era in turn, as the SDK's client names it."""
    return str(request.param)
