"""What the tests of the sinks share: an ear for what the operator is told, and sinks that are closed at the end."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smcp_security.audit import FileSink

WAIT = 20.0
"""Seconds after which a wait counts as a hang; nothing in a passing test comes near."""


def open_copies(path: Path) -> int:
    """How many open files of this process are the one at `path`."""
    found, wanted = 0, path.stat()
    for number in map(int, os.listdir("/dev/fd")):
        try:
            found += os.path.samestat(os.fstat(number), wanted)
        except OSError:  # the listing's own descriptor, closed by now
            continue
    return found


class Alarms(logging.Handler):
    """The messages of `smcp_security.sink`, and a way to wait for one."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []
        self._heard = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        with self._heard:
            self.messages.append(record.getMessage())
            self._heard.notify_all()

    def wait(self, text: str) -> None:
        """Return once a message that holds `text` was logged."""
        with self._heard:
            assert self._heard.wait_for(lambda: self.told(text), WAIT), f"nobody said {text!r}: {self.messages}"

    def told(self, text: str) -> int:
        """How many messages hold `text`."""
        return sum(text in message for message in self.messages)


@pytest.fixture
def alarms() -> Iterator[Alarms]:
    handler = Alarms()
    logger = logging.getLogger("smcp_security.sink")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@pytest.fixture
def sink_at() -> Iterator[Callable[..., FileSink]]:
    """Opens file sinks; whatever a test leaves open or stuck is given up without a wait."""
    opened: list[FileSink] = []

    def open_at(path: Path, **settings: Any) -> FileSink:
        opened.append(FileSink(path, **settings))
        return opened[-1]

    yield open_at
    for sink in opened:
        sink.close(0.0)
