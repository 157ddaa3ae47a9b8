"""Hostile conversations over raw sockets: pipelines, half-closed and abandoned connections, sessions and their ids."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from tests.real.hostile.knock import honest, hostile_site
from tests.real.hostile.talks import TALKS, Talk
from tests.real.house import PATIENCE
from tests.real.messages import call
from tests.real.site import Site
from tests.real.tasks import left_over, running
from tests.real.wire import opened

pytestmark = [
    pytest.mark.real,
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A protected server that keeps sessions."""
    async with hostile_site(stateless=False) as one:
        yield one


@pytest.mark.parametrize("talk", TALKS, ids=[talk.name for talk in TALKS])
async def test_a_hostile_conversation_ends_as_documented_and_the_next_client_is_served(site: Site, talk: Talk) -> None:
    session = await opened(site.address)
    assert (await session.ask(call("legacy", "add", {"a": 1, "b": 2}))).status == 200
    site.recorder.clear()
    with anyio.fail_after(3 * PATIENCE):
        assert await talk.script(site) == talk.ends
    assert await honest(site)


@pytest.mark.parametrize("name", ["fifty bodies that stop in the middle", "honest and hostile requests in one write"])
async def test_a_conversation_that_ended_leaves_no_task_behind(site: Site, name: str) -> None:
    assert await honest(site)
    site.recorder.clear()
    before = running()
    [talk] = [talk for talk in TALKS if talk.name == name]
    assert await talk.script(site) == talk.ends
    assert await left_over(before) == []
