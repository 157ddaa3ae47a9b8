"""When a visit ends early: by a signal, or because its time is up. Either cancels the visit once, and never while a
process is being started or ended: asyncio then waits for ever, or leaves the process behind."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from types import TracebackType
from typing import Final, Self

_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP")


class Ending:
    """For the length of a block. What takes `seconds` is between `begin` and `rest`; signals wait for `begin`.

    Raises `asyncio.CancelledError` at the end of the block for a signal, `TimeoutError` for the time.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._limit = asyncio.timeout(None)
        self._task: asyncio.Task[object] | None = None
        self._caught: list[int] = []
        self._cancels = False
        self._asked = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        for number in (getattr(signal, name, None) for name in _SIGNALS):
            # A shell in the background, or nohup, has had it ignored.
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._catch(number)
        await self._limit.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in self._caught:
            asyncio.get_running_loop().remove_signal_handler(number)
        await self._limit.__aexit__(kind, error, trace)
        if self._asked and error is None:
            raise asyncio.CancelledError

    def begin(self) -> None:
        """What is waited for has been started."""
        self._cancels = True
        if self._asked:
            self._cancel()
        else:
            self._limit.reschedule(asyncio.get_running_loop().time() + self._seconds)

    def rest(self) -> None:
        """It is being ended, which takes seconds at most."""
        self._cancels = False
        if not self._limit.expired():
            self._limit.reschedule(None)

    def _catch(self, number: int) -> None:
        # Windows has no such handlers, and only the main thread may have some.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            asyncio.get_running_loop().add_signal_handler(number, self._ask)
            self._caught.append(number)

    def _ask(self) -> None:
        self._asked = True
        if self._cancels:
            self._cancel()

    def _cancel(self) -> None:
        self._cancels = False
        if self._task is not None and not self._limit.expired():
            self._limit.reschedule(None)
            self._task.cancel()
