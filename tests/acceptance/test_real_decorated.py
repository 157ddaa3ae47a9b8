"""The calls of the table to servers of the SDK 2.x at a socket, with nothing in front of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.houses.roads import over_http, secured

pytestmark = [pytest.mark.real, pytest.mark.anyio]


@pytest.mark.parametrize("how", ["hooks", "decorator"])
async def test_secured_tools_meet_the_tables_verdicts_over_http(how: str, policy_file: Path, folder: Path) -> None:
    assert await over_http(secured("mcp", how), policy_file, folder) == []
