"""How long a program waits for the package: each number is a fresh interpreter. Imports nothing of the package."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]

BUDGET: Final[Mapping[str, int]] = {
    "import smcp_security": 100,
    "SMCPMiddleware(app) ready": 700,
}
"""Milliseconds. The second counts from the start of the interpreter."""

_IMPORT: Final = """
import time
began = time.monotonic()
import smcp_security
print(time.monotonic() - began)
"""
_READY: Final = """
import time
from smcp_security import SMCPMiddleware
SMCPMiddleware(lambda scope, receive, send: None)
print(time.monotonic() - {began!r})
"""


def startup(runs: int) -> dict[str, float]:
    """Milliseconds by the names of `BUDGET`, the median of some interpreters; one more warms the file cache."""
    scripts = {"import smcp_security": _IMPORT, "SMCPMiddleware(app) ready": _READY}
    return {name: median([_run(script) for _ in range(runs + 1)][1:]) for name, script in scripts.items()}


def _run(script: str) -> float:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SMCP_")}
    source = script.replace("{began!r}", repr(time.monotonic()))
    run = subprocess.run(
        [sys.executable, "-c", source],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return float(run.stdout) * 1000
