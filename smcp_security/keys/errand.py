"""One piece of slow work on a thread of its own, and how any number of callers wait for it, with an end.

A thread for each errand, not a pool: errands are rare, one that hangs in a name look-up must hold up no other, and
after a fork there is no pool whose threads are gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from typing import Final, Generic, TypeVar

from smcp_security.errors import Unavailable

T = TypeVar("T")

GRACE: Final = 1.0
"""Seconds past the work's own deadline, for what cannot be interrupted (a name look-up)."""


class Errand(Generic[T]):
    """Work that has begun. Whoever waits for it waits no longer than `timeout` and a moment after its start."""

    def __init__(self, work: Callable[[], T], timeout: float) -> None:
        thread = ThreadPoolExecutor(1, "smcp-keys")
        self._future = thread.submit(work)
        self._ends = time.monotonic() + timeout + GRACE
        thread.shutdown(wait=False)

    @property
    def done(self) -> bool:
        """Whether waiting for it takes no time."""
        return self._future.done()

    @property
    def overdue(self) -> bool:
        """Whether it should have been over: nobody waits for it any more."""
        return not self._future.done() and self._left() == 0.0

    def wait(self) -> T:
        """What the work returns or raises; `Unavailable` if it takes too long."""
        try:
            return self._future.result(self._left())
        except NotInTime:
            if self._future.done():
                raise
            raise Unavailable("no answer in time") from None

    async def wait_async(self) -> T:
        """`wait` that lets the event loop go on."""
        import asyncio

        if not self._future.done():
            # Unlike wait_for, this leaves the work alone when one of those who wait for it is cancelled.
            await asyncio.wait([asyncio.wrap_future(self._future)], timeout=self._left())
        if not self._future.done():
            raise Unavailable("no answer in time")
        return self._future.result()

    def _left(self) -> float:
        return max(0.0, self._ends - time.monotonic())
