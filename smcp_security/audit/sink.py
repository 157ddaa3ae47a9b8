"""Where audit records go: a logger, or a file that a thread writes, so that no caller waits for the disk."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Protocol

from smcp_security.audit.record import encode
from smcp_security.audit.spool import CLOSE_SECONDS, OnFailure, Spool
from smcp_security.errors import PolicyError

QUEUE: Final = 10_000
"""Records that may wait for the disk: 5 MB, or three seconds of 3,000 records a second."""


class Sink(Protocol):
    """Takes audit records. An edge or a user may bring one of their own."""

    @property
    def healthy(self) -> bool:
        """True while records are taken and, as far as the sink can know, kept."""
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


class AuditSettings(Protocol):
    """The part of the policy's `audit` section that chooses the sink."""

    @property
    def file(self) -> str | os.PathLike[str] | None: ...
    @property
    def on_failure(self) -> OnFailure: ...
    @property
    def queue(self) -> int: ...


class LoggerSink:
    """Each record is one message of the logger `smcp_security.audit`: refusals, and the store's comings and goings, at
    WARNING, the rest at INFO.

    Python prints warnings of unconfigured loggers to stderr, so refusals show without any set-up.
    """

    healthy: Final = True

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

    def close(self) -> None:
        """Nothing to let go: the logger and its handlers belong to the application."""


class FileSink:
    """Appends records to a file of JSON Lines, mode 0600, that several processes may share.

    `path` is taken relative to the current directory, now. At most `queue` records wait for the disk.
    `on_failure` says what happens when the queue is full or the file cannot be written: `deny` raises
    `AuditUnavailable` for every record until a write succeeds again; `continue` queues, then drops and counts.
    Safe to share between threads, and across a fork: the child starts empty, with a writer of its own.
    """

    def __init__(self, path: str | os.PathLike[str], *, queue: int = QUEUE, on_failure: OnFailure = "continue") -> None:
        self._spool = Spool(os.path.abspath(path), limit=queue, on_failure=on_failure)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=partial(_renew, weakref.ref(self)))

    @property
    def healthy(self) -> bool:
        """True while records are taken and reach the file."""
        return self._spool.healthy

    def wants(self, refused: bool) -> bool:
        """A file takes every record."""
        return True

    def write(self, record: Mapping[str, Any]) -> None:
        """Queue one record, as it is now. Raises `AuditUnavailable` as `on_failure` says; never waits for the disk."""
        self._spool.offer(encode(record))

    def flush(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds until all records taken so far are written; false if one is not."""
        return self._spool.flush(timeout)

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Write what was taken, waiting at most `timeout` seconds; what is left then is lost, and logged as such."""
        self._spool.close(timeout)


def open_sink(audit: AuditSettings) -> Sink:
    """The sink that the policy's `audit` section asks for: its file, or the logger where it names none.

    Raises `PolicyError` if the file's directory does not exist, or the file is one itself.
    """
    if audit.file is None:
        return LoggerSink()
    path = os.path.abspath(audit.file)
    if os.path.isdir(path):
        raise PolicyError(f"audit.file: {path} is a directory; name a file in it")
    if not os.path.isdir(os.path.dirname(path)):
        raise PolicyError(f"audit.file: the directory {os.path.dirname(path)} does not exist; create it")
    return FileSink(path, queue=audit.queue, on_failure=audit.on_failure)


def _loud(record: Mapping[str, Any]) -> bool:
    if record.get("kind") == "decision":
        return not record["allowed"]
    return record.get("result") == "withheld" or record.get("kind") == "store"


def _renew(reference: weakref.ref[FileSink]) -> None:
    sink = reference()
    if sink is not None:
        sink._spool = sink._spool.renewed()
