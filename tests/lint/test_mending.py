"""Fixes: what is written loads, means the same, keeps comments and order, and is written once."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from smcp_security.lint.catalogue import rules
from smcp_security.lint.finding import LintError
from smcp_security.lint.mending import difference, mended, write
from smcp_security.lint.run import run
from smcp_security.lint.selection import chosen
from tests.lint.twins import read, twin

TEXT = """\
# smcp: ignore[POL102] neither is this one
# Our library. # smcp: ignore[POL101] there is no such finding
version: 1
identity: { api_keys: { file: keys.yaml } }   # made by smcp keys
tools:
  find_book: { arguments: { language: { kind: enum, values: [en, no, 'on', "off"] } } } # Norwegian too
  set_alarm:
    arguments:
      at: { kind: enum, values: [12:30, 18:45] }
      day: { kind: enum, values: [yes, 2020-01-01] }
"""
AFTER = """\
# Our library.
version: 1
identity: { api_keys: { file: keys.yaml } }   # made by smcp keys
tools:
  find_book: { arguments: { language: { kind: enum, values: [en, "no", 'on', "off"] } } } # Norwegian too
  set_alarm:
    arguments:
      at: { kind: enum, values: ["12:30", "18:45"] }
      day: { kind: enum, values: ["yes", 2020-01-01] }
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_safe_fixes_change_nothing_else_of_the_file(end: str) -> None:
    result = mended(read(TEXT.replace("\n", end)), chosen([], []))
    assert result.after.text == AFTER.replace("\n", end)
    assert result.count == 6


def test_a_file_that_is_mended_means_what_it_meant() -> None:
    result = mended(read(TEXT), rules())
    assert result.before.policy == result.after.policy
    assert result.before.value == result.after.value


def test_what_is_mended_once_is_not_mended_again() -> None:
    after = mended(read(TEXT), rules()).after
    again = mended(after, rules())
    assert (again.count, again.after) == (0, after)


@pytest.mark.parametrize("code", [code for code, rule in rules().items() if rule.fixes != "no" and code != "POL001"])
def test_a_rule_that_says_so_mends_its_bad_twin(code: str) -> None:
    rule = rules()[code]
    before = read(twin(rule, "bad").read_text(encoding="utf-8"))
    result = mended(before, rules(), unsafe=True)
    assert result.count > 0
    assert before.policy is None or result.after.policy is not None


def test_a_byte_order_mark_is_taken_out() -> None:
    result = mended(read("\ufeffversion: 1\n"), rules())
    assert result.after.text == "version: 1\n"
    assert result.after.policy is not None


def test_a_difference_shows_what_changes_and_no_credential() -> None:
    credential = "AKIA" + "QYLPMN5HHHFPZAM2"
    result = mended(read(TEXT.replace("# Norwegian too", f"# {credential}")), rules())
    shown = difference(result)
    assert credential not in shown
    assert [line for line in shown.splitlines() if line.startswith("+      at")] == [
        '+      at: { kind: enum, values: ["12:30", "18:45"] }'
    ]


def file_of(folder: Path, text: str = TEXT) -> Path:
    """A file with a text."""
    path = folder / "policy.yaml"
    path.write_bytes(text.encode())
    return path


def mend(path: Path) -> None:
    """What `smcp lint --fix` does to a file."""
    report = run([str(path)], chosen([], []))
    for document in report.documents.values():
        write(mended(document, chosen([], [])))


def test_a_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    path = file_of(tmp_path)
    path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    mend(link)
    assert path.read_text() == AFTER
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.yaml", "policy.yaml"]


def test_a_file_that_changed_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    path = file_of(tmp_path)
    document = run([str(path)], chosen([], [])).documents[str(path)]
    path.write_text("version: 1\n")
    with pytest.raises(LintError, match="changed while it was looked at"):
        write(mended(document, chosen([], [])))
    assert path.read_text() == "version: 1\n"


def test_a_file_that_cannot_be_exchanged_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LintError, match="cannot be written"):
        mend(path)
    assert path.read_text() == TEXT
    assert [each.name for each in tmp_path.iterdir()] == ["policy.yaml"]
