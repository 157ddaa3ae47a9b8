"""The command line of the fuzzer: what it says and how it ends, with and without atheris."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import session
from tests.fuzz.__main__ import main
from tests.fuzz.oracle import Broken
from tests.fuzz.targets import TARGETS, Target


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["fuzz", *arguments])
    return main()


@pytest.mark.parametrize("target", ["all", "sse"])
def test_without_atheris_it_says_what_is_missing(
    target: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)
    assert _run(monkeypatch, target, "--seconds", "1") == 3
    assert capsys.readouterr().out.splitlines() == [f"missing: {session.missing()}"]
    assert "pip install" in session.missing()


def test_a_saved_input_is_judged_again_without_atheris(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)
    saved = tmp_path / "input"
    saved.write_bytes(b"\x00data: a\n\n")
    assert _run(monkeypatch, "sse", "--replay", str(saved)) == 0
    assert capsys.readouterr().out == f"sse: {saved} shows nothing\n"


@pytest.mark.parametrize("arguments", [["nothing"], ["all", "--replay", "x"], ["all", "--corpus", "x"], []])
def test_a_command_line_that_means_nothing_is_refused(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as ended:
        _run(monkeypatch, *arguments)
    assert ended.value.code == 2


SAID = """INFO: whatever
#2\tINITED cov: 10 ft: 11 corp: 1/5b exec/s: 0 rss: 70Mb
#4096\tpulse  cov: 100 ft: 345 corp: 49/5978b lim: 302 exec/s: 315 rss: 75Mb
#5000\tNEW    cov: 101 ft: 346 corp: 50/5Kb lim: 302 exec/s: 280 rss: 75Mb L: 73/302 MS: 1 InsertByte-
"""
FOUND = "== ERROR: libFuzzer: timeout after 20 seconds\nartifact_prefix='x/'; Test unit written to x/sse-timeout-1\n"


@pytest.mark.parametrize(("said", "status", "line"), [(SAID, 0, "nothing found"), (SAID + FOUND, 70, "failed")])
def test_the_record_is_read_from_what_the_fuzzer_says(said: str, status: int, line: str) -> None:
    record = session._record("sse", subprocess.CompletedProcess([], status, said))
    expected = f"sse: 5000 executions, 280 a second, coverage 101 (346 features), 50 inputs, {line}"
    assert record.line() == expected
    assert record.finding == (Path("x/sse-timeout-1") if status else None)


@pytest.mark.real
def test_a_short_session_runs_or_names_what_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "sse", "--seconds", "2", "--corpus", str(tmp_path / "grown")]
    done = subprocess.run(command, cwd=session.ROOT, env=os.environ, capture_output=True, text=True, check=False)
    if session.missing():
        assert (done.returncode, done.stdout) == (3, f"missing: {session.missing()}\n")
        return
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("nothing found\n") and " 0 executions" not in done.stdout
    assert list((tmp_path / "grown").iterdir())


@pytest.mark.real
def test_a_defect_behind_several_branches_is_found_saved_and_shown_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only a fuzzer that sees which branches an input takes gets through several in seconds."""
    monkeypatch.setattr(session, "FINDINGS", tmp_path)
    monkeypatch.setitem(TARGETS, "planted", Target("tests.fuzz.planted", longest=8))
    status = _run(monkeypatch, "planted", "--seconds", "60")
    said = capsys.readouterr().out
    if session.missing():
        assert (status, said) == (3, f"missing: {session.missing()}\n")
        return
    assert status == 1 and "Broken: nothing begins with smcp" in said
    *_, again = said.splitlines()
    [saved] = tmp_path.iterdir()
    assert again == f"again: python -m tests.fuzz planted --replay {saved}"
    with pytest.raises(Broken):
        _run(monkeypatch, "planted", "--replay", str(saved))
