"""What the proxy keeps from its server although both run as one user."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from smcp_security import SMCPSecurityFramework
from smcp_security.adapters.stdio import privacy
from smcp_security.adapters.stdio import proxy as module
from smcp_security.adapters.stdio.child import NotStarted
from smcp_security.adapters.stdio.signals import Signals
from smcp_security.adapters.stdio.stderr import words_to
from tests.adapters.stdio.wire import READ, SPY, UNPRIVILEGED, UNREADABLE
from tests.architecture.source import ROOT

PARENT = """
import subprocess, sys
from smcp_security.adapters.stdio.privacy import keep_private
assert sys.argv[1] == "open" or keep_private()
raise SystemExit(subprocess.call(sys.argv[2:]))
"""


@pytest.mark.parametrize(("how", "found"), [("open", READ), ("private", UNREADABLE)])
def test_a_private_process_hides_its_environment_from_what_it_starts(how: str, found: int) -> None:
    command = (*UNPRIVILEGED, sys.executable, "-c", PARENT, how, *SPY)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "SMCP_CREDENTIAL": "secret"}
    assert subprocess.run(command, env=environment, check=False).returncode == found


def test_where_the_system_refuses_it_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Refusing:
        def prctl(self, *_: Any) -> int:
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Refusing())
    assert not privacy.keep_private()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert not privacy.keep_private()
    # Where nothing shows it, nothing need be closed.
    monkeypatch.setattr(privacy, "_TOLD", tmp_path / "environ")
    assert privacy.keep_private()


@pytest.mark.parametrize(("kept", "warnings"), [(True, 0), (False, 1)])
def test_it_is_private_before_a_server_is_started_or_says_that_it_is_not(
    framework: SMCPSecurityFramework,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kept: bool,
    warnings: int,
) -> None:
    done: list[str] = []

    def keep() -> bool:
        done.append("kept")
        return kept

    def start(*_: Any) -> None:
        done.append("started")
        raise NotStarted("enough")

    monkeypatch.setattr(module, "keep_private", keep)
    monkeypatch.setattr(module, "Child", start)
    with Signals() as signals, open(os.devnull, "wb") as nowhere, words_to(nowhere.fileno()) as words:
        logger = module._log
        logger.addHandler(caplog.handler)
        with pytest.raises(NotStarted):
            module._served(framework, SPY, (0, 1), words, signals)
        logger.removeHandler(caplog.handler)
    assert done == ["kept", "started"]
    assert sum("SMCP_CREDENTIAL" in each.getMessage() for each in caplog.records) == warnings
