"""What goes out beside the command: the page of the rules, the hook for pre-commit, the jobs for CI."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
from ruamel.yaml import YAML

from smcp_security.cli.lint import command
from tests.architecture.source import ROOT
from tests.lint.page import DOCUMENT, document


def loaded(path: str) -> Any:
    """A YAML file of the project."""
    return YAML(typ="safe", pure=True).load(ROOT / path)


def test_the_page_of_the_rules_is_what_the_rules_say() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run python -m tests.lint.page --write"


@pytest.mark.parametrize(
    ("file", "taken"),
    [
        ("policy.yaml", True),
        ("deploy/mcp-policy.prod.yml", True),
        ("smcp.yaml", True),
        ("smcp.lock", True),
        (".mcp.json", True),
        (".cursor/mcp.json", True),
        ("claude_desktop_config.json", True),
        ("docker-compose.yaml", False),
        ("package.json", False),
        ("poetry.lock", False),
    ],
)
def test_the_hook_takes_the_files_that_are_meant(file: str, taken: bool) -> None:
    (hook,) = loaded(".pre-commit-hooks.yaml")
    assert bool(re.search(hook["files"], file)) is taken
    assert hook["entry"] == "smcp lint"


def test_every_option_that_the_jobs_give_exists() -> None:
    known = {name for parameter in command.params for name in parameter.opts}
    lines = [step.get("run", "") for step in loaded("examples/ci/github-lint.yaml")["jobs"]["lint"]["steps"]]
    lines += loaded("examples/ci/gitlab-lint.yaml")["smcp-lint"]["script"]
    runs = [shlex.split(line) for line in lines if line.startswith("smcp lint ")]
    assert len(runs) == 3
    assert {word for run in runs for word in run if word.startswith("--")} <= known
