"""Where audit records go: a logger, or a file that a thread writes, so that no caller waits for the disk."""

from __future__ import annotations

import logging
import os
import time
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from smcp_security.audit.callers.people import People, open_people, people_file
from smcp_security.audit.entry import entry_of
from smcp_security.audit.keys import AuditKeys
from smcp_security.audit.record import encode
from smcp_security.audit.segments import files_of
from smcp_security.audit.writing.chain import Chain
from smcp_security.audit.writing.journal import Journal
from smcp_security.audit.writing.spool import CLOSE_SECONDS, OnFailure, Spool, State
from smcp_security.audit.writing.upkeep import Upkeep
from smcp_security.errors import PolicyError

if TYPE_CHECKING:
    from smcp_security.audit.ship import Shipping
    from smcp_security.policy.audit import AuditPolicy

SHIP_SECONDS: Final = 2.0
"""How long closing waits for a last attempt to ship what was written."""

QUEUE: Final = 10_000
"""Records that may wait for the disk: 5 MB, or three seconds of 3,000 records a second."""


class Sink(Protocol):
    """Takes audit records. An edge or a user may bring one of their own."""

    @property
    def healthy(self) -> bool:
        """True while records are taken and, as far as the sink can know, kept."""
        ...

    @property
    def waits(self) -> bool:
        """Whether a verdict has to wait for `flush` before it takes effect."""
        ...

    @property
    def keys(self) -> AuditKeys | None:
        """The keys of the audit, where it has some."""
        ...

    @property
    def waiting(self) -> int:
        """Records taken and not yet written."""
        ...

    @property
    def lost(self) -> int:
        """Records not taken since this process began."""
        ...

    def lags(self) -> Mapping[str, int]:
        """Bytes that each destination of `audit.ship` lacks, by its name."""
        ...

    def wants(self, refused: bool) -> bool:
        """Whether a record of something refused, or of something that passed, goes anywhere: else none is made."""
        ...

    def write(self, record: Mapping[str, Any]) -> None:
        """Take one record without waiting for a disk or a network.

        Raises `AuditUnavailable` if it cannot be taken and the policy denies messages then.
        """
        ...

    def flush(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds until the records taken so far are kept; false if one is not."""
        ...

    def close(self) -> None:
        """Keep what was taken, within a few seconds, and take no more."""
        ...


class LoggerSink:
    """Each record is one message of the logger `smcp_security.audit`: refusals, and the store's comings and goings, at
    WARNING, the rest at INFO.

    Python prints warnings of unconfigured loggers to stderr, so refusals show without any set-up.
    """

    healthy: Final = True
    waits: Final = False
    keys: Final = None
    waiting: Final = 0
    lost: Final = 0

    def __init__(self) -> None:
        self._logger = logging.getLogger("smcp_security.audit")

    def wants(self, refused: bool) -> bool:
        """Whether the logger's level lets such a record through."""
        return self._logger.isEnabledFor(logging.WARNING if refused else logging.INFO)

    def write(self, record: Mapping[str, Any]) -> None:
        """Log one record; below the logger's level it costs one comparison."""
        level = logging.WARNING if _loud(record) else logging.INFO
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", encode(record)[:-1].decode("ascii"))

    def flush(self, timeout: float) -> bool:
        """Nothing waits here: logging writes at once."""
        return True

    def lags(self) -> Mapping[str, int]:
        """What a logger is told goes nowhere else."""
        return {}

    def close(self) -> None:
        """Nothing to let go: the logger and its handlers belong to the application."""


class FileSink:
    """Appends records to a chained file of JSON Lines, mode 0600, that several processes may share.

    `path` is taken relative to the current directory, now. At most `queue` records wait for the disk.
    `on_failure` says what happens when the queue is full or the file cannot be written: `deny` raises
    `AuditUnavailable` for every record until a write succeeds again; `continue` queues, then drops and counts.
    `upkeep` says how the file is kept; `people` and `keys` come from `open_people`: without them, from the file beside
    `path` whose name ends in .keys, made where there is no audit yet. Raises `PolicyError` if that cannot be used.
    Safe to share between threads, and across a fork: the child starts empty, with a writer and a stream of its own.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        queue: int = QUEUE,
        on_failure: OnFailure = "continue",
        upkeep: Upkeep | None = None,
        people: People | None = None,
        keys: AuditKeys | None = None,
        shipping: Shipping | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.path: Final = os.path.abspath(path)
        if people is None or keys is None:
            people, keys = open_people(
                people_file(self.path, None), None, "hmac", os.environ, create=not _has_records(self.path)
            )
        self.people: Final = people
        self.keys: Final = keys
        self.shipping: Final = shipping
        journal = Journal(self.path, Chain(people, keys), upkeep, wall=wall)
        self.waits: Final = journal.upkeep.fsync == "always"
        self._spool = Spool(journal, limit=queue, on_failure=on_failure)
        self._heir: Sink | None = None
        if shipping is not None:
            shipping.start()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=partial(_renew, weakref.ref(self)))

    @property
    def healthy(self) -> bool:
        """True while records are taken and reach the file."""
        return self._spool.healthy

    @property
    def waiting(self) -> int:
        """Records taken and not yet written."""
        return self._spool.waiting

    @property
    def lost(self) -> int:
        """Records not taken since this process began."""
        return self._spool.lost

    def state(self) -> State:
        """How it is at this moment, in numbers."""
        return self._spool.state()

    def wants(self, refused: bool) -> bool:
        """A file takes every record."""
        return True

    def write(self, record: Mapping[str, Any]) -> None:
        """Queue one record, as it is now. Raises `AuditUnavailable` as `on_failure` says; never waits for the disk."""
        if not self._spool.offer(entry_of(record)) and self._heir is not None:
            self._heir.write(record)
        elif self.shipping is not None:
            self.shipping.start()

    def flush(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds until all records taken so far are written; false if one is not.

        With `fsync: always` they are on the disk then.
        """
        heir = self._heir
        return self._spool.flush(timeout) and (heir is None or heir.flush(timeout))

    def lags(self) -> Mapping[str, int]:
        """Bytes that each destination of `audit.ship` lacks, by its name."""
        return {} if self.shipping is None else self.shipping.lags()

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Write what was taken, waiting at most `timeout` seconds; what is left then is lost, and logged as such."""
        self._spool.close(timeout)
        if self.shipping is not None:
            self.shipping.close(timeout=SHIP_SECONDS)

    def close_for(self, heir: Sink) -> None:
        """`close` at a reload: what messages that are still being judged write here goes to `heir`."""
        self._heir = heir
        self._spool.passes_on = True
        self.close()


def open_sink(audit: AuditPolicy, environ: Mapping[str, str] | None = None) -> Sink:
    """The sink that the policy's `audit` section asks for: its file, or the logger where it names none.

    Raises `PolicyError` if the file's directory does not exist, or the file is one itself, and if its keys cannot be
    used; `AuditDamaged` if they are damaged.
    """
    if audit.file is None:
        return LoggerSink()
    path = os.path.abspath(audit.file)
    if os.path.isdir(path):
        raise PolicyError(f"audit.file: {path} is a directory; name a file in it")
    if not os.path.isdir(os.path.dirname(path)):
        raise PolicyError(f"audit.file: the directory {os.path.dirname(path)} does not exist; create it")
    environ = os.environ if environ is None else environ
    callers = people_file(path, audit.callers)
    people, keys = open_people(callers, audit.key, audit.signature, environ, create=not _has_records(path))
    return FileSink(
        path,
        queue=audit.queue,
        on_failure=audit.on_failure,
        upkeep=_upkeep(audit),
        people=people,
        keys=keys,
        shipping=_shipping(audit, path, environ),
    )


def _upkeep(audit: AuditPolicy) -> Upkeep:
    return Upkeep(audit.fsync, audit.checkpoint, audit.rotate.size, audit.rotate.daily, audit.retention)


def _shipping(audit: AuditPolicy, path: str, environ: Mapping[str, str]) -> Shipping | None:
    if not audit.ship:
        return None
    from smcp_security.audit.ship import open_shipping

    return open_shipping(audit.ship, path, environ)


def _has_records(path: str) -> bool:
    """Whether there is an audit that its keys have to fit."""
    try:
        return any(os.path.isfile(file) and os.path.getsize(file) for file in files_of(path))
    except OSError as error:
        raise PolicyError(
            f"audit.file: {path} cannot be looked for ({error.strerror}); let this user read its directory"
        ) from None


def _loud(record: Mapping[str, Any]) -> bool:
    if record.get("kind") == "decision":
        return not record["allowed"]
    return record.get("result") == "withheld" or record.get("kind") == "store"


def _renew(reference: weakref.ref[FileSink]) -> None:
    sink = reference()
    if sink is not None:
        sink._spool = sink._spool.renewed()
