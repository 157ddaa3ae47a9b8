"""A baseline knows the findings that were there, wherever their lines have gone, and no new ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smcp_security.lint.baseline import read, without, written
from smcp_security.lint.finding import LintError
from smcp_security.lint.run import Report, run
from smcp_security.lint.selection import chosen
from tests.lint.snapshots import CREDENTIAL

TEXT = "version: 1\nmode: monitor\nserver: {flood: off}\n"


def report(folder: Path, text: str) -> Report:
    """What is found in a policy."""
    (folder / "p.yaml").write_text(text)
    return run([str(folder / "p.yaml")], chosen([], []))


def codes(given: Report) -> list[str]:
    """The codes that a report has."""
    return [finding.code for finding in given.findings]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (TEXT, []),
        ("# a\n\n" + TEXT, []),
        (TEXT.replace("mode: monitor", "mode:   monitor"), []),
        (TEXT + "limits: []\n", ["POL307"]),
        (TEXT.replace("{flood: off}", "{flood: off, unlisted_mcp: ignore}"), ["POL104", "POL105"]),
    ],
)
def test_only_what_is_new_is_left(tmp_path: Path, text: str, left: list[str]) -> None:
    known = tmp_path / "known.json"
    known.write_text(written(report(tmp_path, TEXT).findings))
    after = without(report(tmp_path, text), read(str(known)))
    assert sorted(codes(after)) == left


def test_the_same_finding_twice_is_known_twice(tmp_path: Path) -> None:
    text = "version: 1\nbudgets:\n  - {per: tool, tokens: 10/day}\n"
    known = tmp_path / "known.json"
    known.write_text(written(report(tmp_path, text).findings))
    again = report(tmp_path, text + "  - {per: tool, tokens: 10/day}\n")
    assert codes(without(again, read(str(known)))).count("POL308") == 1


MOVED = """version: 1
identity: {api_keys: {file: keys.yaml}}
roles:
  admin:
    allow:
      - tools: ["*"]
  guest:
    allow:
      - tools: ["get_*"]
"""


def test_what_moves_to_another_role_is_new(tmp_path: Path) -> None:
    known = tmp_path / "known.json"
    known.write_text(written(report(tmp_path, MOVED).findings))
    assert codes(without(report(tmp_path, "# a\n" + MOVED), read(str(known)))) == []
    moved = MOVED.replace("admin", "x").replace("guest", "admin").replace("x:", "guest:")
    assert codes(without(report(tmp_path, moved), read(str(known)))) == ["POL212"]


def test_a_policy_that_does_not_load_is_never_known(tmp_path: Path) -> None:
    text = "version: 1\nsever: {}\n"
    known = tmp_path / "known.json"
    known.write_text(written(report(tmp_path, text).findings))
    assert codes(without(report(tmp_path, text), read(str(known)))) == ["POL001"]


def test_a_baseline_holds_no_credential_nor_a_hash_of_one(tmp_path: Path) -> None:
    other = CREDENTIAL[:-1] + "7"
    first = written(report(tmp_path, f"version: 1\n# {CREDENTIAL}\n").findings)
    second = written(report(tmp_path, f"version: 1\n# {other}\n").findings)
    assert "POL002" in first
    assert CREDENTIAL not in first
    # Whoever has the baseline cannot try which credential it was.
    assert first == second


@pytest.mark.parametrize("text", ["", "[]", '{"format": 9, "findings": {}}', '{"findings": {}}', "[" * 100_000])
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "known.json").write_text(text)
    with pytest.raises(LintError, match="not a baseline of this release"):
        read(str(tmp_path / "known.json"))


def test_a_baseline_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LintError, match="No such file"):
        read(str(tmp_path / "known.json"))


def test_a_baseline_says_for_people_what_it_knows(tmp_path: Path) -> None:
    value = json.loads(written(report(tmp_path, TEXT).findings))
    assert sorted(each["code"] for each in value["findings"].values()) == ["POL010", "POL105"]
