"""The calls of the table to servers of the SDK 1.30, over real pipes and at a socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.houses.roads import over_http, over_pipes, secured

pytestmark = [pytest.mark.real, pytest.mark.anyio]


@pytest.mark.parametrize("how", ["hooks", "decorator"])
async def test_tools_of_the_older_sdk_meet_the_tables_verdicts_over_pipes(
    how: str, legacy: Path, policy_file: Path, folder: Path
) -> None:
    assert await over_pipes(secured("older", how), policy_file, folder, str(legacy)) == []


@pytest.mark.parametrize("how", ["hooks", "decorator"])
async def test_tools_of_the_older_sdk_meet_the_tables_verdicts_over_http(
    how: str, legacy: Path, policy_file: Path, folder: Path
) -> None:
    assert await over_http(secured("older", how), policy_file, folder, str(legacy)) == []
