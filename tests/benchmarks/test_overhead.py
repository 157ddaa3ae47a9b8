"""The overhead benchmark runs, measures every size in every way, and does not print numbers of refused messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import overhead
from benchmarks.messages import WORKLOADS
from benchmarks.startup import BUDGET, ROOT, startup


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the smallest message: the others are more of the same."""
    monkeypatch.setattr(overhead, "WORKLOADS", WORKLOADS[:1])
    monkeypatch.setattr(overhead, "LEAST", 4)


@pytest.mark.usefixtures("few")
def test_every_way_is_measured_and_every_rung_has_its_share(tmp_path: Path) -> None:
    cells, about = overhead.measure(tmp_path / "audit.jsonl", blocks=2, seconds=0)
    assert [cell.kind for cell in cells] == list(overhead.KINDS)
    assert all(cell.samples.count == 8 and 0 < cell.samples.p50 <= cell.samples.p99 for cell in cells)
    by_request, by_response = cells[0].rungs.keys(), cells[1].rungs.keys()
    assert {"transport", "identity", "session", "envelope", "access", "arguments", "limits"} <= by_request
    assert {"trace", "learning", "listing", "redaction", "instructions"} <= by_response
    assert {"policy", "rules", "Python", "processor"} <= about.keys()
    report = overhead.as_text(cells, about, dict(BUDGET))
    assert "40 (120)" in report and "| off" in report and cells[0].token not in report
    measured = json.loads(overhead.as_json(cells, about, dict(BUDGET)))["pipeline"]
    assert [entry["budget"] for entry in measured] == [[40, 120], [55, 160], None]


@pytest.mark.usefixtures("few")
def test_the_numbers_of_a_refused_message_are_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(overhead, "request", lambda work: b"{}")
    assert overhead.main(["--short"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "SMCP" in printed.err


@pytest.mark.usefixtures("few")
def test_the_numbers_of_an_honest_message_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(overhead, "startup", lambda runs: dict.fromkeys(BUDGET, float(runs)))
    assert overhead.main(["--short", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["start_ms"] == dict.fromkeys(BUDGET, 3.0)


def test_every_budgeted_start_is_measured_in_a_fresh_interpreter() -> None:
    measured = startup(1)
    assert measured.keys() == BUDGET.keys()
    assert 0 < measured["import smcp_security"] < measured["SMCPMiddleware(app) ready"]


def test_an_import_loads_nothing_that_only_some_policies_need() -> None:
    source = (
        "import sys, smcp_security; from smcp_security import SMCPMiddleware;"
        "SMCPMiddleware(lambda scope, receive, send: None); print(*sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SMCP_")}
    run = subprocess.run([sys.executable, "-c", source], cwd=ROOT, env=environment, capture_output=True, check=True)
    loaded = {name.partition(".")[0] for name in run.stdout.decode().split()}
    assert loaded & {"redis", "httpx2", "httpcore2", "joserfc", "cryptography"} == set()
    assert "smcp_security.keys.ring" not in run.stdout.decode().split()
