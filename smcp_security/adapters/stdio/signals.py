"""Signals as bytes of a pipe: none is lost between the server's start and the first look at them."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Any, Final

PASSED_ON: Final = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)


class Signals:
    """While it lasts, signals wait in `fd`. What this process was started to ignore (nohup) is ignored still."""

    def __init__(self) -> None:
        self.fd, self._write = os.pipe()
        self._before: dict[int, Any] = {}
        self._wakeup = -1

    def __enter__(self) -> Signals:
        for fd in (self.fd, self._write):
            os.set_blocking(fd, False)
        self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in (*PASSED_ON, signal.SIGCHLD):
            if number == signal.SIGCHLD or signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, _noted)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self.fd)
        os.close(self._write)

    def read(self) -> list[int]:
        """The signals to pass on that came since the last look."""
        try:
            return [number for number in os.read(self.fd, 4096) if number in PASSED_ON]
        except BlockingIOError:
            return []


def _noted(_number: int, _frame: FrameType | None) -> None:
    """The byte in the pipe is all that is wanted."""
