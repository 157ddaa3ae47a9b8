"""An environment with the last SDK that speaks the legacy era alone: `mcp` 1.x cannot share one with `mcp` 2.x."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.toolbox.shelf import ROOT, installed, run

SDK = "mcp==1.30.0"
EXTRAS = "[sql]"
"""What of this project's the tests use there."""


def legacy_python() -> Path:
    """The interpreter of an environment with `mcp` 1.30, uvicorn and this project, made at first use.

    Raises:
        Missing: without `venv` or pip's index.
    """
    contents = f"{SDK} project{EXTRAS} {sys.version} {ROOT} {(ROOT / 'pyproject.toml').read_text()}"
    return installed("legacy", contents, _install) / "bin" / "python"


def _install(folder: Path) -> None:
    run(SDK, [sys.executable, "-m", "venv", folder], folder=folder)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(SDK, [*pip, SDK, "uvicorn>=0.34", "-e", f"{ROOT}{EXTRAS}"], folder=folder)
