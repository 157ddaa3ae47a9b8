"""The metrics of OpenTelemetry: what Prometheus is told, named by the semantic conventions where they have a name.

Counters are read when somebody collects. Durations wait for that too: recording one costs as much as a verdict may.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Final, TypeAlias, TypeVar

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

from smcp_security.observers import Subject, overview
from smcp_security.observers.labels import OTHER, ToolNames
from smcp_security.observers.tally import Batch, Tally
from smcp_security.tracing.joining import SCOPE
from smcp_security.version import VERSION

K = TypeVar("K", bound=tuple[str, ...])

MOST_VALUES: Final = 20_000
"""Durations kept between two collections; beyond, the oldest are forgotten. Counters miss nothing."""

MOST_SERIES: Final = 2_000
"""Attribute sets of a metric: the SDK's own bound, past which it names no tool at all."""

MOST_ERRORS: Final = 50
"""A server chooses the codes of its errors."""

_CHECK_BOUNDS: Final = (1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 1e-2, 0.1, 1.0)
# Those of the semantic conventions.
_OPERATION_BOUNDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_TOOL: Final = "gen_ai.tool.name"

COUNTED: Final[Mapping[str, tuple[str, Sequence[str]]]] = {
    "smcp.decisions": ("Verdicts on messages of clients.", ("smcp.action", "smcp.code", _TOOL)),
    "smcp.requests": ("Requests by what became of them.", (_TOOL, "smcp.status")),
    "smcp.withheld": ("Answers of servers that were withheld.", ("smcp.code", _TOOL)),
    "smcp.audit.lost": ("Audit records that were not taken.", ()),
}
"""Counters: the text and the attributes of each."""

TIMED: Final[Mapping[str, tuple[str, Sequence[float]]]] = {
    "smcp.check.duration": ("Time in each rung, of one verdict in 16.", _CHECK_BOUNDS),
    "smcp.decision.duration": ("Time in all rungs together.", _CHECK_BOUNDS),
    "mcp.server.operation.duration": ("From the verdict to the end of the answer.", _OPERATION_BOUNDS),
}

Read: TypeAlias = Callable[[Sequence[Subject]], Mapping[str, int]]

SHOWN: Final[Mapping[str, tuple[str, Read]]] = {
    "smcp.store.up": ("Whether the store answers.", lambda subjects: {"": not overview.away(subjects)}),
    "smcp.audit.healthy": (
        "Whether audit records arrive.",
        lambda subjects: {"": overview.healthy(subjects)},
    ),
    "smcp.audit.queue": ("Audit records that wait for the disk.", lambda subjects: {"": overview.waiting(subjects)}),
    "smcp.audit.ship.lag": ("Bytes of the audit not yet sent.", overview.lags),
}
"""Gauges, by destination where there are several; "" for none."""


class Meters(Tally):
    """The observer of one framework under one policy."""

    def __init__(self, ledger: Ledger, subject: Subject, names: ToolNames) -> None:
        super().__init__(names, self._count)
        self.subject = subject
        self._ledger = ledger

    def close(self) -> None:
        """Count what waits, and be forgotten. What is told later, of messages on their way, is counted at once."""
        self.batch = 1
        self._ledger.detach(self)

    def _count(self) -> None:
        self._ledger.count(self)


class Ledger:
    """What the process has counted, whichever framework told it. `meter` is where it can be read."""

    def __init__(self, meter: Meter) -> None:
        self._lock = threading.Lock()
        self._attached: weakref.WeakSet[Meters] = weakref.WeakSet()
        self._known: dict[str, str] = {}
        self._errors: set[str] = set()
        self._counts: dict[str, dict[tuple[str, ...], int]] = {name: {} for name in COUNTED}
        self._losses = overview.Losses()
        self._values: deque[tuple[Histogram, float, dict[str, str]]] = deque(maxlen=MOST_VALUES)
        for name, (text, labels) in COUNTED.items():
            meter.create_observable_counter(name, [partial(self._counted, name, labels)], description=text)
        for name, (text, read) in SHOWN.items():
            meter.create_observable_gauge(name, [partial(self._shown, read)], description=text)
        self._checks, self._judging, self._operations = (
            meter.create_histogram(name, "s", text, explicit_bucket_boundaries_advisory=bounds)
            for name, (text, bounds) in TIMED.items()
        )

    def attach(self, subject: Subject) -> Meters:
        """An observer that counts here."""
        meters = Meters(self, subject, ToolNames(subject.declared, self._known))
        with self._lock:
            self._attached.add(meters)
        return meters

    def detach(self, meters: Meters) -> None:
        """It tells nothing more; what it told is counted."""
        with self._lock:
            self._count()
            self._attached.discard(meters)

    def count(self, meters: Meters) -> None:
        """Count what waits with one of them, unless somebody counts: nobody who serves waits for that.

        But with one that is closed: nobody asks it any more.
        """
        if self._lock.acquire(blocking=meters.closed):
            try:
                self._take(meters.take())
            finally:
                self._lock.release()

    # -- when somebody collects --------------------------------------------------------------------------------------

    def _counted(self, name: str, labels: Sequence[str], options: CallbackOptions) -> list[Observation]:
        with self._lock:
            self._count()
            waiting = [self._values.popleft() for _ in range(len(self._values))]
            counts = list(self._counts[name].items())
        for histogram, seconds, attributes in waiting:
            histogram.record(seconds, attributes)
        return [Observation(count, _labelled(labels, key)) for key, count in counts]

    def _shown(self, read: Read, options: CallbackOptions) -> list[Observation]:
        with self._lock:
            subjects = [each.subject for each in self._attached]
        return [
            Observation(int(value), {"smcp.destination": name} if name else {})
            for name, value in (read(subjects) if subjects else {}).items()
        ]

    # -- around a fork -----------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Nobody counts while the process forks: a child would inherit a lock that nobody gives back."""
        self._lock.acquire()

    def go_on(self) -> None:
        """The parent counts again."""
        self._lock.release()

    def begin_anew(self) -> None:
        """In the child: what was counted is the parent's to tell."""
        self._lock = threading.Lock()
        self._values.clear()
        for counts in self._counts.values():
            counts.clear()
        for meters in self._attached:
            meters.forget()

    # -- with the lock held ------------------------------------------------------------------------------------------

    def _count(self) -> None:
        for meters in self._attached:
            self._take(meters.take())
        lost = self._losses.since(overview.sinks_of(each.subject for each in self._attached))
        self._add("smcp.audit.lost", {(): lost})

    def _take(self, batch: Batch) -> None:
        self._add("smcp.decisions", batch.verdicts)
        self._add("smcp.requests", batch.requests)
        self._add("smcp.withheld", batch.withheld)
        self._values.extend((self._judging, seconds, {}) for seconds in batch.decisions)
        for rung, spans in batch.rungs.items():
            self._values.extend((self._checks, seconds, {"smcp.rung": rung}) for seconds in spans)
        for (tool, method, error), spans in batch.durations.items():
            attributes = _labelled(("mcp.method.name", _TOOL, "error.type"), (method, tool, self._class(error)))
            self._values.extend((self._operations, seconds, attributes) for seconds in spans)

    def _add(self, metric: str, counts: Mapping[K, int]) -> None:
        labels, into = COUNTED[metric][1], self._counts[metric]
        for key, count in counts.items():
            kept: tuple[str, ...] = key
            if kept not in into and len(into) >= MOST_SERIES:
                kept = tuple(OTHER if name == _TOOL and part else part for name, part in zip(labels, key, strict=True))
            into[kept] = into.get(kept, 0) + count

    def _class(self, error: str) -> str:
        if error and error not in self._errors:
            if len(self._errors) >= MOST_ERRORS:
                return OTHER
            self._errors.add(error)
        return error


def _labelled(labels: Sequence[str], key: Sequence[str]) -> dict[str, str]:
    """Without what is empty: an attribute that says nothing is none."""
    return {label: part for label, part in zip(labels, key, strict=True) if part}


@cache
def ledger() -> Ledger:
    """The one of this process."""
    made = Ledger(metrics.get_meter(SCOPE, VERSION))
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=made.hold, after_in_parent=made.go_on, after_in_child=made.begin_anew)
    return made
