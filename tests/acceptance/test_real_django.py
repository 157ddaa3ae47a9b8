"""The whole table against Django in processes of its own, by the official client and by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance import play
from tests.acceptance.houses.process import House
from tests.acceptance.houses.roster import DJANGO_HOUSES
from tests.acceptance.issuer import Issuer

_NAMED = [pytest.param(house, id=house.name) for house in DJANGO_HOUSES]
pytestmark = [pytest.mark.real, pytest.mark.anyio, pytest.mark.parametrize("house", _NAMED)]


async def test_messages_meet_the_tables_verdicts_at_django_servers(
    house: House, policy_file: Path, folder: Path
) -> None:
    assert await play.whole_table(house, policy_file, folder) == []


async def test_callers_hosts_and_sessions_meet_the_tables_verdicts_at_django(
    house: House, issuer: Issuer, tmp_path: Path
) -> None:
    assert await play.callers(house, issuer, tmp_path) == []
