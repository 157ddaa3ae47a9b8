"""Where the frameworks of a process have their verdicts counted: one desk a registry, however many come and go.

In one process counting is done when a batch is full and when somebody scrapes. Where several processes count together
nobody can ask the others, so a thread counts once a second. Safe across forks: what waits is the parent's to count.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.registry import Collector

from smcp_security.errors import PolicyError
from smcp_security.metrics.instruments import Instruments, State
from smcp_security.observers import Subject, overview
from smcp_security.observers.labels import ToolNames
from smcp_security.observers.tally import Tally

if TYPE_CHECKING:
    from prometheus_client import Metric

    from smcp_security.checks.rung import Context
    from smcp_security.decision import Decision

BEAT: Final = 1.0
"""Seconds between two counts where several processes count together: far below the interval of any scrape."""

_log: Final = logging.getLogger("smcp_security")
_DESKS: Final[weakref.WeakKeyDictionary[CollectorRegistry, Desk]] = weakref.WeakKeyDictionary()
_OPENING: Final = threading.Lock()


class Counting(Tally):
    """The observer of one framework under one policy, where one process counts for itself."""

    def __init__(self, desk: Desk, subject: Subject, names: ToolNames) -> None:
        super().__init__(names, self._count)
        self.subject = subject
        self.loaded = time.time()
        self._desk = desk

    def close(self) -> None:
        """Count what waits, and be forgotten. What is told later, of messages on their way, is counted at once."""
        self.batch = 1
        self._desk.detach(self)

    def _count(self) -> None:
        self._desk.count(self)


class SharedCounting(Counting):
    """Where several processes count together: the first verdict of each starts its beat."""

    def decided(self, decision: Decision, context: Context, edge: str) -> None:
        """Remember a verdict."""
        if not self._desk.beating:
            self._desk.beat()
        super().decided(decision, context, edge)


class Desk(Collector):
    """Counts for all frameworks of the process that use one registry. Asked before its instruments are."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.beating = False
        self._lock = threading.Lock()
        self._attached: weakref.WeakSet[Counting] = weakref.WeakSet()
        self._known: dict[str, str] = {}
        self._losses = overview.Losses()
        # First: what waits is counted before a scrape reads the instruments.
        registry.register(self)
        try:
            self._instruments = Instruments(registry)
        except PolicyError:
            registry.unregister(self)
            raise
        self.shared = self._instruments.shared

    def attach(self, subject: Subject) -> Counting:
        """An observer that counts here."""
        names = ToolNames(subject.declared, self._known)
        counting = (SharedCounting if self.shared else Counting)(self, subject, names)
        with self._lock:
            self._attached.add(counting)
            self._read()
        return counting

    def detach(self, counting: Counting) -> None:
        """It tells nothing more; what it told is counted."""
        with self._lock:
            self._instruments.count(counting.take())
            self._read()
            self._attached.discard(counting)
            self._read()

    def count(self, counting: Counting) -> None:
        """Count what waits with one of them, unless somebody counts: nobody who serves waits for that.

        But with one that is closed: nobody asks it any more.
        """
        if self._lock.acquire(blocking=counting.closed):
            try:
                self._instruments.count(counting.take())
            finally:
                self._lock.release()

    def refresh(self) -> None:
        """Count what waits, and look at store, audit and policy."""
        with self._lock:
            self._count()
            self._read()

    def describe(self) -> Iterable[Metric]:
        """It has no metrics of its own."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Called by a scrape before the instruments are asked."""
        self.refresh()
        return iter(())

    def beat(self) -> None:
        """From now on count once a second, in this process."""
        with self._lock:
            if self.beating:
                return
            self.beating = True
        atexit.register(_last_beat, weakref.ref(self), os.getpid())
        threading.Thread(target=_beat, args=(weakref.ref(self),), name="smcp-metrics", daemon=True).start()

    # -- around a fork -----------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Nobody counts while the process forks: a child would inherit locks that nobody gives back."""
        self._lock.acquire()

    def go_on(self) -> None:
        """The parent counts again."""
        self._lock.release()

    def begin_anew(self) -> None:
        """In the child."""
        self._lock = threading.Lock()
        self.beating = False
        for counting in self._attached:
            counting.forget()

    # -- with the lock held ------------------------------------------------------------------------------------------

    def _count(self) -> None:
        for counting in self._attached:
            self._instruments.count(counting.take())

    def _read(self) -> None:
        subjects = [each.subject for each in self._attached]
        self._instruments.lose(self._losses.since(overview.sinks_of(subjects)))
        self._instruments.show(
            State(
                overview.away(subjects),
                overview.healthy(subjects),
                overview.waiting(subjects),
                overview.lags(subjects),
                {(subject.digest, subject.rules, subject.mode) for subject in subjects},
                max((each.loaded for each in self._attached), default=0.0),
            )
        )


def desk_of(registry: CollectorRegistry | None = None) -> Desk:
    """The desk of a registry, by default the one that everything in the process uses. Raises `PolicyError`."""
    registry = REGISTRY if registry is None else registry
    with _OPENING:
        desk = _DESKS.get(registry)
        if desk is None:
            desk = _DESKS[registry] = Desk(registry)
        return desk


def refresh_all() -> None:
    """Count what waits at every desk of this process."""
    with _OPENING:
        desks = list(_DESKS.values())
    for desk in desks:
        desk.refresh()


def _beat(reference: weakref.ref[Desk]) -> None:
    pid = os.getpid()
    told = False
    while (desk := reference()) is not None and desk.beating and os.getpid() == pid:
        try:
            desk.refresh()
        except OSError as error:
            if not told:
                told = True
                _log.error("metrics: the folder of the workers cannot be written: %s", os.strerror(error.errno or 0))
        del desk
        time.sleep(BEAT)


def _last_beat(reference: weakref.ref[Desk], pid: int) -> None:
    """What was decided since the last beat counts too."""
    desk = reference()
    if desk is not None and os.getpid() == pid:
        desk.refresh()


def _before_fork() -> None:
    _OPENING.acquire()
    for desk in _DESKS.values():
        desk.hold()


def _in_parent() -> None:
    for desk in _DESKS.values():
        desk.go_on()
    _OPENING.release()


def _in_child() -> None:
    for desk in _DESKS.values():
        desk.begin_anew()
    _OPENING.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
