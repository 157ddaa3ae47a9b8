"""Detectors of the operator's own: any code that looks at the texts of a message and says what it found, within a time.

A detector that fails, answers nonsense or is late counts as failed; what becomes of the message then, the policy says.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from inspect import iscoroutinefunction
from threading import BoundedSemaphore
from typing import Any, Final, Protocol, TypeAlias

from smcp_security.checks.rung import Detect, Detected
from smcp_security.errors import Unavailable

_log: Final = logging.getLogger("smcp_security")

_THREADS: Final = 4
_WAITING: Final = 64
"""Messages that may wait for a thread; a detector that hangs must not pile up more."""

Results: TypeAlias = Iterable[Detected]


class Detector(Protocol):
    """What the operator writes. `detect` may be a plain method, run in a thread, or a coroutine.

    `name` is for the log. `texts` are the texts that the caller controls, keys included; `tool` is the tool called, or
    empty. The answer names the texts by index. It is given no caller and no secret, and sees nothing of the response.
    """

    name: str

    def detect(self, texts: Sequence[str], tool: str) -> Results | Awaitable[Results]:
        """What is found; nothing for a clean message."""
        ...


class Detectors:
    """Runs the detectors of a framework. Raises `Unavailable` for one that does not answer as it should."""

    def __init__(self, detectors: Sequence[Detector], seconds: float) -> None:
        self._detectors = tuple(detectors)
        self._seconds = seconds
        self.reset()

    def __len__(self) -> int:
        return len(self._detectors)

    def reset(self) -> None:
        """Call in the child after a fork, which has none of the threads."""
        self._places = BoundedSemaphore(_WAITING)
        self._pool = ThreadPoolExecutor(_THREADS, "smcp-detector") if self._detectors else None

    def adopt(self, before: Detectors) -> None:
        """Go on with the threads of the policy before: messages that are being judged still ask it."""
        self._places = before._places
        self._pool = before._pool

    def close(self) -> None:
        """Wait for nothing; a detector that hangs keeps its thread until it ends."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def answer(self, question: Detect) -> tuple[Detected, ...]:
        """Run one, blocking for at most the time that it has."""
        detector = self._detectors[question.place]
        future = self._submitted(detector, question)
        try:
            return _checked(future.result(self._seconds), question)
        except Late:
            raise _late(detector) from None
        except Exception as error:
            raise _failed(detector, error) from None
        finally:
            future.cancel()

    async def answer_async(self, question: Detect) -> tuple[Detected, ...]:
        """Run one, leaving the event loop free."""
        detector = self._detectors[question.place]
        try:
            return _checked(await asyncio.wait_for(self._running(detector, question), self._seconds), question)
        except TimeoutError:
            raise _late(detector) from None
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Not this task was cancelled, but something that the detector waits for.
            raise _failed(detector, error) from None
        except Exception as error:
            raise _failed(detector, error) from None

    def _running(self, detector: Detector, question: Detect) -> Awaitable[Any]:
        if iscoroutinefunction(detector.detect):
            return _guarded(detector.detect(question.texts, question.tool))
        return asyncio.wrap_future(self._submitted(detector, question))

    def _submitted(self, detector: Detector, question: Detect) -> Future[Any]:
        if self._pool is None or not self._places.acquire(blocking=False):
            raise _late(detector)
        places = self._places
        future = self._pool.submit(_run, detector, question)
        future.add_done_callback(lambda _: places.release())
        return future


def _run(detector: Detector, question: Detect) -> Any:
    try:
        found = detector.detect(question.texts, question.tool)
        return asyncio.run(_awaited(found)) if isinstance(found, Awaitable) else found
    except (SystemExit, asyncio.CancelledError) as error:
        # They would end whoever waits for the answer.
        raise RuntimeError(type(error).__name__) from None


async def _guarded(found: Awaitable[Any]) -> Any:
    try:
        return await found
    except SystemExit as error:
        raise RuntimeError(type(error).__name__) from None


async def _awaited(found: Awaitable[Any]) -> Any:
    return await found


def _checked(found: Any, question: Detect) -> tuple[Detected, ...]:
    results = tuple(found)
    for item in results:
        if type(item) is not Detected or type(item.leaf) is not int or not 0 <= item.leaf < len(question.texts):
            raise TypeError("a detector must answer with Detected(leaf, ...), leaf an index into the texts")
    return results


def _late(detector: Detector) -> Unavailable:
    _log.error("the detector %s took longer than injection.detectors.budget", detector.name)
    return Unavailable("a detector took too long")


def _failed(detector: Detector, error: BaseException) -> Unavailable:
    if isinstance(error, Unavailable):
        return error
    # The text of an exception may hold what the detector looked at.
    _log.error("the detector %s failed: %s", detector.name, type(error).__name__)
    return Unavailable("a detector failed")
