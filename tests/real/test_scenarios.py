"""An honest client sees the same, and the server sees the same, with and without the middleware, in both eras."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security import SMCPMiddleware
from tests.real.scenarios import SCENARIOS, Scenario, bare, calls, crowd, observe, questions

pytestmark = [
    pytest.mark.real,
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]
REVISION = {"auto": "2026-07-28", "legacy": "2025-11-25"}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__)
async def test_the_middleware_changes_nothing_that_an_honest_client_or_its_server_sees(
    scenario: Scenario, mode: str
) -> None:
    without, within = await observe(scenario, mode, bare), await observe(scenario, mode, SMCPMiddleware)
    assert without.outcome
    assert within == without


@pytest.mark.parametrize("options", [{"json_response": True}, {"stateless_http": True}], ids=["json", "stateless"])
async def test_the_other_ways_to_serve_are_unchanged_too(options: dict[str, Any], mode: str) -> None:
    without, within = [await observe(calls, mode, edge, **options) for edge in (bare, SMCPMiddleware)]
    assert len(without.outcome) == 8
    assert within == without


async def test_each_mode_speaks_the_revision_it_should_through_the_middleware(mode: str) -> None:
    assert (await observe(crowd, mode, SMCPMiddleware)).protocol == REVISION[mode]


async def test_answers_to_the_servers_questions_reach_the_tools(mode: str) -> None:
    seen = await observe(questions, mode, SMCPMiddleware)
    texts = [[content["text"] for content in result["content"]] for result in seen.outcome]
    assert texts == [["born on 1 May"], ["the model says blue"], ["file:///home/ann/project"]]
    assert len(seen.asked) == 2
