"""What is counted of records, and that it stays bounded."""

from __future__ import annotations

import pytest

from smcp_security.audit.reading import statistics
from smcp_security.audit.reading.statistics import OTHERS, Statistics, Times
from tests.cli.audits import decision, outcome, refused


def test_verdicts_are_counted_by_what_they_were_about() -> None:
    counted = Statistics()
    for record in (decision("a"), outcome("a"), refused("b", tool="sql"), {"kind": "lost", "at": "2", "count": 5}):
        counted.add({**record, "person": "p"})
    assert dict(counted.actions) == {"pass": 1, "block": 1} and dict(counted.codes) == {"SMCP501": 1}
    assert dict(counted.tools) == {"search": 1, "sql": 1} and dict(counted.persons) == {"p": 2}
    assert counted.lost == 5 and counted.hours == {"2026-11-20T12": {"pass": 1, "block": 1}}
    assert counted.first.startswith("2") and counted.results["complete"] == 1


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_a_quantile_is_right_within_one_percent(share: float) -> None:
    times = Times()
    for value in range(1, 10_001):
        times.add(value)
    assert times.quantile(share) == pytest.approx(10_000 * share, rel=0.01)
    assert len(times.steps) < 1000


def test_durations_of_nothing_and_of_none_are_told_apart() -> None:
    assert Times().quantile(0.5) is None
    times = Times()
    times.add(0)
    assert times.quantile(0.99) == 0


def test_ever_new_names_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MOST", 3)
    counted = Statistics()
    for number in range(9):
        counted.add(decision("a", tool=f"tool{number}"))
    assert len(counted.tools) == 4 and counted.tools[OTHERS] == 6
