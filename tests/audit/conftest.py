"""What the tests of the sinks share: an ear for what the operator is told, and sinks that are closed at the end."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from smcp_security.audit import FileSink
from smcp_security.audit.keys import AuditKeys, keys_of
from smcp_security.audit.writing.upkeep import Upkeep

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


class Crypt:
    """Keys per person that are on no disk: what `People` does for a chain, and what a test can open again."""

    def __init__(self) -> None:
        self.sealed: dict[bytes, tuple[str, bytes]] = {}
        self.flushes = 0

    def seal(self, person: str, private: bytes, bound: bytes) -> tuple[str, bytes]:
        """A place holder of the right form, from which nothing can be read."""
        self.sealed[bound] = (person, private)
        return sha256(person.encode()).hexdigest()[:16], sha256(bound + private).digest()

    def flush(self) -> None:
        """Counted: every append has to do it."""
        self.flushes += 1

    def close(self) -> None:
        """Nothing is open."""


def people_and_keys(signature: str = "hmac") -> tuple[Crypt, AuditKeys]:
    """What a chain needs, always with the same keys, so that every process of a test has them."""
    return Crypt(), keys_of(b"a secret of a test, long enough for it", signature)


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
        people, keys = people_and_keys()
        # Without syncing by the clock, for which an idle writer waits.
        given = {"people": people, "keys": keys, "upkeep": Upkeep("never"), **settings}
        opened.append(FileSink(path, **given))
        return opened[-1]

    yield open_at
    for sink in opened:
        sink.close(0.0)
