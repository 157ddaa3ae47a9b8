"""The calls of the table over real pipes: the proxy, and secured servers of the SDK 2.x."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.houses.roads import PROXY, Road, over_pipes, secured

pytestmark = [pytest.mark.real, pytest.mark.anyio]


@pytest.mark.parametrize(
    "road", [PROXY, secured("mcp", "hooks"), secured("mcp", "decorator")], ids=lambda one: one.name
)
async def test_the_official_client_meets_the_tables_verdicts_over_pipes(
    road: Road, policy_file: Path, folder: Path
) -> None:
    assert await over_pipes(road, policy_file, folder) == []
