"""The file of callers under processes that race, and that are killed at every step they take."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.real


def _scene(name: str, folder: Path) -> Any:
    run = subprocess.run(
        [sys.executable, "-m", "tests.audit.joiners", name, str(folder)], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_killed_at_any_step_nobody_is_lost_and_the_next_one_goes_on(tmp_path: Path) -> None:
    seen = _scene("killed", tmp_path)
    assert not seen["wrong"]
    # Before the rename everybody is there, after it one is not: both were seen, so steps on both sides were.
    assert seen["kills"] > 40 and seen["erased"] and seen["kept"]


def test_processes_that_race_to_bring_the_same_persons_agree_on_every_handle(tmp_path: Path) -> None:
    assert _scene("race", tmp_path) == {"ended": True, "agreed": True, "persons": 200, "handles": 200}


def test_erasing_while_others_write_leaves_one_whole_file(tmp_path: Path) -> None:
    assert _scene("erasing", tmp_path) == {"erased": True, "ended": True, "twice": 0, "files": ["keys"]}
