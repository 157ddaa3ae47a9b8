"""Verdicts that wait until their records are on the disk, where `audit.fsync` is `always`."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from smcp_security.audit.sink import Sink

SECONDS: Final = 5.0
"""A disk that takes longer counts as one that fails; clients wait for 30 seconds and more."""

_BROKEN: Final = (OSError, RuntimeError)
"""What a disk raises, and a process that is shutting down and starts no thread any more."""


class _Rounds:
    """The flushes of one event loop: the one under way, and the one that covers whoever came after it began."""

    __slots__ = ("next", "running")

    def __init__(self) -> None:
        self.running: asyncio.Task[bool] | None = None
        self.next: asyncio.Task[bool] | None = None


class Commits:
    """One flush serves all that wait. Safe to share between threads: each event loop has its own."""

    def __init__(self) -> None:
        self._rounds: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Rounds] = weakref.WeakKeyDictionary()
        self._missed = 0

    def missed(self) -> bool:
        """A record was not kept in time; whether to say so: of the first, and then of ever fewer."""
        self._missed += 1
        return self._missed & (self._missed - 1) == 0

    def kept(self, sink: Sink) -> bool:
        """Whether all that the sink has taken is kept within `SECONDS`. Waits."""
        try:
            return sink.flush(SECONDS)
        except _BROKEN:
            return False

    async def kept_async(self, sink: Sink) -> bool:
        """`kept` without holding up the event loop. Of an event loop that is not asyncio's it waits as `kept` does."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self.kept(sink)
        rounds = self._rounds.setdefault(loop, _Rounds())
        if rounds.next is None:
            rounds.next = loop.create_task(self._round(loop, rounds, sink))
        try:
            # Others wait for the same flush: one of them that gives up must not end it.
            return await asyncio.wait_for(asyncio.shield(rounds.next), SECONDS)
        except TimeoutError:
            return False

    async def _round(self, loop: asyncio.AbstractEventLoop, rounds: _Rounds, sink: Sink) -> bool:
        if rounds.running is not None:
            # What came in since it began is not covered by it.
            await asyncio.wait([rounds.running])
        rounds.running, rounds.next = rounds.next, None
        try:
            return await loop.run_in_executor(None, self.kept, sink)
        except _BROKEN:
            return False
        finally:
            rounds.running = None


def within_event_loop() -> bool:
    """Whether whoever waits here would hold up an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
