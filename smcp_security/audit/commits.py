"""Verdicts that wait until their records are on the disk, where `audit.fsync` is `always`."""

from __future__ import annotations

import asyncio
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from smcp_security.audit.sink import Sink

SECONDS: Final = 5.0
"""A disk that takes longer counts as one that fails; clients wait for 30 seconds and more."""

_THREADS: Final = 8
"""Event loops whose flushes may be under way at once."""

_BROKEN: Final = (OSError, RuntimeError)
"""What a disk raises, and a process that is shutting down and starts no thread any more."""


class _Rounds:
    """The flushes of a sink by one event loop: the one under way, and the one that covers who came after it began."""

    __slots__ = ("next", "running", "sink")

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.running: asyncio.Task[bool] | None = None
        self.next: asyncio.Task[bool] | None = None


class Commits:
    """One flush serves all that wait. Safe to share between threads: each event loop has its own."""

    def __init__(self) -> None:
        self._missed = 0
        self.reset()

    def reset(self) -> None:
        """Call in the child after a fork: the threads of the parent are not here."""
        self._rounds: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Rounds] = weakref.WeakKeyDictionary()
        # None of the loop's own: tools that keep those busy would deny every other call.
        self._threads = ThreadPoolExecutor(_THREADS, "smcp-commit")

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
        rounds = self._rounds.get(loop)
        if rounds is None or rounds.sink is not sink:
            # A flush of the sink before a reload keeps nothing of this one.
            rounds = self._rounds[loop] = _Rounds(sink)
        if rounds.next is None:
            rounds.next = loop.create_task(self._round(loop, rounds))
        try:
            # Others wait for the same flush: one of them that gives up must not end it.
            return await asyncio.wait_for(asyncio.shield(rounds.next), SECONDS)
        except TimeoutError:
            return False

    async def _round(self, loop: asyncio.AbstractEventLoop, rounds: _Rounds) -> bool:
        if rounds.running is not None:
            # What came in since it began is not covered by it.
            await asyncio.wait([rounds.running])
        rounds.running, rounds.next = rounds.next, None
        try:
            return await loop.run_in_executor(self._threads, self.kept, rounds.sink)
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
