"""Whether the audit takes records now and would take the next one: asked of the sink, and of the disk that it is on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from smcp_security.audit.sink import FileSink
from smcp_security.errors import Unavailable
from smcp_security.health.asking import Ailing, Question

if TYPE_CHECKING:
    from smcp_security.audit.ship import ShipHealth, Shipping
    from smcp_security.audit.sink import Sink
    from smcp_security.policy import AuditPolicy

FLUSH: Final = 1.0
"""Seconds within which a disk that works has written what waits."""
FULL: Final = 0.8
"""Part of the queue. It empties within milliseconds: a disk that lets it come to this is about to cost records."""
LATE: Final = 10.0
"""Seconds that a record may be written and not yet synced; `fsync: interval` means one."""


def questions(sink: Sink, audit: AuditPolicy) -> Iterator[Question]:
    """What is asked of the sink of a policy: it denies where `on_failure` does, what is shipped never does."""
    yield Question("audit", partial(_audit, sink, audit), audit.on_failure == "deny")
    if isinstance(sink, FileSink) and sink.shipping is not None:
        yield Question("ship", partial(_shipped, sink.shipping))


def _audit(sink: Sink, audit: AuditPolicy) -> str:
    if isinstance(sink, FileSink):
        _check_place(sink.path)
        _check_callers(sink.people.path)
    # A disk that failed is tried again by this at once.
    flushed = sink.flush(FLUSH)
    if not sink.healthy:
        raise Unavailable(_failure(sink))
    if not flushed:
        raise Unavailable(f"{sink.waiting} records wait for the disk for over {FLUSH:g} s")
    if not isinstance(sink, FileSink):
        return "the logger" if audit.file is None else "records are taken"
    return _told(sink, audit)


def _failure(sink: Sink) -> str:
    if isinstance(sink, FileSink) and (reason := sink.state().failing):
        return f"{sink.path} cannot be written: {reason}"
    return f"no records are taken; {sink.waiting} wait, {sink.lost} are lost"


def _told(sink: FileSink, audit: AuditPolicy) -> str:
    state = sink.state()
    if state.queued > FULL * state.limit:
        raise Ailing(f"{state.queued} of {state.limit} records wait for the disk")
    if audit.fsync != "never" and state.unsynced > LATE:
        raise Ailing(f"records are not synced since {state.unsynced:.0f} s")
    return f"the file is written; {state.lost} records lost since the start" if state.lost else "the file is written"


def _check_place(path: str) -> None:
    """Raise where the next record could not be written, though none has failed yet."""
    folder = os.path.dirname(path)
    if not os.access(path if os.path.exists(path) else folder, os.W_OK):
        raise Unavailable(f"{path} may not be written by this process")
    if os.path.isfile(path):
        disk = os.statvfs(folder)
        # What is kept back for the superuser is there for the superuser.
        if (disk.f_bfree if os.geteuid() == 0 else disk.f_bavail) == 0:
            raise Unavailable(f"the disk of {path} is full")


def _check_callers(path: str) -> None:
    """Raise where the key of a caller who comes for the first time could not be kept."""
    if not os.access(path, os.R_OK | os.W_OK):
        raise Unavailable(f"{path}, the keys of callers, cannot be read and written: put it back")


def _shipped(shipping: Shipping) -> str:
    found = shipping.health()
    if troubled := [each for each in found if each.last_error]:
        raise Ailing("; ".join(map(_trouble, troubled)))
    return "; ".join(f"{each.name} is {each.lag_bytes} bytes behind" for each in found)


def _trouble(each: ShipHealth) -> str:
    return f"{each.name} is {each.lag_bytes} bytes behind: {each.last_error}"
