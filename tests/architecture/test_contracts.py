"""The import contracts of pyproject.toml hold, and each of them notices when it does not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGE, ROOT

# A process of its own: import-linter configures logging, and that would silence the loggers of the other tests.
_LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"


def _lint(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", _LINT], cwd=root, capture_output=True, text=True, check=False)


def _copy(root: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", root)
    shutil.copytree(PACKAGE, root / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__", "*.yaml"))
    return root / PACKAGE.name


def test_every_import_contract_of_the_package_holds() -> None:
    result = _lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("decision.py", "import socket", "What decides is pure"),
        ("message.py", "import time", "What decides is pure"),
        ("errors.py", "from smcp_security import message", "The layers"),
        ("message.py", "from smcp_security.checks import rung", "The layers"),
        ("stranger.py", "", "The layers"),
        ("checks/rung.py", "from smcp_security.checks import transport", "The rung's own words know no rung"),
        ("policy/units.py", "from smcp_security.policy import section", "No cycles"),
        ("message.py", "import mcp_types", "Only revisions imports the wire models"),
        ("message.py", "import mcp", "Only the hooks for it, the demo and what pins import the MCP SDK"),
        ("message.py", "import jsonschema_rs", "Only schemas imports the validators"),
        ("message.py", "import re2", "Only the scan imports RE2"),
        ("message.py", "import click", "Only the command line imports click"),
    ],
)
def test_an_import_against_a_contract_is_reported_by_name(
    tmp_path: Path, module: str, line: str, contract: str
) -> None:
    with (_copy(tmp_path) / module).open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    result = _lint(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{contract} BROKEN" in " ".join(result.stdout.split())
