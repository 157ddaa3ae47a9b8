"""The thread that sends the audit's lines to one destination, in the one process that has the lock for it."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import deque
from typing import Final

import msgspec

from smcp_security.audit.ship.carrier import Carrier, Undelivered
from smcp_security.audit.ship.cursor import Cursor, Mark
from smcp_security.audit.ship.destination import Destination
from smcp_security.audit.ship.health import ShipHealth, Word
from smcp_security.audit.ship.pace import Pace
from smcp_security.audit.ship.pieces import behind, pieces
from smcp_security.audit.ship.position import Position
from smcp_security.audit.ship.trail import Stretch, Trail

_LATE: Final = 0.2
"""Seconds for a thread whose connection was cut to come to its end."""

_SKIP_BYTES: Final = 1024 * 1024
_DOUBTED: Final = 1000
_ROUNDS: Final = 10

_log: Final = logging.getLogger("smcp_security.sink")


class Shipper:
    """Sends the lines of the audit at `path` to one destination. At most `spool` bytes may wait in the file."""

    def __init__(self, path: str, cursor: str, destination: Destination, spool: int, pace: Pace) -> None:
        self._destination = destination
        self._spool = spool
        self._pace = pace
        self._cursor = Cursor(cursor, Mark(destination.identity))
        self._trail = Trail(path)
        self._carrier: Carrier = destination.open()
        self._word = Word(destination.name, destination.target)
        self._stop = threading.Event()
        self._ends = float("inf")
        self._problem = ""
        self._failures = self._rounds = 0
        self._failed_at = 0.0
        self._recent: deque[tuple[float, Position | None]] = deque(maxlen=_DOUBTED)
        self._thread: threading.Thread | None = None

    # -- for other threads -------------------------------------------------------------------------------------------

    def start(self) -> bool:
        """Begin to send, or to stand by; false if there is no thread to be had."""
        if self._thread is not None:
            return True
        thread = threading.Thread(target=self._run, name=f"smcp-ship-{self._destination.name}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # out of threads, or the interpreter is shutting down
            return False
        self._thread = thread
        return True

    def stop(self, ends: float) -> None:
        """Begin to end: one more attempt, which is over at `ends` (monotonic)."""
        self._ends = ends
        self._stop.set()

    def join(self) -> None:
        """Wait for the end; a thread that hangs is cut off from its connection, and given up."""
        if self._thread is None:
            return
        self._thread.join(max(self._ends - time.monotonic(), 0.0))
        if self._thread.is_alive():
            self._carrier.abort()
            self._thread.join(_LATE)

    def abandon(self) -> None:
        """In a forked child: let the files and connections go that are the parent's."""
        self._cursor.release()
        self._trail.close()
        self._carrier.abandon()

    def health(self) -> ShipHealth:
        """How far this destination is served, here or by the process that leads."""
        leading = self._cursor.leads
        mark = self._cursor.mark if leading else self._cursor.seen()
        return ShipHealth(
            name=self._destination.name,
            target=self._destination.target,
            leading=leading,
            lag_bytes=self.lag(mark),
            skipped=mark.skipped,
            last_error=self._problem or mark.problem,
            last_sent=mark.sent_at,
        )

    def lag(self, mark: Mark | None = None) -> int:
        """Bytes that wait in the files."""
        if mark is None:
            mark = self._cursor.mark if self._cursor.leads else self._cursor.seen()
        try:
            return behind(pieces(self._trail.path), mark.position)
        except OSError:
            return 0

    @property
    def name(self) -> str:
        """The destination's name."""
        return self._destination.name

    # -- the thread --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._stop.wait(self._step())
            self._last_attempt()
        finally:
            if not self._stop.is_set():
                self._problem = "is not served any more: the thread that sends has failed; start this process anew"
            self._carrier.close(min(self._ends, time.monotonic() + self._pace.attempt))
            self._trail.close()
            self._cursor.release()

    def _last_attempt(self) -> None:
        while time.monotonic() < self._ends and not self._step():
            pass

    def _step(self) -> float:
        """Send a batch if there is one; the seconds until the next step."""
        try:
            if not self._cursor.leads and not self._lead():
                return self._pace.stand_by
            self._bound()
            stretch = self._trail.read(self._carrier.most_lines, self._carrier.most_bytes)
            if stretch is None:
                self._tend()
                return self._pace.poll
            self._deliver(stretch)
        except Undelivered as problem:
            return self._failed(problem)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else type(error).__name__
            return self._failed(Undelivered(f"waits: the audit or its cursor cannot be read or written: {reason}"))
        return 0.0

    def _lead(self) -> bool:
        if not self._cursor.lead():
            if self._cursor.serves_another():
                raise Undelivered(
                    "waits: another process sends this audit to another place under the same number;"
                    " give both the same audit.ship"
                )
            self._problem = ""
            return False
        self._trail.move(self._cursor.mark.position)
        self._recent.clear()
        self._save()  # who stands by sees what this one serves
        return True

    def _deliver(self, stretch: Stretch) -> None:
        if not stretch.continues:
            _log.error(self._word.strayed())
        refused = self._carrier.send(stretch.lines, min(time.monotonic() + self._pace.attempt, self._ends))
        if self._carrier.doubt:
            self._recent.append((time.monotonic(), self._trail.position))
        self._trail.move(stretch.end)
        self._problem = ""
        self._calm()
        mark = self._cursor.mark
        self._save(position=stretch.end, sent_at=time.time(), problem="", skipped=mark.skipped + refused)
        if refused:
            _log.error(self._word.refused(refused))
        if self._word.failing:
            _log.error(self._word.recovered(self._trail.lag()))

    def _failed(self, problem: Undelivered) -> float:
        self._failures += 1
        self._failed_at = time.monotonic()
        self._problem = problem.reason
        if not problem.smaller and (message := self._word.failed(problem.reason)) is not None:
            _log.error(message)
        if self._cursor.leads:
            self._go_back()
            # Where the file system is what fails, it was named.
            with contextlib.suppress(OSError):
                self._save(position=self._trail.position, problem=problem.reason)
        return self._pace.pause(problem, self._failures)

    def _go_back(self) -> None:
        """Who broke off the connection may not have read what its system had acknowledged: send that again."""
        doubted = self._doubted()
        self._recent.clear()
        # Not for ever: one that hangs up after every message would get the same ones again and again.
        if doubted and self._rounds < _ROUNDS:
            self._rounds += 1
            self._trail.move(doubted[0])

    def _doubted(self) -> list[Position | None]:
        since = time.monotonic() - self._carrier.doubt
        return [position for sent, position in self._recent if sent >= since]

    def _tend(self) -> None:
        """Look after the connection while there is nothing to send; who closes an idle one has lost nothing."""
        try:
            self._carrier.check()
        except Undelivered:
            if self._doubted():
                raise
        self._calm()

    def _calm(self) -> None:
        """Forget past failures, once no connection has broken for as long as one leaves doubt."""
        if time.monotonic() - self._failed_at >= self._carrier.doubt:
            self._failures = self._rounds = 0

    def _bound(self) -> None:
        """Leave out the oldest lines while more wait than may."""
        skipped, lag = 0, self._trail.lag()
        if lag <= self._spool // 2:
            self._word.caught_up()
        while lag > self._spool and not self._stop.is_set():
            stretch = self._trail.read(_SKIP_BYTES, min(_SKIP_BYTES, lag - self._spool))
            if stretch is None:
                break
            skipped += len(stretch.lines)
            self._trail.move(stretch.end)
            lag = self._trail.lag()
        if skipped:
            self._recent.clear()
            self._save(position=self._trail.position, skipped=self._cursor.mark.skipped + skipped)
            if (message := self._word.skipped(self._spool)) is not None:
                _log.error(message)

    def _save(self, **changed: object) -> None:
        if not self._cursor.save(msgspec.structs.replace(self._cursor.mark, **changed)):
            _log.error(
                "audit.ship %s: the file of the cursor was removed or replaced; the lead is taken anew", self.name
            )
