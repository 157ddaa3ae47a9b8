"""What a receiver of the tests has got, and how a test waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

WAIT = 20.0
"""Seconds after which a wait counts as a hang; nothing in a passing test comes near."""

_MOMENT = 0.01


class Inbox:
    """Lines in the order in which they came, for a thread that receives and one that waits."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.changed = threading.Condition()

    def put(self, lines: Sequence[bytes]) -> None:
        """Lines have come."""
        with self.changed:
            self.lines += lines
            self.changed.notify_all()

    def wait(self, what: Callable[[], object]) -> None:
        """Return once `what` is true; it is asked whenever something came, and every moment."""
        with self.changed:
            for _ in range(int(WAIT / _MOMENT)):
                if what():
                    return
                self.changed.wait(_MOMENT)
        raise AssertionError(f"{len(self.lines)} lines came, the last {self.lines[-1:]}")

    def wait_for(self, lines: Sequence[bytes]) -> None:
        """Return once the last of these lines came, and every one of them has."""
        self.wait(lambda: lines[-1] in self.lines)
        assert set(lines) <= set(self.lines)

    @property
    def firsts(self) -> list[bytes]:
        """Each line once, in the order in which they came first."""
        return list(dict.fromkeys(self.lines))
