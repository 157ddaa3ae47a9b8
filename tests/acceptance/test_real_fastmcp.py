"""The calls of the table to FastMCP servers, over real pipes and at a socket."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.acceptance.houses.roads import over_http, over_pipes, secured

pytestmark = [pytest.mark.real, pytest.mark.anyio]


@pytest.mark.parametrize(("how", "mode"), [("hooks", "legacy"), ("decorator", "2026-07-28")])
async def test_fastmcp_tools_meet_the_tables_verdicts_over_pipes(
    how: str, mode: str, policy_file: Path, folder: Path
) -> None:
    road = replace(secured("fastmcp", how), modes=(mode,))
    assert await over_pipes(road, policy_file, folder) == []


async def test_decorated_fastmcp_tools_meet_the_tables_verdicts_over_http(policy_file: Path, folder: Path) -> None:
    assert await over_http(secured("fastmcp", "decorator"), policy_file, folder) == []
