"""Asks what may never answer: each question on a thread of its own, one at a time, with an end to the waiting.

A look that hangs cannot be stopped. So nobody begins it again while it hangs, whoever asks next waits no longer than is
left of the deadline, and what was found counts for a second: a flood of probes costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from threading import Lock, Thread
from typing import ClassVar, Final

from smcp_security.errors import SMCPError
from smcp_security.health.report import Answer

REMEMBERED: Final = 1.0
"""Seconds in which what was found is not asked for again."""
LINE_MAX: Final = 300


class Ailing(SMCPError):
    """What was asked works yet, and not as it should."""

    code: ClassVar[str] = "ailing"


@dataclass(frozen=True, slots=True)
class Question:
    """About one `part`, `vital` to it or not. `ask` gives a line, or raises an error that says what does not work."""

    part: str
    ask: Callable[[], str]
    vital: bool = False


class _Look:
    """One question on its way."""

    __slots__ = ("_ask", "_clock", "begun", "ended", "found")

    def __init__(self, ask: Callable[[], str], clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self.begun = clock()
        self.ended = float("inf")
        self.found: Future[Answer] = Future()
        # Nobody who waits for it can cancel it: others wait for it too.
        self.found.set_running_or_notify_cancel()

    def start(self) -> None:
        try:
            Thread(target=self._run, name="smcp-health", daemon=True).start()
        except RuntimeError:
            self._end(False, "no thread can be started")

    def left(self, deadline: float) -> float:
        """Seconds that somebody may still wait for it."""
        return max(0.0, self.begun + deadline - self._clock())

    def answer(self, deadline: float, *, wait: bool) -> Answer:
        try:
            return self.found.result(self.left(deadline) if wait else 0.0)
        except NotInTime:
            return Answer(False, f"no answer within {deadline:g} s", self._clock() - self.begun)

    def _run(self) -> None:
        ok, works, line = False, False, "it cannot be asked"
        try:
            line = self._ask()
            ok = True
        except SMCPError as error:
            works, line = isinstance(error, Ailing), str(error)
        except OSError as error:
            line = error.strerror or type(error).__name__
        finally:
            self._end(ok, line, works=works)

    def _end(self, ok: bool, line: str, *, works: bool = False) -> None:
        self.ended = self._clock()
        self.found.set_result(Answer(ok, " ".join(line.split())[:LINE_MAX], self.ended - self.begun, works))


class Asker:
    """Asks the questions of one guard. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._about: object = None
        self.reset()

    def reset(self) -> None:
        """Call in the child after a fork: what the parent asks will never answer here."""
        self._lock = Lock()
        self._looks: dict[int, _Look] = {}

    def ask(self, about: object, questions: Sequence[Question], deadline: float) -> list[Answer]:
        """The answers, in order. `about` is what the questions are about: those of another one are not the same."""
        looks = self._begin(about, questions)
        return [look.answer(deadline, wait=True) for look in looks]

    async def ask_async(self, about: object, questions: Sequence[Question], deadline: float) -> list[Answer]:
        """`ask` that lets the event loop go on."""
        import asyncio

        looks = self._begin(about, questions)
        awaited = [asyncio.wrap_future(look.found) for look in looks if not look.found.done() and look.left(deadline)]
        if awaited:
            try:
                await asyncio.wait(awaited, timeout=max(look.left(deadline) for look in looks))
            finally:
                # The loop may be gone when they come.
                for each in awaited:
                    each.cancel()
        return [look.answer(deadline, wait=False) for look in looks]

    def _begin(self, about: object, questions: Sequence[Question]) -> list[_Look]:
        with self._lock:
            if self._about is not about:
                self._about, self._looks = about, {}
            return [self._look(place, question) for place, question in enumerate(questions)]

    def _look(self, place: int, question: Question) -> _Look:
        look = self._looks.get(place)
        if look is None or self._clock() - look.ended >= REMEMBERED:
            look = self._looks[place] = _Look(question.ask, self._clock)
            look.start()
        return look
