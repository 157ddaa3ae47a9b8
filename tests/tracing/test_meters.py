"""The metrics of OpenTelemetry say what those of Prometheus do."""

from __future__ import annotations

import builtins
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from smcp_security import PolicyError
from smcp_security.checks.rung import Context
from smcp_security.observers import Ending
from smcp_security.observers.tally import BATCH
from smcp_security.policy.observation import MetricsPolicy
from smcp_security.tracing import observers_of
from smcp_security.tracing.meters import MOST_ERRORS, Ledger
from tests.observers import samples
from tests.observers.samples import FakeSink

CONTEXT = Context()


class Book:
    """A ledger with a reader of its own."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader])
        self.ledger = Ledger(self.provider.get_meter("test"))

    def read(self) -> dict[str, dict[tuple[tuple[str, Any], ...], Any]]:
        """name -> attributes -> the point. Twice: what a collection finds waiting is in the next one."""
        self.reader.get_metrics_data()
        data = self.reader.get_metrics_data()
        assert data is not None
        return {
            metric.name: {tuple(sorted((point.attributes or {}).items())): point for point in metric.data.data_points}
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def book() -> Iterator[Book]:
    made = Book()
    yield made
    made.provider.shutdown()


def _key(**attributes: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name.replace("_", "."), value) for name, value in attributes.items()))


TOOL = ("gen_ai.tool.name", "search")


def test_a_collection_finds_what_was_decided_and_how_it_ended(book: Book) -> None:
    meters = book.ledger.attach(samples.subject())
    meters.decided(samples.verdict(samples.message()), CONTEXT, "asgi")
    meters.decided(samples.verdict(samples.message(), "SMCP501", allowed=False), CONTEXT, "asgi")
    meters.ended(samples.verdict(samples.message()), Ending("error", 200, 10, 0.3, error="-32603"))
    meters.ended(samples.verdict(samples.message()), Ending("withheld", findings=samples.blocked("SMCP701")))
    found = book.read()
    assert {key: point.value for key, point in found["smcp.decisions"].items()} == {
        (TOOL, ("smcp.action", "pass")): 1,
        (TOOL, ("smcp.action", "block"), ("smcp.code", "SMCP501")): 1,
    }
    assert {key: point.value for key, point in found["smcp.requests"].items()} == {
        (TOOL, ("smcp.status", "denied")): 1,
        (TOOL, ("smcp.status", "error")): 1,
        (TOOL, ("smcp.status", "withheld")): 1,
    }
    assert {key: point.value for key, point in found["smcp.withheld"].items()} == {
        (TOOL, ("smcp.code", "SMCP701")): 1,
    }
    failed = found["mcp.server.operation.duration"][(("error.type", "-32603"), TOOL, ("mcp.method.name", "tools/call"))]
    assert (failed.count, failed.sum) == (1, 0.3)
    assert found["smcp.decision.duration"][()].count == 2
    assert found["smcp.check.duration"][_key(smcp_rung="injection")].sum == pytest.approx(10e-6)


def test_a_collection_looks_at_store_and_audit_as_they_are(book: Book) -> None:
    sink = FakeSink(waiting=4, lost=2, behind={"http-0": 77})
    meters = book.ledger.attach(samples.subject(sink=sink, away=True))
    found = book.read()
    shown = {name: found[name][()].value for name in ("smcp.store.up", "smcp.audit.healthy", "smcp.audit.queue")}
    assert shown == {"smcp.store.up": 0, "smcp.audit.healthy": 1, "smcp.audit.queue": 4}
    assert found["smcp.audit.ship.lag"][_key(smcp_destination="http-0")].value == 77
    assert found["smcp.audit.lost"][()].value == 2
    meters.close()


def test_a_framework_that_is_closed_shows_nothing_and_its_counts_stay(book: Book) -> None:
    meters = book.ledger.attach(samples.subject())
    meters.decided(samples.verdict(samples.message()), CONTEXT, "asgi")
    meters.close()
    meters.decided(samples.verdict(samples.message()), CONTEXT, "asgi")
    found = book.read()
    assert found["smcp.decisions"][(TOOL, ("smcp.action", "pass"))].value == 2
    assert "smcp.store.up" not in found


def test_a_full_batch_is_counted_without_a_collection(book: Book) -> None:
    meters = book.ledger.attach(samples.subject())
    for _ in range(BATCH):
        meters.decided(samples.verdict(samples.message()), CONTEXT, "asgi")
    assert meters.take().verdicts == {}
    assert book.read()["smcp.decisions"][(TOOL, ("smcp.action", "pass"))].value == BATCH


def test_where_nobody_collects_durations_are_bounded_and_counts_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 2 * BATCH
    monkeypatch.setattr("smcp_security.tracing.meters.MOST_VALUES", most)
    book = Book()
    meters = book.ledger.attach(samples.subject())
    for _ in range(most + BATCH):
        meters.ended(samples.verdict(samples.message()), Ending("complete"))
    found = book.read()
    assert found["smcp.requests"][(TOOL, ("smcp.status", "complete"))].value == most + BATCH
    assert found["mcp.server.operation.duration"][(TOOL, ("mcp.method.name", "tools/call"))].count == most
    book.provider.shutdown()


def test_a_server_that_makes_up_errors_makes_no_series(book: Book) -> None:
    meters = book.ledger.attach(samples.subject())
    for n in range(MOST_ERRORS + 20):
        meters.ended(samples.verdict(samples.message()), Ending("error", error=str(n)))
    points = book.read()["mcp.server.operation.duration"]
    assert len(points) == MOST_ERRORS + 1
    assert points[(("error.type", "other"), TOOL, ("mcp.method.name", "tools/call"))].count == 20


def test_the_series_of_verdicts_are_bounded(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    most = 60
    monkeypatch.setattr("smcp_security.tracing.meters.MOST_SERIES", most)
    meters = book.ledger.attach(samples.subject(declared=[f"tool{n}" for n in range(20)]))
    for code in ("SMCP501", "SMCP502", "SMCP503", "SMCP504", "SMCP505", "SMCP604"):
        for n in range(20):
            about = samples.message(name=f"tool{n}")
            meters.decided(samples.verdict(about, code, allowed=False), CONTEXT, "asgi")
    found = book.read()["smcp.decisions"]
    assert most <= len(found) < most + 10
    assert sum(point.value for point in found.values()) == 6 * 20


def test_a_child_tells_its_own_verdicts_alone(book: Book) -> None:
    meters = book.ledger.attach(samples.subject())
    meters.decided(samples.verdict(samples.message()), CONTEXT, "asgi")
    book.ledger.hold()
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        book.ledger.begin_anew()
        meters.decided(samples.verdict(samples.message(), "SMCP604"), CONTEXT, "asgi")
        points = book.ledger._counted("smcp.decisions", ("a", "c", "t"), None)  # type: ignore[arg-type]
        os.write(writing, str([(point.value, point.attributes) for point in points]).encode())
        os._exit(0)
    book.ledger.go_on()
    os.waitpid(child, 0)
    assert os.read(reading, 200) == b"[(1, {'a': 'report', 'c': 'SMCP604', 't': 'search'})]"
    os.close(reading)
    os.close(writing)
    assert book.read()["smcp.decisions"][(TOOL, ("smcp.action", "pass"))].value == 1


def test_a_policy_that_asks_for_it_gets_spans_and_metrics() -> None:
    assert observers_of(MetricsPolicy(), samples.subject()) == ()
    observers = observers_of(MetricsPolicy(opentelemetry=True), samples.subject())
    assert [type(each).__name__ for each in observers] == ["Spans", "Meters"]
    for observer in observers:
        observer.close()


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError("No module named 'opentelemetry'", name="opentelemetry")
        return real(name, *rest, **named)

    for loaded in ("joining", "meters", "spans"):
        monkeypatch.delitem(sys.modules, f"smcp_security.tracing.{loaded}", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PolicyError) as refused:
        observers_of(MetricsPolicy(opentelemetry=True), samples.subject())
    assert str(refused.value) == "metrics.opentelemetry: it needs pip install 'smcp-security[otel]'"
