"""Plumbing of the whole session: one event loop backend, no settings from the developer's shell, no timed examples."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# A deadline would make a slow machine look like a bug; the blob lets a failure of another machine be replayed.
settings.register_profile("smcp", deadline=None, print_blob=True)
settings.load_profile("smcp")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """asyncio: what uvicorn, Starlette's users and the MCP SDK's servers run on."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_the_shell() -> Iterator[None]:
    """An exported SMCP_POLICY or SMCP_<SECTION>__<KEY> would change what every test with a default policy sees."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SMCP_")]:
            patch.delenv(name)
        yield
