"""`smcp audit stats`: verdicts counted."""

from __future__ import annotations

from pathlib import Path

from tests.cli.audits import Desk, decision


def test_verdicts_are_counted_by_action_code_tool_caller_and_hour(desk: Desk) -> None:
    facts = desk.run("stats", "--format", "json").json
    assert facts["actions"] == {"pass": 3, "block": 1} and facts["codes"] == {"SMCP501": 1}
    assert facts["tools"] == {"search": 2, "sql.query": 2} and facts["callers"] == {"caller:ann": 2, "caller:bob": 2}
    assert list(facts["hours"]) == ["2026-11-20T12", "2026-11-20T13", "2026-11-20T14"] and facts["records"] == 7
    assert facts["judging_us"]["p50"] == 79.8 and facts["answering_ms"]["p99"] == 249.1


def test_what_is_counted_can_be_chosen(desk: Desk) -> None:
    facts = desk.run("stats", "--format", "json", "--caller", "bob", "--since", "2026-11-20T13:30:00Z").json
    assert facts["actions"] == {"block": 1} and facts["callers"] == {"caller:bob": 1}


def test_people_read_a_table_with_a_line_an_hour(desk: Desk) -> None:
    run = desk.run("stats")
    assert run.code == 0 and run.out.isascii() and "2026-11-20 14h" in run.out and "1 refused" in run.out
    assert "caller:ann" in run.out and "p99" in run.out


def test_erased_persons_are_counted_without_their_names(desk: Desk) -> None:
    desk.people.erase("ann")
    callers = desk.run("stats", "--format", "json").json["callers"]
    assert callers["caller:bob"] == 2 and not any("ann" in name for name in callers)
    assert any(name.startswith("erased (") for name in callers)
    Path(f"{desk.file}.keys").unlink()
    assert any(name.startswith("sealed (") for name in desk.run("stats", "--format", "json").json["callers"])


def test_nothing_to_count_is_told_by_the_exit_code(desk: Desk) -> None:
    assert desk.run("stats", "--id", "zz").code == 1
    desk.write(decision("x\x1b", tool="\x1b]0;t\x07"))
    assert "\x1b" not in desk.run("stats").out
