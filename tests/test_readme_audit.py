"""The section "The audit" of the README: its commands as they stand there, and `docs/audit.md` beside the commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from smcp_security.audit.reading.selection import KINDS
from smcp_security.cli.audit import COMMANDS as KNOWN
from smcp_security.policy.audit import AuditPolicy

ROOT = Path(__file__).parents[1]
SECTION = (ROOT / "README.md").read_text(encoding="utf-8").partition("## The audit\n")[2].partition("\n## ")[0]
[COMMANDS] = re.findall(r"```bash\n(.*?)```", SECTION, re.DOTALL)
PAGE = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")


def _typed(folder: Path, commands: str) -> subprocess.CompletedProcess[str]:
    """Commands as a reader types them in a copy of the repository, with `smcp` installed."""
    (folder / "bin").mkdir(exist_ok=True)
    for name, called in (("smcp", "-m smcp_security.cli"), ("python", "")):
        program = folder / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {called} "$@"\n')
        program.chmod(0o700)
    if not (folder / "examples").exists():
        (folder / "examples").symlink_to(ROOT / "examples")
    environment = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@pytest.mark.real
def test_the_commands_of_the_readme_write_verify_tamper_export_and_erase(tmp_path: Path) -> None:
    done = _typed(tmp_path, COMMANDS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"allowed": true') == 4 and done.stdout.count('"allowed": false') == 2
    assert done.stdout.count(": whole\n") == 2 and done.stdout.count(": NOT whole\n") == 1
    assert "exit code 1" in done.stdout and "proved up to" in done.stdout
    exported = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"stream":')]
    assert [record["kind"] for record in exported] == ["decision", "outcome", "decision", "outcome", "decision"]
    assert {record["caller"]["id"] for record in exported if record["kind"] == "decision"} == {"key:ann"}
    gone = _typed(tmp_path, "smcp audit export audit.jsonl --caller key:ann")
    assert gone.returncode == 1 and "erased, or never seen" in gone.stderr
    there = _typed(tmp_path, "smcp audit search audit.jsonl --caller key:bob --denied")
    assert there.returncode == 0 and "SMCP610" in there.stdout


def test_the_page_has_every_setting_of_the_audit() -> None:
    named = set(re.findall(r"^  ([a-z_]+):", PAGE, re.MULTILINE))
    assert named == set(AuditPolicy.model_fields)


def test_the_page_and_the_group_have_the_same_commands() -> None:
    table = PAGE.partition("| command | what it does |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z]+)", table, re.MULTILINE)) == set(KNOWN)


def test_the_page_has_every_kind_of_record_that_is_written() -> None:
    assert [kind for kind in KINDS if f"`{kind}`" not in PAGE] == []
