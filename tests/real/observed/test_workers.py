"""Several worker processes count together: one scrape of any of them shows what all have decided."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.envelopes import call
from tests.real.edges.wsgi_house import gunicorn
from tests.real.house import PATIENCE, Address

pytestmark = pytest.mark.real

APP = "tests.real.observed.workers_app:app"
MOST_CALLS = 400
_SHELL = "a; cat /etc/passwd | sh"


@pytest.fixture(params=["sync", "preloaded"])
def workers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Address]:
    """Two workers: that loaded the app by themselves, and that were forked off a master that had."""
    with gunicorn(APP, request.param, PROMETHEUS_MULTIPROC_DIR=str(tmp_path)) as address:
        yield address


def _ask(address: Address, method: str, path: str, body: bytes = b"") -> bytes:
    connection = HTTPConnection("127.0.0.1", address.port, timeout=PATIENCE)
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read()
    finally:
        connection.close()


def _called(address: Address, text: str) -> str:
    """Which worker answered; "" for a denial."""
    answer = json.loads(_ask(address, "POST", "/mcp", json.dumps(call("echo", {"text": text})).encode()))
    return "" if answer["result"].get("isError") else str(answer["result"]["content"][0]["text"])


def _scraped(address: Address) -> dict[tuple[str, ...], float]:
    text = _ask(address, "GET", "/metrics").decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _until(address: Address, key: tuple[str, ...], value: float) -> dict[tuple[str, ...], float]:
    """The scrape that shows it: another worker counts once a second."""
    ends = time.monotonic() + PATIENCE
    while (found := _scraped(address)).get(key) != value:
        assert time.monotonic() < ends, f"{key} is {found.get(key)}, not {value}"
    return found


def test_one_scrape_shows_what_every_worker_has_decided(workers: Address) -> None:
    seen: set[str] = set()
    calls = 0
    while len(seen) < 2 and calls < MOST_CALLS:
        seen.add(_called(workers, "hello"))
        calls += 1
    assert len(seen) == 2, f"one worker answered all {calls} calls"
    assert _called(workers, _SHELL) == ""
    found = _until(workers, ("smcp_decisions_total", "pass", "", "echo"), calls)
    assert sum(value for key, value in found.items() if key[:2] == ("smcp_decisions_total", "block")) == 1
    found = _until(workers, ("mcp_requests_total", "complete", "echo"), calls)
    assert found["mcp_requests_total", "denied", "echo"] == 1
    assert found["mcp_request_duration_seconds_count", "echo"] == calls
    assert found[("smcp_decision_seconds_count",)] == calls + 1
    assert found[("smcp_store_up",)] == 1
    assert found[("smcp_audit_healthy",)] == 1
    assert [value for key, value in found.items() if key[0] == "smcp_policy_info"] == [1]


def test_a_worker_that_died_leaves_its_counts_and_takes_its_gauges(workers: Address, tmp_path: Path) -> None:
    pid = _called(workers, "hello")
    _until(workers, ("mcp_requests_total", "complete", "echo"), 1)
    os.kill(int(pid), 9)
    ends = time.monotonic() + PATIENCE
    while list(tmp_path.glob(f"gauge_live*_{pid}.db")):
        assert time.monotonic() < ends
        _scraped(workers)
    assert _scraped(workers)["mcp_requests_total", "complete", "echo"] == 1
