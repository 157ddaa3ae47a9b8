"""A sink whose disk does what a test says."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from smcp_security.errors import AuditUnavailable


class Disk:
    """A sink of `fsync: always` in memory. `answers`: whether a flush succeeds; None: it hangs until `go` is set.

    `full`: no record is taken. `breaks`: what a flush raises.
    """

    waits: Final = True
    keys: Final = None
    waiting: Final = 0
    lost: Final = 0

    def __init__(self, answers: bool | None = True) -> None:
        self.answers = answers
        self.healthy = True
        self.full = False
        self.breaks: Exception | None = None
        self.records: list[dict[str, Any]] = []
        # How many records were there when each flush began.
        self.flushed: list[int] = []
        self.threads: list[threading.Thread] = []
        self.begun = threading.Event()
        self.go = threading.Event()

    def wants(self, refused: bool) -> bool:
        return True

    def write(self, record: Mapping[str, Any]) -> None:
        if self.full:
            raise AuditUnavailable("the disk is full")
        self.records.append(dict(record))

    def flush(self, timeout: float) -> bool:
        self.flushed.append(len(self.records))
        self.threads.append(threading.current_thread())
        self.begun.set()
        if self.breaks is not None:
            raise self.breaks
        if self.answers is None:
            return self.go.wait(timeout)
        return self.answers

    def lags(self) -> Mapping[str, int]:
        return {}

    def close(self) -> None:
        """Nothing to let go."""
