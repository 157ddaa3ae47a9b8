"""Writers in processes of their own: killed at each step and at any time, two at once, and without room to write."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.vault.chest import VALUE

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[str]:
    """One that other users may enter: a test gives its rights away."""
    path = tempfile.mkdtemp()
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path)


def _play(scene: str, folder: str, before: Sequence[str] = ()) -> dict[str, Any]:
    command = [*before, sys.executable, "-m", "tests.vault.writers", scene, folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_a_writer_killed_at_any_step_of_any_change_leaves_a_vault_that_verifies(folder: str) -> None:
    seen = _play("steps", folder)
    assert seen["faults"] == []
    assert seen["kills"] >= 100
    assert {"open", "fchmod", "fsync", "replace", "unlink", "close"} <= set(seen["steps"])
    assert seen["least"] == 2, "all three phases of the exchange came to their end"


def test_a_writer_killed_a_hundred_times_loses_nothing_that_it_acknowledged(folder: str) -> None:
    seen = _play("kills", folder)
    assert seen["faults"] == []
    assert seen["kills"] == 100 and seen["versions"] > 0
    assert seen["drafts"] == 0


def test_two_processes_that_write_two_hundred_times_lose_nothing(folder: str) -> None:
    seen = _play("pair", folder)
    assert (seen["generation"], seen["versions"], seen["names"], seen["both"]) == (201, 200, 101, 100)
    assert seen["drafts"] == 0


def test_a_process_that_may_write_no_more_keeps_what_it_has(folder: str) -> None:
    _check_filled(_play("limited", folder), "File too large")


def test_a_full_disk_keeps_what_it_has(tmp_path: Path) -> None:
    _check_filled(_play("full", str(tmp_path), _with_a_disk_of("size=256k", tmp_path)), "No space left on device")


def _check_filled(seen: dict[str, Any], reason: str) -> None:
    assert seen["done"] > 0
    assert seen["found"] == seen["done"]
    assert f"cannot be written ({reason}); make room on its disk; what was there is still there" in seen["fault"]
    assert seen["drafts"] == 0
    assert seen["after"] == seen["done"] + 1


def test_a_folder_that_may_not_be_written_is_still_read(folder: str) -> None:
    seen = _play("shut", folder)
    os.chmod(folder, 0o755)
    assert "cannot be written (Permission denied); run this as the owner of the file and of its folder" in seen["fault"]
    assert (seen["value"], seen["generation"]) == (VALUE.decode(), 2)


def _with_a_disk_of(options: str, folder: Path) -> list[str]:
    """A command under which `folder` is a small disk of its own."""
    mount = f'mount -t tmpfs -o {options},mode=755 tmpfs "$0" && exec "$@"'
    command = ["unshare", "-Urm", "sh", "-c", mount, str(folder)]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("missing: user namespaces, to mount a small disk (`unshare -Urm`)")
    return command
