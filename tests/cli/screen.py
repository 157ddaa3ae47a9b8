"""`smcp` in a process of its own at a terminal, and somebody who types when asked."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
from types import TracebackType
from typing import Final, Self

PATIENCE: Final = 60.0
SILENCE: Final = 3.0


class Screen:
    """A terminal that runs one command. `stdout`: where that goes, if not to the terminal too."""

    def __init__(self, *arguments: str, stdout: int | None = None) -> None:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "smcp_security.cli", *arguments],
            stdin=theirs, stdout=theirs if stdout is None else stdout, stderr=theirs, start_new_session=True,
            preexec_fn=_own_terminal,
        )  # fmt: skip
        os.close(theirs)
        self.text = ""
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def answer(self, question: str, *keys: str) -> None:
        """Wait for a question, after what was answered before, and type. Each of `keys` is sent by itself."""
        while question not in self.text[self._read :]:
            assert self._grow(), f"no {question!r} in {self.text!r}"
        self._read = self.text.index(question, self._read) + len(question)
        for key in keys:
            os.write(self._ours, key.encode())

    def interrupt(self, question: str, *keys: str) -> int:
        """Wait for a question, type `keys` and Ctrl-C, and give the exit code."""
        self.answer(question, *keys)
        while True:
            # One that comes between the question and the wait for an answer takes effect with the next one.
            os.write(self._ours, b"\x03")
            while self._readable(SILENCE):
                if not self._grow():
                    return self._process.wait(PATIENCE)

    def end(self) -> int:
        """The exit code, once all that it says is in `text`."""
        while self._grow():
            pass
        return self._process.wait(PATIENCE)

    def _grow(self) -> bool:
        assert self._readable(PATIENCE), f"silent after {self.text!r}"
        try:
            given = os.read(self._ours, 65536)
        except OSError:
            # Linux says so of a terminal whose other end is closed.
            return False
        self.text += given.decode("utf-8", "replace")
        return bool(given)

    def _readable(self, seconds: float) -> bool:
        return bool(select.select([self._ours], [], [], seconds)[0])


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
