"""Shipping: every line of the audit file, sent elsewhere as it is, in order and at least once.

The file is the spool: nothing here touches what callers wait for, and what cannot be sent yet stays on the disk.
"""

from __future__ import annotations

import atexit
import logging
import os
import stat
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from smcp_security.audit.ship.destination import Destination, destination_of
from smcp_security.audit.ship.health import ShipHealth
from smcp_security.audit.ship.pace import Pace
from smcp_security.audit.ship.shipper import Shipper
from smcp_security.errors import PolicyError
from smcp_security.policy.audit import ShipPolicy

__all__ = ["CLOSE_SECONDS", "Pace", "ShipHealth", "Shipping", "open_shipping"]

CLOSE_SECONDS: Final = 2.0
"""What the end of a process may wait for a destination; what is not sent by then is sent after the next start."""

_log: Final = logging.getLogger("smcp_security.sink")


class Shipping:
    """All destinations of one audit file. Every method may be called from any thread and returns soon."""

    def __init__(self, path: str, destinations: Sequence[tuple[Destination, int]], pace: Pace) -> None:
        self._path = path
        self._destinations = destinations
        self._pace = pace
        self._pid = os.getpid()
        self._started = self._closed = False
        self._shippers = self._made()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=partial(_renew, weakref.ref(self)))

    def start(self) -> None:
        """Begin, once; again in a forked child, which has no threads of its parent's."""
        if self._started or self._closed:
            return
        # For as long as it runs: who let it go without closing it has lines to be sent, too.
        atexit.unregister(self._at_exit)
        atexit.register(self._at_exit)
        # All of them, also where one has got no thread: the next call tries that one again.
        self._started = all([shipper.start() for shipper in self._shippers])

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Try once more to send what waits, for at most about `timeout` seconds, and end. What is left stays."""
        self._closed = True
        atexit.unregister(self._at_exit)
        ends = time.monotonic() + timeout
        for shipper in self._shippers:
            shipper.stop(ends)
        for shipper in self._shippers:
            shipper.join()

    def health(self) -> tuple[ShipHealth, ...]:
        """Each destination, in the order of the policy."""
        return tuple(shipper.health() for shipper in self._shippers)

    def lags(self) -> dict[str, int]:
        """The bytes that wait for each destination, by its name, such as `syslog-0`."""
        return {shipper.name: shipper.lag() for shipper in self._shippers}

    def _at_exit(self) -> None:
        # A forked child inherits this call; in one that never started there is nothing to end.
        if self._started and self._pid == os.getpid():
            self.close()

    def _made(self) -> tuple[Shipper, ...]:
        return tuple(
            Shipper(self._path, f"{self._path}.ship.{number}", destination, spool, self._pace)
            for number, (destination, spool) in enumerate(self._destinations)
        )

    def _renew(self) -> None:
        before, self._shippers = self._shippers, self._made()
        for shipper in before:
            shipper.abandon()
        self._pid, self._started = os.getpid(), False


def open_shipping(
    ship: Sequence[ShipPolicy], path: str, environ: Mapping[str, str], pace: Pace | None = None
) -> Shipping:
    """What ships the audit file at `path` to the destinations of the policy. It has to be started.

    Raises `PolicyError` for an entry that cannot be used, and for a `path` that is no regular file.
    """
    if sys.platform == "win32":
        raise PolicyError("audit.ship: does not work on Windows; let an agent follow the file, or remove it")
    path = os.path.abspath(path)
    if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
        raise PolicyError(f"audit.ship: {path} is no regular file, so there is nothing to read the lines from again")
    destinations = [(destination_of(entry, number, environ), entry.spool) for number, entry in enumerate(ship)]
    for destination, _ in destinations:
        if destination.warning:
            _log.warning(destination.warning)
    return Shipping(path, destinations, pace or Pace())


def _renew(reference: weakref.ref[Shipping]) -> None:
    shipping = reference()
    if shipping is not None:
        shipping._renew()
