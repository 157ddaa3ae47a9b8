"""The benchmark of the edges runs, measures every edge, and does not print numbers of refused messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import edge_calls, edge_pipe, edges
from benchmarks.messages import WORKLOADS, policy
from smcp_security import SMCPSecurityFramework
from tests.adapters.django.project import set_up


@pytest.fixture(autouse=True)
def _settings_of_django() -> None:
    # Django takes settings once for a process: those of the other tests, not the benchmark's.
    set_up()


def test_every_edge_is_measured_and_every_budget_is_beside_its_number(tmp_path: Path) -> None:
    with SMCPSecurityFramework(policy(tmp_path / "audit.jsonl")) as security:
        cells = edges.measure(security, rounds=2, loops=4)
    budgets = {cell.edge.name: cell.edge.budget for cell in cells}
    assert budgets == {
        "ASGI": None,
        **dict.fromkeys(("WSGI", "Django, sync", "Django, async"), 60),
        **dict.fromkeys(("decorator", "decorator, async", "decorator behind an edge"), 25),
    }
    assert all(cell.through.count == 8 and 0 < cell.through.p50 <= cell.through.p99 for cell in cells)
    pipes = edge_pipe.measure(tmp_path, WORKLOADS[0], rounds=1, calls=20)
    assert [pipe.name for pipe in pipes] == ["bare", "proxy"]
    told = json.loads(edges.as_json(cells, pipes, {}))
    assert told["proxy"].keys() == {"calls_per_second", "calls_per_cpu_second", "added_us", "megabytes_per_second"}
    report = edges.as_text(cells, pipes, {"policy": "here"})
    assert "| Django, async" in report and "at least 3,000" in report and "- policy: here" in report


def test_the_numbers_of_a_refused_message_at_an_edge_are_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(edge_calls, "request", lambda work: b"{}")
    assert edges.main(["--short"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "SMCP" in printed.err
