"""The benchmark of the metrics runs to its end, says what it measured, and prints no numbers for wrong counts."""

from __future__ import annotations

import json

import pytest

from benchmarks import metrics
from benchmarks.metrics import Row, Size, table
from smcp_security.observers.tally import Batch, Tally


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "SHORT", Size(rounds=20, blocks=1, tools=2))


def test_every_way_of_being_watched_has_its_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert metrics.main(["--short", "--json"]) == 0
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert {what for what, row in rows.items() if row["budget"] == metrics.BUDGET} == {
        "Prometheus",
        "Prometheus, several processes",
        "OpenTelemetry metrics, SDK in use",
    }
    assert {what for what in rows if what.startswith("OpenTelemetry spans")} == {
        "OpenTelemetry spans, no SDK",
        "OpenTelemetry spans, SDK in use, a span of ours",
        "OpenTelemetry spans, SDK in use, on the span that is there",
    }
    assert all(0 < row["p50"] <= row["p99"] for row in rows.values())


def test_times_are_shown_beside_their_budget() -> None:
    shown = table([Row("fast", 1.25, 2.5, 1.5, 3), Row("slow", 12_345.6, 99_999, 20_000)])
    lines = [" ".join(line.replace("|", " ").split()) for line in shown.splitlines()]
    assert lines[2:] == ["fast 1.2 µs 1.5 µs 2.5 µs 3 µs", "slow 12,346 µs 20,000 µs 99,999 µs -"]


def test_a_count_that_comes_out_wrong_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Tally, "take", lambda self: Batch())
    assert metrics.main(["--short"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "came out wrong" in told.err
