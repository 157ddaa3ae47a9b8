"""`smcp audit export`: for other programs, and what is held of one person and of nobody else."""

from __future__ import annotations

import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.audits import Desk, decision, json_lines, outcome


@pytest.fixture
def crowd(desk: Desk) -> Desk:
    """An audit in which three persons' records are mixed, and each has traits of its own."""
    person = {"verified": True, "source": "jwt", "credential": "jti-eve", "tenant": "other", "roles": []}
    shared = {"address": "203.0.113.99", "session": "ee" * 16}
    secret = {"v": 2, "kind": "secret", "id": "e1", "at": decision("e1")["at"], "secret": "github", "version": 1,
              "receiver": "token", "tool": "search", "tenant": "other", "caller": {"id": "eve", **person}}  # fmt: skip
    desk.write(decision("e1") | {"caller": {"id": "eve", **person}, **shared}, secret, decision("a3", "ann"))
    desk.write(outcome("e1", 9), outcome("a3", 9), decision("u1", None, label="ann", address="198.51.100.1"))
    return desk


@pytest.mark.parametrize("options", [[], ["--joined"], ["--format", "csv"], ["--format", "ocsf"]], ids=str)
def test_the_export_of_one_person_holds_all_of_theirs_and_nothing_of_others(crowd: Desk, options: list[str]) -> None:
    run = crowd.run("export", "--caller", "caller:eve", *options)
    assert run.code == 0 and run.err == ""
    assert all(trait in run.out for trait in ("eve", "203.0.113.99", "github"))
    for trait in ("ann", "bob", "203.0.113.7", '"a1"', '"a3"', "acme", "3600", "k1"):
        assert trait not in run.out, trait
    handles = {person.handle for person in crowd.people.everybody() if person.name != "caller:eve"}
    assert not any(handle in run.out for handle in handles)


def test_all_records_of_the_person_are_in_it_with_their_outcomes(crowd: Desk) -> None:
    kinds = [each["kind"] for each in json_lines(crowd.run("export", "--caller", "eve"))]
    assert kinds == ["decision", "secret", "outcome"]
    ids = [each["id"] for each in json_lines(crowd.run("export", "--caller", "caller:ann"))]
    assert ids == ["a1", "a1", "a2", "a2", "a3", "a3"]


def test_a_call_can_be_one_line_with_all_that_became_of_it(crowd: Desk) -> None:
    [call] = json_lines(crowd.run("export", "--caller", "eve", "--joined"))
    assert call["outcome"]["status"] == 200 and call["secrets"][0]["secret"] == "github"


def test_a_name_of_two_persons_is_refused_and_one_of_them_taken(crowd: Desk) -> None:
    refused = crowd.run("export", "--caller", "ann")
    assert refused.code == 2 and "caller:ann, label:ann; name one" in refused.complaint
    unproved = crowd.run("export", "--caller", "label:ann")
    assert unproved.code == 0 and "not vouched for" in unproved.err and json_lines_of(unproved.out)[0]["id"] == "u1"


def json_lines_of(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_what_stands_for_many_is_nobodys_to_export(desk: Desk) -> None:
    desk.write(decision("n", None, address="", label=""))
    run = desk.run("export", "--caller", "nobody")
    assert run.code == 2 and "stands for many" in run.complaint
    assert desk.run("search", "--caller", "nobody").code == 0


def test_csv_has_a_heading_and_a_row_a_record(desk: Desk) -> None:
    rows = list(csv.DictReader(io.StringIO(desk.run("export", "--format", "csv").out)))
    assert [row["id"] for row in rows] == ["a1", "a1", "b1", "b1", "b2", "a2", "a2"]
    assert rows[4]["codes"] == "SMCP501" and rows[0]["caller"] == "ann"


def test_ocsf_has_an_event_a_call(desk: Desk) -> None:
    events = json_lines(desk.run("export", "--format", "ocsf", "--since", "2026-11-20T13:00:00Z"))
    assert [each["metadata"]["uid"] for each in events] == ["b1", "b2", "a2"]
    assert [each["disposition"] for each in events] == ["Allowed", "Blocked", "Allowed"]


def test_a_file_is_made_for_its_owner_alone_and_never_overwritten(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    run = desk.run("export", "--out", str(out))
    assert (run.code, run.out) == (0, "") and len(out.read_text().splitlines()) == 7
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    again = desk.run("export", "--out", str(out))
    assert again.code == 2 and "is there already" in again.complaint and len(out.read_text().splitlines()) == 7
    assert "No such file" in desk.run("export", "--out", str(tmp_path / "none" / "x")).complaint


def test_half_an_export_is_not_left_behind(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("smcp_security.audit.record.encode", broken)
    run = desk.run("export", "--out", str(tmp_path / "half.jsonl"))
    assert run.code == 130 and not (tmp_path / "half.jsonl").exists()


def test_an_erased_person_has_nothing_left_to_export(desk: Desk) -> None:
    desk.people.erase("ann")
    run = desk.run("export", "--caller", "ann")
    assert run.code == 1 and "erased, or never seen" in run.complaint
    everything = desk.run("export")
    assert everything.code == 0 and "ann" not in everything.out and '"caller":"erased"' in everything.out


def test_joined_rows_are_refused_where_a_row_is_one_record(desk: Desk) -> None:
    assert desk.run("export", "--format", "csv", "--joined").code == 2
