"""The benchmark of the audit runs to its end, says what it measured, and prints no numbers for wrong logs."""

from __future__ import annotations

import json

import pytest

from benchmarks import audit
from benchmarks.audit import Row, Size, table
from smcp_security.audit.reading.selection import Search


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "SHORT", Size(blocks=1, rounds=20, synced=3, flood=100, bytes=400_000))


def test_every_budget_of_the_audit_has_its_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(["--short", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    budgets = {row["what"]: row["budget"] for row in rows if row["budget"]}
    assert budgets["a record offered, fsync: interval"] == 15
    assert budgets["verified in a second"] == 100
    assert budgets["records verified in a second"] == 200_000
    assert sum(what.startswith("search of") for what in budgets) == 2
    assert all(row["value"] > 0 for row in rows)


def test_numbers_of_the_audit_are_shown_with_their_units() -> None:
    lines = table([Row("fast", "µs", 1.25, 2.5, 15), Row("many", "/s", 123_456)]).splitlines()
    assert [" ".join(line.replace("|", " ").split()) for line in lines[2:]] == [
        "fast 1.2 µs 2.5 µs 15.0 µs",
        "many 123,456 /s - -",
    ]


def test_a_search_that_finds_too_few_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Search, "records", lambda self, blocks: iter(()))
    assert audit.main(["--short"]) == 1
    told = capsys.readouterr()
    assert (told.out, "came out wrong" in told.err) == ("", True)
