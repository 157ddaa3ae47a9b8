"""Probes of real servers: the same answers from uvicorn, gunicorn with Flask, and both kinds of Django."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.houses.process import House
from tests.real.health.probing import HOUSES, once, passes, probe, serving
from tests.real.messages import Request
from tests.real.wire import ask

pytestmark = [
    pytest.mark.real,
    pytest.mark.anyio,
    pytest.mark.parametrize("house", [pytest.param(house, id=house.name) for house in HOUSES]),
]


async def test_a_server_answers_probes_and_leaves_the_rest_to_its_app(house: House, tmp_path: Path) -> None:
    figures = {"probes": {"metrics": "/metrics"}, "metrics": {"prometheus": True}}
    async with serving(house, tmp_path, **figures) as address:
        assert (await once(address, "ready")).parts.keys() == {"store", "audit", "policy"}
        head = await probe(address, "/livez", method="HEAD")
        assert (head.status, head.header("content-type")) == (200, "application/json")
        assert await passes(address)
        page = await probe(address, "/metrics")
        assert (page.header("content-type") or "").startswith("text/plain")
        assert "smcp_decisions_total{" in page.text
        posted = Request(b"plain", (("content-type", "text/plain"),), path="/livez")
        assert (await ask(address, posted)).body == b"hello"


async def test_a_server_whose_audit_meets_a_full_disk_is_unready_until_there_is_room(
    house: House, tmp_path: Path
) -> None:
    file, aside = tmp_path / "audit.jsonl", tmp_path / "aside"
    async with serving(house, tmp_path, audit={"file": str(file), "on_failure": "deny"}) as address:
        assert await passes(address)
        await once(address, "ready")
        file.rename(aside)
        file.symlink_to("/dev/full")
        # The record of this one is the first that does not fit.
        await passes(address)
        found = await once(address, "unready", "audit")
        assert "No space left on device" in found.parts["audit"]["detail"]
        assert not await passes(address)
        file.unlink()
        aside.rename(file)
        await once(address, "ready")
        assert await passes(address)
