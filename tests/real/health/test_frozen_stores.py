"""A store that stands still: the process lives, says that it is unready, and is ready again once the store goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.acceptance.houses.process import House
from tests.real.health.probing import HOUSES, once, passes, ready, serving
from tests.real.identity.lab import STRONG
from tests.real.identity.valkey import Valkey

pytestmark = [
    pytest.mark.real,
    pytest.mark.anyio,
    pytest.mark.parametrize("house", [pytest.param(house, id=house.name) for house in HOUSES]),
]


async def test_a_server_whose_store_is_frozen_lives_and_is_unready_until_it_thaws(
    house: House, tmp_path: Path, store: Valkey
) -> None:
    known = replace(house, settings={**house.settings, "SMCP_API_KEY": STRONG})
    needing = {"identity": {"api_keys": {}}, "store": {"url": store.url, "timeout_ms": 10_000}}
    async with serving(known, tmp_path, probes={"deadline": 0.3}, **needing) as address:
        await once(address, "ready")
        assert await passes(address, STRONG)
        store.freeze()
        found = await once(address, "unready", "store")
        assert found.parts["store"]["detail"] == "no answer within 0.3 s"
        assert (await ready(address)).state == "unready"
        store.thaw()
        await once(address, "ready")
        assert await passes(address, STRONG)
