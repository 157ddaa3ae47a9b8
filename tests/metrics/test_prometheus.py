"""The Prometheus side in one process: what is counted where, however many frameworks come and go."""

from __future__ import annotations

import builtins
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter

from smcp_security import PolicyError
from smcp_security.checks.rung import Context
from smcp_security.metrics import desk, exposition, observers_of
from smcp_security.metrics.instruments import Instruments
from smcp_security.observers import Ending, Observer, Subject
from smcp_security.observers.tally import BATCH, Batch
from smcp_security.policy.observation import MetricsPolicy
from tests.observers import samples
from tests.observers.samples import FakeSink

ON = MetricsPolicy(prometheus=True)
CONTEXT = Context()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def _observer(registry: CollectorRegistry, subject: Subject | None = None) -> Observer:
    (observer,) = observers_of(ON, subject or samples.subject(), registry)
    return observer


def _value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    """As a scrape finds it."""
    found = [
        sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == name and sample.labels == labels
    ]
    return found[0] if found else None


def _decide(observer: Observer, *codes: str, times: int = 1, **said: Any) -> None:
    decision = samples.verdict(samples.message(), *codes, **said)
    for _ in range(times):
        observer.decided(decision, CONTEXT, "asgi")


def test_nothing_counts_where_the_policy_does_not_ask_for_it(registry: CollectorRegistry) -> None:
    assert observers_of(MetricsPolicy(), samples.subject(), registry) == ()
    assert list(registry.collect()) == []


def test_a_scrape_finds_what_was_decided_just_now(registry: CollectorRegistry) -> None:
    observer = _observer(registry)
    _decide(observer, times=3)
    _decide(observer, "SMCP501", allowed=False)
    observer.ended(samples.verdict(samples.message()), Ending("complete", 200, 10, 0.3))
    assert _value(registry, "smcp_decisions_total", action="pass", code="", tool="search") == 3
    assert _value(registry, "smcp_decisions_total", action="block", code="SMCP501", tool="search") == 1
    assert _value(registry, "mcp_requests_total", tool="search", status="complete") == 1
    assert _value(registry, "mcp_requests_total", tool="search", status="denied") == 1
    assert _value(registry, "mcp_request_duration_seconds_bucket", tool="search", le="0.25") == 0
    assert _value(registry, "mcp_request_duration_seconds_bucket", tool="search", le="0.5") == 1
    assert _value(registry, "mcp_request_duration_seconds_sum", tool="search") == 0.3
    assert _value(registry, "smcp_decision_seconds_count") == 4
    assert _value(registry, "smcp_check_seconds_count", rung="injection") == 1
    assert _value(registry, "smcp_check_seconds_sum", rung="injection") == pytest.approx(10e-6)
    observer.close()


def test_a_full_batch_is_counted_without_a_scrape(registry: CollectorRegistry) -> None:
    observer = _observer(registry)
    _decide(observer, times=BATCH)
    assert registry.get_sample_value("smcp_decision_seconds_count") == BATCH
    observer.close()


def test_a_withheld_answer_shows_under_its_code(registry: CollectorRegistry) -> None:
    observer = _observer(registry)
    observer.ended(samples.verdict(samples.message()), Ending("withheld", findings=samples.blocked("SMCP701")))
    assert _value(registry, "smcp_withheld_total", code="SMCP701", tool="search") == 1
    observer.close()


def test_what_the_caller_makes_up_makes_no_series(registry: CollectorRegistry) -> None:
    observer = _observer(registry)
    for n in range(50):
        decision = samples.verdict(samples.message(name=f"made up {n}"), "SMCP501", allowed=False)
        observer.decided(decision, CONTEXT, "asgi")
    assert _value(registry, "smcp_decisions_total", action="block", code="SMCP501", tool="other") == 50
    assert b"made up" not in exposition(registry)[0]
    observer.close()


def test_the_series_of_verdicts_are_bounded_whatever_tools_and_codes_there_are(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smcp_security.metrics.instruments.MOST_SERIES", 50)
    instruments = Instruments(registry)
    instruments.count(Batch(verdicts={("block", f"SMCP{n % 10}", f"tool{n}"): 1 for n in range(50)}))
    instruments.count(Batch(verdicts={("block", "SMCP1", f"late{n}"): 1 for n in range(20)}))
    assert _value(registry, "smcp_decisions_total", action="block", code="SMCP1", tool="other") == 20
    assert _value(registry, "smcp_decisions_total", action="block", code="SMCP1", tool="tool1") == 1


# -- gauges ----------------------------------------------------------------------------------------------------------


def test_a_scrape_looks_at_the_store_and_the_audit_as_they_are(registry: CollectorRegistry) -> None:
    sink = FakeSink(waiting=4, behind={"http-0": 77})
    observer = _observer(registry, samples.subject(sink=sink))
    assert _value(registry, "smcp_store_up") == 1
    assert _value(registry, "smcp_audit_healthy") == 1
    assert _value(registry, "smcp_audit_queue") == 4
    assert _value(registry, "smcp_audit_ship_lag_bytes", destination="http-0") == 77
    sink.healthy, sink.waiting, sink.behind, sink.lost = False, 9, {"http-0": 0}, 2
    assert _value(registry, "smcp_audit_healthy") == 0
    assert _value(registry, "smcp_audit_queue") == 9
    assert _value(registry, "smcp_audit_ship_lag_bytes", destination="http-0") == 0
    assert _value(registry, "smcp_audit_lost_total") == 2
    observer.close()


def test_a_store_that_is_away_shows(registry: CollectorRegistry) -> None:
    observer = _observer(registry, samples.subject(away=True))
    assert _value(registry, "smcp_store_up") == 0
    observer.close()


def test_the_policy_in_force_shows_and_the_one_before_does_not(registry: CollectorRegistry) -> None:
    before = _observer(registry, samples.subject(digest="d1"))
    assert _value(registry, "smcp_policy_info", digest="d1", rules="r1", mode="enforce") == 1
    loaded = _value(registry, "smcp_policy_loaded_timestamp_seconds")
    now = _observer(registry, samples.subject(digest="d2"))
    before.close()
    assert _value(registry, "smcp_policy_info", digest="d2", rules="r1", mode="enforce") == 1
    assert _value(registry, "smcp_policy_info", digest="d1", rules="r1", mode="enforce") is None
    after = _value(registry, "smcp_policy_loaded_timestamp_seconds")
    assert loaded is not None and after is not None and after >= loaded > 1e9
    now.close()


def test_the_release_shows_as_long_as_the_process_lives(registry: CollectorRegistry) -> None:
    from smcp_security.version import VERSION

    _observer(registry).close()
    assert _value(registry, "smcp_build_info", version=VERSION) == 1


# -- several frameworks ----------------------------------------------------------------------------------------------


def test_two_frameworks_in_one_process_count_together(registry: CollectorRegistry) -> None:
    first, second = _observer(registry), _observer(registry)
    _decide(first, times=2)
    _decide(second, times=3)
    assert _value(registry, "smcp_decisions_total", action="pass", code="", tool="search") == 5
    first.close()
    second.close()


def test_a_reload_loses_and_doubles_nothing(registry: CollectorRegistry) -> None:
    sink = FakeSink(lost=2)
    before = _observer(registry, samples.subject(sink=sink))
    _decide(before, times=2)
    now = _observer(registry, samples.subject(sink=sink))
    before.close()
    _decide(now)
    assert _value(registry, "smcp_decisions_total", action="pass", code="", tool="search") == 3
    assert _value(registry, "smcp_audit_lost_total") == 2
    now.close()


def test_a_message_that_was_on_its_way_during_a_reload_counts(registry: CollectorRegistry) -> None:
    observer = _observer(registry)
    observer.close()
    _decide(observer)
    assert _value(registry, "smcp_decisions_total", action="pass", code="", tool="search") == 1


def test_a_message_that_was_on_its_way_counts_also_while_somebody_scrapes(registry: CollectorRegistry) -> None:
    observer, counting = _observer(registry), desk.desk_of(registry)
    observer.close()
    late = threading.Thread(target=_decide, args=(observer,))
    counting.hold()
    late.start()
    late.join(0.05)
    counting.go_on()
    late.join()
    assert _value(registry, "smcp_decisions_total", action="pass", code="", tool="search") == 1


def test_a_framework_that_nobody_closed_is_not_kept(registry: CollectorRegistry) -> None:
    import gc

    _observer(registry, samples.subject(away=True))
    gc.collect()
    assert _value(registry, "smcp_store_up") == 1


# -- what stops the start --------------------------------------------------------------------------------------------


def test_names_that_the_application_has_taken_stop_the_start(registry: CollectorRegistry) -> None:
    Counter("mcp_requests", "Of the application.", registry=registry)
    with pytest.raises(PolicyError, match="has other metrics named smcp_"):
        _observer(registry)


def test_other_metrics_of_the_application_stay_beside_ours(registry: CollectorRegistry) -> None:
    Counter("orders", "Of the application.", registry=registry).inc()
    observer = _observer(registry)
    text, kind = exposition(registry)
    assert b"orders_total 1.0" in text
    assert b"smcp_store_up 1.0" in text
    assert kind.startswith("text/plain")
    observer.close()


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "prometheus_client":
            raise ModuleNotFoundError("No module named 'prometheus_client'", name="prometheus_client")
        return real(name, *rest, **named)

    for loaded in ("desk", "page", "instruments"):
        monkeypatch.delitem(sys.modules, f"smcp_security.metrics.{loaded}", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    for asked in (lambda: observers_of(ON, samples.subject()), exposition):
        with pytest.raises(PolicyError) as refused:
            asked()
        assert str(refused.value) == "metrics.prometheus: it needs pip install 'smcp-security[prometheus]'"


def test_a_folder_for_workers_that_comes_too_late_stops_the_start(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "somewhere")
    with pytest.raises(PolicyError, match="set after prometheus_client was imported"):
        _observer(registry)


# -- forks -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def parent(registry: CollectorRegistry) -> Iterator[Observer]:
    observer = _observer(registry)
    yield observer
    observer.close()


def test_a_child_counts_its_own_verdicts_and_not_what_its_parent_has_still_to_count(
    registry: CollectorRegistry, parent: Observer
) -> None:
    _decide(parent, times=5)
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _decide(parent, times=2)
        found = _value(registry, "smcp_decisions_total", action="pass", code="", tool="search")
        os.write(writing, str(found).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100) == b"2.0"
    os.close(reading)
    os.close(writing)
    assert _value(registry, "smcp_decisions_total", action="pass", code="", tool="search") == 5


def test_a_fork_waits_until_nobody_counts(registry: CollectorRegistry, parent: Observer) -> None:
    counting = desk.desk_of(registry)
    counting.hold()
    _decide(parent, times=BATCH + 1)  # nobody who serves waits for that
    counting.go_on()
    assert _value(registry, "smcp_decision_seconds_count") == BATCH + 1
