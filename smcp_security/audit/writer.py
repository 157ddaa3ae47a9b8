"""The loop of the writer thread: batches from the spool into the journal, again and again until they are on disk."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from smcp_security.audit.health import Loss
from smcp_security.audit.record import encode, lost_record

if TYPE_CHECKING:
    from smcp_security.audit.journal import Journal
    from smcp_security.audit.spool import Spool

RETRY_FIRST: Final = 0.05
RETRY_LAST: Final = 2.0
"""Seconds between attempts on a failing file, doubled from first to last, so that recovery is soon noticed."""


def write_batches(spool: Spool, journal: Journal) -> None:
    """Write what is offered to `spool` until it is closed and empty, or given up."""
    try:
        while (batch := spool.next_batch()) is not None:
            if not _write(spool, journal, batch):
                return
    finally:
        journal.close()
        spool.writer_ended()


def _write(spool: Spool, journal: Journal, batch: Iterable[bytes]) -> bool:
    """Try until the batch is written: true. False when the spool is given up before."""
    pause = RETRY_FIRST
    while True:
        loss = spool.begin()
        try:
            journal.append(_lines(loss, batch, spool.on_failure))
        except OSError as error:
            if not spool.failed(error, pause):
                return False
            pause = min(pause * 2, RETRY_LAST)
        else:
            spool.written(loss)
            return True


def _lines(loss: Loss, batch: Iterable[bytes], on_failure: str) -> bytes:
    """The one place where the order of the lines is final; a hash chain will be added to them here."""
    if not loss.count:
        return b"".join(batch)
    record = lost_record(at=time.time(), count=loss.count, first=loss.first, last=loss.last, on_failure=on_failure)
    return encode(record) + b"".join(batch)
