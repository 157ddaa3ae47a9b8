"""What being watched costs a decision: Prometheus in one process and among several, OpenTelemetry with and without SDK.

    python benchmarks/metrics.py [--short] [--json]

One decision is a verdict on a call and the end of its answer. Batches are counted by the caller that fills one, so the
mean is higher than the median; both are shown. Ends by itself. Exit code 1 if a count comes out wrong: its numbers
would mean nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this folder: its http.py would stand in for the standard library's.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry, values

from benchmarks.machine import tell
from benchmarks.samples import Samples, markdown
from smcp_security.checks.rung import Context
from smcp_security.decision import Decision, Timings
from smcp_security.message import Message, parse, typed
from smcp_security.metrics import exposition, observers_of
from smcp_security.metrics.instruments import MULTIPROCESS
from smcp_security.observers import Ending, Observer, Subject
from smcp_security.policy.observation import MetricsPolicy
from smcp_security.tracing.joining import Calls
from smcp_security.tracing.meters import Ledger
from smcp_security.tracing.spans import Spans

BUDGET: Final = 3.0
"""Microseconds a decision, of the issue: for the metrics; spans are apart."""

RUNGS: Final = 20
_ENDING: Final = Ending("complete", 200, 300, 0.012)


@dataclass(frozen=True, slots=True)
class Size:
    """How many decisions a block has, how many blocks are measured, and how many tools take turns."""

    rounds: int = 10_000
    blocks: int = 7
    tools: int = 30


SHORT: Final = Size(rounds=2_000, blocks=2)


@dataclass(frozen=True, slots=True)
class Row:
    """One thing measured, in microseconds; `budget` is for p50, 0 for none."""

    what: str
    p50: float
    p99: float
    mean: float
    budget: float = 0.0


class Wrong(Exception):
    """Another number was counted than was decided."""


class _Sink:
    healthy: Final = True
    waiting: Final = 0
    lost: Final = 0

    def lags(self) -> Mapping[str, int]:
        """Nothing is sent."""
        return {}


def _subject() -> Subject:
    return Subject("d" * 64, "r" * 64, "enforce", lambda tool, _: tool.startswith("tool"), _Sink(), lambda: False)


def _message(tool: str) -> Message:
    raw = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {"text": "hi"}}}
    return typed(parse(json.dumps(raw).encode(), max_depth=16))


def _decisions(size: Size) -> list[Decision]:
    names = [f"rung{number}" for number in range(RUNGS)]
    found = []
    for number in range(size.tools):
        message = _message(f"tool{number}")
        timings = Timings(names, [2_000 * tick for tick in range(RUNGS + 1)])
        context = Context(id=f"{number:024x}", message=message)
        found.append(Decision(True, context.id, timings=timings, request=message, context=context))
    return found


def _measured(what: str, observer: Observer, size: Size, budget: float = 0.0) -> Row:
    decisions, samples = _decisions(size), Samples()
    for _ in range(size.blocks):
        block = []
        for number in range(size.rounds):
            decision = decisions[number % len(decisions)]
            context = decision.context
            assert context is not None
            began = time.perf_counter_ns()
            observer.decided(decision, context, "asgi")
            observer.ended(decision, _ENDING)
            block.append(time.perf_counter_ns() - began)
        samples.blocks.append(block)
    every = [spent for block in samples.blocks for spent in block]
    return Row(what, samples.p50, samples.p99, sum(every) / len(every) / 1000, budget)


def measure(size: Size) -> list[Row]:
    """All rows but that of several processes. Raises `Wrong`."""
    return [*_prometheus(size), *_opentelemetry(size)]


def _prometheus(size: Size, what: str = "Prometheus") -> list[Row]:
    registry = CollectorRegistry()
    (observer,) = observers_of(MetricsPolicy(prometheus=True), _subject(), registry)
    row = _measured(what, observer, size, BUDGET)
    observer.close()
    began = time.perf_counter_ns()
    exposition(registry)
    scrape = (time.perf_counter_ns() - began) / 1000
    counted = sum(
        sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "smcp_decisions_total"
    )
    _check(counted == size.rounds * size.blocks)
    return [row, Row(f"{what}: one scrape, {size.tools} tools", scrape, scrape, scrape)]


def _opentelemetry(size: Size) -> list[Row]:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    ledger = Ledger(provider.get_meter("benchmark"))
    meters = ledger.attach(_subject())
    rows = [_measured("OpenTelemetry metrics, SDK in use", meters, size, BUDGET)]
    meters.close()
    _check(_total(reader) == size.rounds * size.blocks)
    provider.shutdown()
    spans = Spans(_subject(), Calls())
    rows.append(_measured("OpenTelemetry spans, no SDK", spans, size))
    tracer = TracerProvider()
    with _provided(tracer):
        rows.append(_measured("OpenTelemetry spans, SDK in use, a span of ours", spans, size))
        with tracer.get_tracer("mcp-python-sdk").start_as_current_span("tools/call", kind=trace.SpanKind.SERVER):
            rows.append(_measured("OpenTelemetry spans, SDK in use, on the span that is there", spans, size))
    tracer.shutdown()
    return rows


@contextlib.contextmanager
def _provided(provider: TracerProvider) -> Iterator[None]:
    """A tracer provider for the length of a block: the API lets it be set but once."""
    before = trace._TRACER_PROVIDER
    trace._TRACER_PROVIDER = provider
    try:
        yield
    finally:
        trace._TRACER_PROVIDER = before


def _total(reader: InMemoryMetricReader) -> float:
    data = reader.get_metrics_data()
    assert data is not None
    return sum(
        point.value
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "smcp.decisions"
        for point in metric.data.data_points
    )


def shared(size: Size) -> list[Row]:
    """The row of several processes, measured where prometheus_client was imported for them."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--shared", str(size.rounds), str(size.blocks), str(size.tools)]
        done = subprocess.run(
            command, env={**os.environ, MULTIPROCESS: folder}, capture_output=True, text=True, check=False
        )
    _check(done.returncode == 0)
    return [Row(**row) for row in json.loads(done.stdout)]


def _check(right: bool) -> None:
    if not right:
        raise Wrong


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    cells = [
        (row.what, *map(_time, (row.p50, row.mean, row.p99)), f"{row.budget:.0f} µs" if row.budget else "-")
        for row in rows
    ]
    return markdown(("what", "p50", "mean", "p99", "budget (p50)"), cells)


def _time(microseconds: float) -> str:
    return f"{microseconds:,.0f} µs" if microseconds >= 100 else f"{microseconds:.1f} µs"


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if a count came out wrong."""
    parser = argparse.ArgumentParser(description="What being watched costs a decision.")
    parser.add_argument("--short", action="store_true", help="few rounds: a few seconds")
    parser.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    parser.add_argument("--shared", nargs=3, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.shared:
        assert getattr(values.ValueClass, "_multiprocess", False)
        rows = _prometheus(Size(*options.shared), "Prometheus, several processes")
        print(json.dumps([asdict(row) for row in rows]))
        return 0
    size = SHORT if options.short else Size()
    try:
        rows = [*measure(size), *shared(size)]
    except Wrong:
        print("a count came out wrong; nothing was measured", file=sys.stderr)
        return 1
    tell(rows, table(rows), as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
