"""The counters, histograms and gauges of one registry, and how a batch and the state of things come into them.

Must not know frameworks, locks or threads: that is `desk.py`.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

from smcp_security.errors import PolicyError
from smcp_security.observers.labels import OTHER
from smcp_security.observers.tally import Batch
from smcp_security.version import VERSION

MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"
MOST_SERIES: Final = 5_000
"""Label sets of the verdicts: beyond, tools are `other`. 500 tools and a hundred codes would be 50,000."""


CHECK_BUCKETS: Final = (1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 1e-2, 0.1, 1.0)
REQUEST_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class State:
    """What the gauges show: of all frameworks of the process together."""

    away: bool
    healthy: bool
    waiting: int
    lags: Mapping[str, int]
    policies: Collection[tuple[str, str, str]]
    loaded: float


class _Bulk(Histogram):
    """A histogram that takes many observations at once: one by one they cost more than everything else together."""

    def add(self, observed: Sequence[float]) -> None:
        """Observe each of them."""
        counts = [0] * len(self._upper_bounds)
        for seconds in observed:
            counts[bisect_left(self._upper_bounds, seconds)] += 1
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)
        self._sum.inc(sum(observed))


class Instruments:
    """Raises `PolicyError` if the registry has other metrics of these names, or the workers' folder cannot be used."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.shared = _shared()
        self._policies: set[tuple[str, str, str]] = set()
        self._series: set[tuple[str, str, str]] = set()
        try:
            self._count(registry)
            self._gauge(registry)
        except ValueError:
            raise PolicyError(
                "metrics.prometheus: the registry has other metrics named smcp_* or mcp_*; name those differently"
            ) from None
        except OSError as error:
            raise PolicyError(
                f"metrics.prometheus: {MULTIPROCESS} names a folder that cannot be written"
                f" ({os.strerror(error.errno or 0)}); create it, and empty it before each start"
            ) from None

    def _count(self, registry: CollectorRegistry) -> None:
        self._decisions = Counter(
            "smcp_decisions", "Verdicts on messages of clients.", ("action", "code", "tool"), registry=registry
        )
        self._withheld = Counter(
            "smcp_withheld", "Answers of servers that were withheld.", ("code", "tool"), registry=registry
        )
        self._requests = Counter(
            "mcp_requests", "Requests by what became of them.", ("tool", "status"), registry=registry
        )
        self._lost = Counter("smcp_audit_lost", "Audit records that were not taken.", registry=registry)
        self._checks = _Bulk(
            "smcp_check_seconds",
            "Time in each rung, of one verdict in 16.",
            ("rung",),
            registry=registry,
            buckets=CHECK_BUCKETS,
        )
        self._judging = _Bulk(
            "smcp_decision_seconds", "Time in all rungs together.", registry=registry, buckets=CHECK_BUCKETS
        )
        self._durations = _Bulk(
            "mcp_request_duration_seconds",
            "From the verdict to the end of the answer.",
            ("tool",),
            registry=registry,
            buckets=REQUEST_BUCKETS,
        )

    def _gauge(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, mode: Any, labels: Iterable[str] = ()) -> Gauge:
            return Gauge(name, text, labels, registry=registry, multiprocess_mode=mode)

        self._up = gauge("smcp_store_up", "Whether the store answers: 0 if a worker finds it away.", "livemin")
        self._healthy = gauge("smcp_audit_healthy", "Whether audit records reach their file.", "livemin")
        self._queue = gauge("smcp_audit_queue", "Audit records that wait for the disk.", "livesum")
        self._lag = gauge("smcp_audit_ship_lag_bytes", "Audit not yet sent.", "livemax", ("destination",))
        self._policy = gauge("smcp_policy_info", "The policy in force.", "livemax", ("digest", "rules", "mode"))
        self._loaded = gauge("smcp_policy_loaded_timestamp_seconds", "When it was loaded, unix seconds.", "livemax")
        build = gauge("smcp_build_info", "The release.", "livemax", ("version",))
        self._build = build.labels(VERSION)
        self._build.set(1)

    def count(self, batch: Batch) -> None:
        """Add a batch."""
        for verdict, times in batch.verdicts.items():
            self._decisions.labels(*self._bounded(verdict)).inc(times)
        for request, times in batch.requests.items():
            self._requests.labels(*request).inc(times)
        for withheld, times in batch.withheld.items():
            self._withheld.labels(*withheld).inc(times)
        if batch.decisions:
            self._judging.add(batch.decisions)
        for rung, spans in batch.rungs.items():
            self._checks.labels(rung).add(spans)
        for (tool, _, _), spans in batch.durations.items():
            self._durations.labels(tool).add(spans)

    def lose(self, records: int) -> None:
        """So many more audit records were lost."""
        self._lost.inc(records)

    def show(self, state: State) -> None:
        """Put the gauges at what is so now."""
        self._up.set(not state.away)
        self._healthy.set(state.healthy)
        self._queue.set(state.waiting)
        self._build.set(1)
        for destination, lag in state.lags.items():
            self._lag.labels(destination).set(lag)
        for policy in state.policies:
            self._policy.labels(*policy).set(1)
        for policy in self._policies.difference(state.policies):
            # The files of several processes forget no series.
            if self.shared:
                self._policy.labels(*policy).set(0)
            else:
                self._policy.remove(*policy)
        self._policies = set(state.policies) | (self._policies if self.shared else set())
        self._loaded.set(state.loaded)

    def _bounded(self, verdict: tuple[str, str, str]) -> tuple[str, str, str]:
        if verdict not in self._series:
            if len(self._series) >= MOST_SERIES:
                return (*verdict[:2], OTHER if verdict[2] else "")
            self._series.add(verdict)
        return verdict


def _shared() -> bool:
    """Whether several processes count together. Raises `PolicyError` where that was asked for too late."""
    shared = bool(getattr(values.ValueClass, "_multiprocess", False))
    if not shared and MULTIPROCESS in os.environ:
        raise PolicyError(
            f"metrics.prometheus: {MULTIPROCESS} was set after prometheus_client was imported; set it before the start"
        )
    return shared
