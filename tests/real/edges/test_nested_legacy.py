"""On SDK 1.x, too, a verdict on a message is none on that of another server in the same process."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.real


def test_a_verdict_is_not_taken_for_a_message_of_another_server(legacy: Path) -> None:
    program = Path(__file__).with_name("nested_legacy.py")
    done = subprocess.run([legacy, program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["; ".join([*["refused"] * 6, "read /srv/books/a"])] * 3
