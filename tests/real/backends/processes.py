"""Runs a server in a process of its own for the length of a block, from the line that names its port to its end."""

from __future__ import annotations

import contextlib
import re
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.toolbox.shelf import ROOT

START_LIMIT = 60.0
"""Seconds that a server may take until it listens: it may import a whole SDK on a busy machine."""
STOP_LIMIT = 10.0
_LISTENING = re.compile(r"^listening (\d+)$")
_LAST_LINES = 20


class _Voice(threading.Thread):
    """Reads all that a process prints, so that it never blocks on a full pipe, and keeps its last lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__(daemon=True)
        self.port = 0
        self.settled = threading.Event()
        self.last: deque[str] = deque(maxlen=_LAST_LINES)
        self._process = process

    def run(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.last.append(line)
            if found := _LISTENING.match(line.strip()):
                self.port = int(found[1])
                self.settled.set()
        self.settled.set()


@contextlib.contextmanager
def listening(command: Sequence[str | Path], environment: Mapping[str, str]) -> Iterator[int]:
    """The port that the process has said it listens on (`listening 8000`). At the end of the block it is stopped."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    voice = _Voice(process)
    voice.start()
    try:
        voice.settled.wait(START_LIMIT)
        if not voice.port:
            raise AssertionError(f"{command[0]} did not begin to listen:\n{''.join(voice.last)}")
        yield voice.port
    finally:
        _stop(process)
        voice.join(STOP_LIMIT)
        assert process.stdout is not None
        process.stdout.close()


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_LIMIT)
