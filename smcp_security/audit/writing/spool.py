"""The bounded queue between the callers and the disk, of one process (`sink.py` renews it after a fork).

Records wait here as bytes, encoded by the caller: that takes a microsecond, bounds the memory exactly, and shows a
record that cannot be encoded to whoever built it. Must not write: that is what `writer.py` is for.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from smcp_security.audit.entry import Entry
from smcp_security.audit.writing.health import Health, Loss
from smcp_security.audit.writing.journal import Journal
from smcp_security.audit.writing.writer import write_batches
from smcp_security.errors import AuditUnavailable

OnFailure = Literal["deny", "continue"]

LINGER: Final = 0.05
"""Seconds the writer waits for company before it takes a batch: each wake takes the interpreter from who serves."""

BATCH_LINES: Final = 1024
BATCH_BYTES: Final = 256 * 1024
"""Most records and bytes of one write."""

QUEUE_BYTES: Final = 64 * 1024 * 1024
"""Most bytes waiting, whatever the number of records: `arguments: full` allows long ones."""

IDLE_SECONDS: Final = 60.0
"""A writer that had nothing to do for so long ends: a sink that nobody closed keeps no thread and no open file."""

CLOSE_SECONDS: Final = 5.0
"""How long closing waits for a disk that does not answer, below the usual 10 s grace of a container's stop."""

_log: Final = logging.getLogger("smcp_security.sink")


@dataclass(frozen=True, slots=True)
class State:
    """How a sink is: records that wait and how many may, lost since the start, why the last write failed (empty if it
    did not), seconds since the oldest record was written that is not known to be on the disk (0.0 if all are)."""

    queued: int
    limit: int
    lost: int
    failing: str
    unsynced: float


class Spool:
    """Records on their way to a journal. Every method may be called from any thread; only `flush` and `close` wait."""

    def __init__(self, journal: Journal, *, limit: int, on_failure: OnFailure) -> None:
        self.journal = journal
        self.path = journal.path
        self.limit = limit
        self.on_failure: Final = on_failure
        self.passes_on = False
        self._linger = 0.0 if journal.upkeep.fsync == "always" else None
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._progress = threading.Condition(self._lock)
        self._health = Health(self.path)
        self._entries: deque[Entry] = deque()
        self._batch: list[Entry] = []
        self._bytes = self._accepted = self._written = self._goal = 0
        self._attempts = self._last_failed = 0
        self._running = self._idle = self._urgent = self._closing = self._ended = self._abandoned = False
        self._thread: threading.Thread | None = None
        self._at_exit = partial(_close_at_exit, weakref.ref(self))

    @property
    def healthy(self) -> bool:
        """True while records are taken and reach the file."""
        return self._health.good and not self._closing

    @property
    def waiting(self) -> int:
        """Records taken and not yet written."""
        return self._accepted - self._written

    @property
    def lost(self) -> int:
        """Records not taken since this process began."""
        return self._health.total

    def state(self) -> State:
        """How it is at this moment."""
        return State(self.waiting, self.limit, self.lost, self._health.reason, self.journal.unsynced())

    # -- for callers -------------------------------------------------------------------------------------------------

    def offer(self, entry: Entry) -> bool:
        """Take one record, or count it as lost; false if it is closed and another takes what comes.

        Raises `AuditUnavailable` for a lost one if the policy denies then.
        """
        with self._lock:
            if self._closing and self.passes_on:
                return False
            obstacle = self._obstacle()
            if not obstacle:
                self._entries.append(entry)
                self._accepted += 1
                self._bytes += len(entry)
                if self._idle:
                    self._idle = False
                    self._work.notify()
                return True
            message = self._health.lost(time.time(), obstacle)
        if message:
            _log.error(message)
        if self.on_failure == "deny":
            raise AuditUnavailable(
                f"audit file {self.path} takes no record: {obstacle}; see the log smcp_security.sink"
            )
        return True

    def flush(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds until all records taken so far are written; false if one is not.

        Starts an attempt at once, and returns as soon as that attempt fails.
        """
        with self._lock:
            goal, attempts = self._accepted, self._attempts
            self._goal = goal
            if self._written < goal and self._has_writer():
                self._hurry()
                self._progress.wait_for(lambda: self._written >= goal or self._last_failed > attempts, timeout)
            return self._written >= goal

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Take no more records, write those taken, end the stream and the writer; after `timeout` seconds the rest is
        given up."""
        with self._lock:
            self._closing = True
            self._hurry()
            alone = not self._complete() and not self._has_writer()
            if not alone:
                self._progress.wait_for(self._complete, timeout)
            left = 0 if self._abandoned else self._accepted - self._written
            self._abandoned = True
            self._hurry()
        atexit.unregister(self._at_exit)
        if left:
            _log.error("audit file %s: closed with %d records unwritten; they are lost", self.path, left)
        elif self._thread is not None:
            self._thread.join(timeout)
        if alone and not left:
            self._end_here()

    def renewed(self) -> Spool:
        """An empty spool like this one, for a child process: what waits here is the parent's to write.

        Takes no lock: a thread that exists no more may hold it.
        """
        spool = Spool(self.journal.renewed(), limit=self.limit, on_failure=self.on_failure)
        spool._closing, spool.passes_on = self._closing, self.passes_on
        return spool

    # -- for the writer ----------------------------------------------------------------------------------------------

    def next_batch(self, patience: float | None = None) -> Sequence[Entry] | None:
        """Wait for records, and a moment for company. None when the writer has to end: nothing came, or nothing will.

        Empty when there is a loss to report and nothing else, or when `patience` seconds have passed.
        """
        with self._lock:
            if not self._batch:
                self._await_entries(IDLE_SECONDS if patience is None else patience)
                self._take_batch()
            work = bool(self._batch or self.owes) or (patience is not None and not self._closing)
            # Whoever ends the stream runs still: nobody may start another writer, nor believe that it is over.
            ending = self._closing and not self._ended
            self._running = not self._abandoned and (work or ending)
            return self._batch if self._running and work else None

    @property
    def owes(self) -> bool:
        """Whether a loss has to be reported."""
        return self._health.unreported.count > 0

    def has_to_end(self) -> bool:
        """Whether the writer that got no batch has to end the stream: nothing comes after it."""
        with self._lock:
            return self._running

    def begin(self) -> Loss:
        """An attempt to write begins. The loss that it has to report first."""
        with self._lock:
            self._attempts += 1
            self._urgent = False
            return self._health.unreported

    def written(self, loss: Loss) -> None:
        """The attempt succeeded: the batch is on disk, and so is the record of `loss`."""
        with self._lock:
            self._written += len(self._batch)
            self._bytes -= sum(map(len, self._batch))
            self._batch = []
            relieved = self._accepted - self._written <= self.limit // 2
            message = self._health.written(loss, relieved=relieved)
            self._progress.notify_all()
        if message:
            _log.error(message)

    def failed(self, error: OSError, pause: float) -> bool:
        """The attempt failed: wait `pause` seconds, less if somebody flushes. False when the spool is given up."""
        with self._lock:
            self._last_failed = self._attempts
            message = self._health.failed(error)
            self._progress.notify_all()
        if message:
            _log.error(message)
        with self._lock:
            self._work.wait_for(lambda: self._urgent or self._abandoned, pause)
            return not self._abandoned

    def broke_off(self) -> None:
        """The calling writer ends by what no disk does: unhealthy until one has written what it left."""
        with self._lock:
            self._last_failed = self._attempts
            message = self._health.broke_off()
            self._progress.notify_all()
        if message:
            _log.error(message)

    def writer_ended(self) -> None:
        """The calling writer is gone; the next line starts another, which begins with what this one left."""
        with self._lock:
            if self._thread is threading.current_thread():
                self._running = self._idle = False
                self._ended = self._ended or (self._closing and self._settled())
                self._progress.notify_all()

    # -- with the lock held ------------------------------------------------------------------------------------------

    def _obstacle(self) -> str:
        if self._closing:
            return "the sink is closed"
        # First of all: without a writer a full queue would stay full, and a failure a failure.
        if not (self._running or self._has_writer()):
            return "no thread can be started"
        if self._accepted - self._written >= self.limit or self._bytes >= QUEUE_BYTES:
            return "the queue is full"
        if self._health.failing and self.on_failure == "deny":
            return "the last write failed"
        return ""

    def _has_writer(self) -> bool:
        if self._running:
            return True
        # The writer before may still be closing its file: the next one waits for that.
        before = self._thread
        thread = threading.Thread(target=write_batches, args=(self, before), name="smcp-audit", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # out of threads, or the interpreter is shutting down
            return False
        self._thread, self._running = thread, True
        atexit.unregister(self._at_exit)
        atexit.register(self._at_exit)
        return True

    def _hurry(self) -> None:
        self._urgent = True
        self._idle = False
        self._work.notify()

    def _await_entries(self, patience: float) -> None:
        self._work.wait_for(self._has_work, patience)
        self._idle = False
        if self._entries and not self._must_go():
            self._work.wait_for(self._must_go, LINGER if self._linger is None else self._linger)

    def _has_work(self) -> bool:
        self._idle = self._settled() and not self._closing
        return not self._idle

    def _must_go(self) -> bool:
        # A caller does not notify for this: a batch that fills meanwhile goes when the moment is over.
        awaited = self._closing or self._written < self._goal
        return awaited or len(self._entries) >= BATCH_LINES or self._bytes >= BATCH_BYTES

    def _settled(self) -> bool:
        return self._written >= self._accepted and not self._health.unreported.count

    def _complete(self) -> bool:
        """Everything that was taken is written, and so is the end of the stream."""
        return self._settled() and (self._ended or not self.journal.chain.begun)

    def _take_batch(self) -> None:
        size = 0
        while self._entries and len(self._batch) < BATCH_LINES and size < BATCH_BYTES:
            entry = self._entries.popleft()
            self._batch.append(entry)
            size += len(entry)

    # -- without the lock --------------------------------------------------------------------------------------------

    def _end_here(self) -> None:
        """Leaving the interpreter with nothing to write but the end: no thread can be started for it any more."""
        try:
            self.journal.finish()
        except OSError as error:
            self.failed(error, 0.0)
        self.journal.close()


def _close_at_exit(reference: weakref.ref[Spool]) -> None:
    spool = reference()
    # A forked child inherits this call; its copy of the parent's spool has no writer and is not its to close.
    if spool is not None and spool._pid == os.getpid():
        spool.close()
