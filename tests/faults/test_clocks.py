"""A clock that is stepped while a guard judges."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.audit.records import read_records
from tests.faults.guard import Seen, guard, whole

pytestmark = pytest.mark.real
DAY = 86_400.0
STEPS = (0.0, -DAY, 0.0, DAY, -365 * DAY, 0.0, 10 * DAY, 0.0)


def test_a_clock_that_steps_back_and_forward_moves_times_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Seen
) -> None:
    file, honest, step = tmp_path / "audit.jsonl", time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: honest() + step[0])
    with guard(file, audit={"checkpoint": 1}) as judging:
        for each in STEPS:
            step[0] = each
            assert judging.passes(20) == 20 and judging.framework.flush()
        step[0] = 0.0
    whole(file)
    times = [record["at"] for record in read_records(file) if record["kind"] == "decision"]
    assert len(times) == 20 * len(STEPS)
    assert times != sorted(times)
    record_property("seen", f"{len(STEPS)} steps of up to a year: every record in its place, its time as the clock was")


def test_a_clock_that_steps_forward_gives_nobody_a_new_allowance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Seen
) -> None:
    honest, step = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: honest() + step[0])
    limits = [{"per": ["address"], "rate": "5/day", "burst": 5}]
    with guard(tmp_path / "audit.jsonl", limits=limits) as judging:
        assert judging.passes(8) == 5
        for each in (DAY, -DAY, 0.0):
            step[0] = each
            assert judging.passes(3) == 0
    record_property("seen", "5 of 17 calls of a rate of 5 a day, whatever the clock said")
