"""The loop of the writer thread: batches from the spool into the journal, again and again until they are on disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from smcp_security.audit.entry import Entry, entry_of
from smcp_security.audit.record import lost_record
from smcp_security.audit.writing.health import NOTHING, Loss

if TYPE_CHECKING:
    from smcp_security.audit.writing.spool import Spool

RETRY_FIRST: Final = 0.05
RETRY_LAST: Final = 2.0
"""Seconds between attempts on a failing file, doubled from first to last, so that recovery is soon noticed."""


def write_batches(spool: Spool, before: threading.Thread | None = None) -> None:
    """Write what is offered to `spool` until it is closed and empty, or given up. `before` wrote until now."""
    if before is not None:
        before.join()
    journal, done = spool.journal, False
    try:
        while (batch := spool.next_batch(journal.patience())) is not None:
            if (batch or spool.owes) and not _write(spool, batch):
                break
            if journal.patience() == 0.0 and not _sync(spool):
                break
        else:
            if spool.has_to_end():
                _end(spool)
        done = True
    finally:
        if not done:
            # A fault of ours: no operator should hear of it by a gap in the file alone.
            spool.broke_off()
        journal.close()
        spool.writer_ended()


def _write(spool: Spool, batch: Sequence[Entry]) -> bool:
    def attempt() -> Loss:
        loss = spool.begin()
        spool.journal.append((*_said(loss, spool.on_failure), *batch))
        return loss

    return _insist(spool, attempt)


def _sync(spool: Spool) -> bool:
    def attempt() -> Loss:
        spool.begin()
        spool.journal.sync()
        return NOTHING

    return _insist(spool, attempt)


def _insist(spool: Spool, attempt: Callable[[], Loss]) -> bool:
    """Try until it is done: true. False when the spool is given up before."""
    pause = RETRY_FIRST
    while True:
        try:
            loss = attempt()
        except OSError as error:
            if not spool.failed(error, pause):
                return False
            pause = min(pause * 2, RETRY_LAST)
        else:
            spool.written(loss)
            return True


def _end(spool: Spool) -> None:
    """One attempt: whoever closes a sink does not wait for a disk any longer than for the records."""
    try:
        spool.journal.finish()
    except OSError as error:
        spool.failed(error, 0.0)


def _said(loss: Loss, on_failure: str) -> tuple[Entry, ...]:
    if not loss.count:
        return ()
    at = time.time()
    return (entry_of(lost_record(at=at, count=loss.count, first=loss.first, last=loss.last, on_failure=on_failure)),)
