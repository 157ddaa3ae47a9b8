"""What cannot be read as an audit is refused in one line that says what to do."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.cli.audits import Desk, decision
from tests.cli.terminal import smcp

COMMANDS = ["tail", "search", "stats", "export"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        (b'{"v":1,"kind":"decision","id":"x"}\n', "format 1"),
        (b"hello\n", "is no audit file"),
        (gzip.compress(b'{"stream":"'), "is compressed"),
    ],
    ids=["missing", "format 1", "text", "gzip"],
)
def test_what_is_no_audit_is_refused_in_one_line(
    tmp_path: Path, command: str, content: bytes | None, said: str
) -> None:
    file = tmp_path / "a.jsonl"
    if content is not None:
        file.write_bytes(content)
    run = smcp("audit", command, str(file))
    assert run.code == 2 and said in run.complaint and str(file) in run.complaint
    file.write_bytes(b"")
    assert said not in smcp("audit", command, str(file)).err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_is_no_audit(tmp_path: Path, command: str) -> None:
    run = smcp("audit", command, str(tmp_path))
    assert run.code == 2 and "is a folder" in run.complaint


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_name_is_not_taken_for_the_folder(command: str) -> None:
    assert "is empty" in smcp("audit", command, "").complaint


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "yesterday"], "expected a time before now"),
        (["--since", "2026-13-01"], "expected a time before now"),
        (["--until", "99999999d"], "expected a time before now"),
        (["--code", "SMCP5O1"], "did you mean SMCP501?"),
        (["--code", "schema-missmatch"], "there is no finding"),
        (["--kind", "decisions"], "did you mean decision?"),
        (["--key-env", "not a name"], "never the secret itself"),
        (["--key-env", "SMCP_NOT_THERE"], "SMCP_NOT_THERE"),
        (["--policy", "none.yaml"], "none.yaml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_option_that_means_nothing_is_refused_with_what_would(desk: Desk, options: list[str], said: str) -> None:
    run = desk.run("search", *options)
    assert run.code == 2 and said in run.complaint


def test_a_segment_by_itself_is_read_with_the_callers_of_its_audit(desk: Desk) -> None:
    run = smcp("audit", "search", f"{desk.file}.000001", "--caller", "bob")
    assert run.code == 0 and "b1" in run.out and "b2" not in run.out


def test_nobody_of_that_name_is_told_as_nothing_found(desk: Desk) -> None:
    run = desk.run("search", "--caller", "zoe")
    assert run.code == 1 and "erased, or never seen" in run.complaint


def test_a_search_by_name_without_the_key_says_what_is_missing(desk: Desk) -> None:
    Path(f"{desk.file}.keys").unlink()
    run = desk.run("search", "--caller", "ann")
    assert run.code == 1 and "--callers" in run.err and run.out == ""


def test_a_policy_names_the_audit(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "policy.yaml").write_text(f"version: 1\naudit: {{file: {desk.file}}}\n")
    assert smcp("audit", "search", "--policy", str(tmp_path / "policy.yaml"), "--denied").code == 0
    monkeypatch.setenv("SMCP_POLICY", str(tmp_path / "policy.yaml"))
    assert smcp("audit", "search", "--denied").code == 0
    monkeypatch.delenv("SMCP_POLICY")
    assert "no audit is named" in smcp("audit", "search").complaint


def test_a_name_that_is_almost_one_is_answered_with_the_whole_one(desk: Desk) -> None:
    desk.write(decision("k", "key:carl"))
    assert "did you mean caller:key:carl?" in desk.run("search", "--caller", "carl").complaint
    assert (
        desk.run("search", "--caller", "key:carl").code == desk.run("search", "--caller", "caller:key:carl").code == 0
    )
