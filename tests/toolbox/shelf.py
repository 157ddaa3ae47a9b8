"""Where tools from outside are kept once installed: `$SMCP_TOOLBOX`, or `.toolbox/` beside the tests."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETTING = "SMCP_TOOLBOX"
LAST_LINES = 5
INSTALL_LIMIT = 600.0
"""Seconds that one installation may take."""
_HOME = Path(os.environ.get(SETTING, ROOT / ".toolbox"))
"""Read at import: the session's fixtures hide every SMCP_* setting of the shell."""


class Missing(Exception):
    """A tool that this machine does not have and cannot install; the text names it and says why."""


def installed(kind: str, contents: str, install: Callable[[Path], None]) -> Path:
    """The folder of the toolbox with these `contents`, made by `install` if it is not there whole.

    Other contents get another folder, so a new version is never taken for the old one. Sessions that want it at
    once wait for the first: the lock is held while it installs.

    Raises:
        Missing: what `install` raised.
    """
    name = f"{kind}-{hashlib.sha256(contents.encode()).hexdigest()[:8]}"
    folder = _HOME / name
    complete = folder / ".complete"
    folder.mkdir(parents=True, exist_ok=True)
    with (_HOME / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            install(folder)
            complete.touch()
    return folder


def run(tool: str, command: Sequence[str | Path], *, folder: Path) -> None:
    """Run a step of an installation of `tool`.

    Raises:
        Missing: with the last lines that it printed.
    """
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_LIMIT, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{tool}: {command[0]} did not run ({type(error).__name__})") from None
    if done.returncode:
        last = " / ".join((done.stderr or done.stdout).strip().splitlines()[-LAST_LINES:])
        raise Missing(f"{tool}: {command[0]} ended with {done.returncode}: {last}")
