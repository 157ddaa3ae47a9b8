"""The section "Before you deploy" of the README: its commands, its files and its output, as they stand there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.cli.terminal import Run, smcp

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Before you deploy\n")[2].partition("\n## ")[0]
[COMMANDS] = re.findall(r"```bash\n(.*?)```", SECTION, re.DOTALL)
POLICY, CASES, CI = re.findall(r"```yml\n(.*?)```", SECTION, re.DOTALL)
[SAID] = re.findall(r"```\n(policy\.yaml:.*?)```", SECTION, re.DOTALL)


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "policy.cases.yaml").write_text(CASES, encoding="utf-8")


def _typed(line: str) -> Run:
    name, *arguments = shlex.split(line.partition(">")[0], comments=True)
    assert name == "smcp"
    return smcp(*arguments)


def test_lint_says_of_the_policy_what_the_readme_shows() -> None:
    run = smcp("lint", "policy.yaml")
    assert (run.code, run.out) == (1, SAID)


def test_the_commands_of_the_readme_run_from_tools_to_tested_policy(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").unlink()
    properties = {"id": {"type": "string", "format": "uuid"}}
    tool = {"name": "get_order", "inputSchema": {"type": "object", "properties": properties}}
    (tmp_path / "tools.json").write_text(json.dumps([tool]), encoding="utf-8")
    runs = [_typed(line) for line in COMMANDS.splitlines()]
    assert [run.code for run in runs] == [0, 0, 0], runs
    assert "2 of 2 cases as expected; 1 of 4 rules of policy.yaml covered" in runs[2].out


def test_the_steps_in_ci_fail_for_findings_and_pass_for_cases() -> None:
    lint, test = (line.removeprefix("- run: ") for line in CI.splitlines())
    found = _typed(lint)
    assert found.code == 1 and found.out.startswith("::error ")
    played = _typed(test)
    assert played.code == 0 and 'failures="0"' in played.out
