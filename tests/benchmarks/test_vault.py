"""The benchmark of the vault runs to its end, says what it measured, and prints no numbers for wrong values."""

from __future__ import annotations

import json

import pytest

from benchmarks import vault
from benchmarks.vault import Row, Size, table
from smcp_security.opened import Opened
from smcp_security.vault.contents import Contents


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "SHORT", Size(secrets=5, blocks=1, rounds=3, repeats=1))


def test_every_budget_of_the_issue_has_its_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert vault.main(["--short", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    budgets = {row["what"]: row["budget"] for row in said["rows"] if row["budget"]}
    assert budgets == {
        "open, from the cache": 5,
        "open, from the cache, on an event loop": 5,
        "open, the first time in a server": 100,
        "open, cold: unwrap and decrypt": 100,
        "get, cold: and a look at the file": 100,
        "rewrap 5 secrets, with the write": 1000,
    }
    assert all(0 < row["p50"] <= row["p99"] for row in said["rows"])


def test_times_are_shown_in_units_that_can_be_read() -> None:
    shown = table([Row("fast", 1.25, 2.5, 5), Row("slow", 12_345_678, 99_999)])
    lines = [" ".join(line.replace("|", " ").split()) for line in shown.splitlines()]
    assert lines[2:] == ["fast 1.2 µs 2.5 µs 5.0 µs", "slow 12,346 ms 100 ms -"]


def test_a_value_that_comes_out_wrong_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Contents, "find", lambda self, name, *_, **__: Opened(name, b"something else", 1))
    assert vault.main(["--short"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "came out wrong" in told.err
