"""A policy that asks for metrics has its verdicts counted in the process' own registry, across reloads and closes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import REGISTRY

from smcp_security import SMCPSecurityFramework
from smcp_security.metrics import exposition
from tests.envelopes import call, response

POLICY: dict[str, Any] = {
    "metrics": {"prometheus": True},
    "limits": [],
    "tools": {
        "echo": {"arguments": {"text": {"kind": "identifier"}}},
        "git.*": {"arguments": {"branch": {"kind": "identifier"}}},
    },
}


@pytest.fixture(scope="module")
def security() -> Iterator[SMCPSecurityFramework]:
    with SMCPSecurityFramework(POLICY) as framework:
        yield framework


class Since:
    """What a counter gained since this was made."""

    def __init__(self) -> None:
        self._before = self._read()

    def __call__(self, name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return self._read().get(key, 0.0) - self._before.get(key, 0.0)

    @staticmethod
    def _read() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for metric in REGISTRY.collect()
            for sample in metric.samples
        }


def test_a_call_is_counted_with_what_became_of_it(security: SMCPSecurityFramework) -> None:
    since = Since()
    decision = security.process_request_sync(call("echo", {"text": "hello"}))
    security.process_response_sync(response(1, {"content": [{"type": "text", "text": "hello"}]}), decision)
    assert since("smcp_decisions_total", action="pass", code="", tool="echo") == 1
    assert since("mcp_requests_total", tool="echo", status="complete") == 1
    assert since("mcp_request_duration_seconds_count", tool="echo") == 1
    assert since("smcp_decision_seconds_count") == 1


def test_a_denied_call_is_counted_under_its_code(security: SMCPSecurityFramework) -> None:
    since = Since()
    decision = security.process_request_sync(call("echo", {"text": "no identifier; at all"}))
    assert not decision.allowed
    assert since("smcp_decisions_total", action="block", code=decision.findings[-1].code, tool="echo") == 1
    assert since("mcp_requests_total", tool="echo", status="denied") == 1


def test_a_tool_that_only_a_glob_of_the_policy_fits_is_not_named(security: SMCPSecurityFramework) -> None:
    since = Since()
    security.process_request_sync(call("git.made_up_by_a_caller", {}))
    assert since("smcp_decisions_total", action="pass", code="", tool="other") == 1


def test_a_tool_that_the_server_has_listed_is_named_from_then_on(security: SMCPSecurityFramework) -> None:
    since = Since()
    security.process_request_sync(call("listed", {}))
    asked = security.process_request_sync({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    tools = [{"name": "listed", "inputSchema": {"type": "object"}}]
    assert security.process_response_sync(response(1, {"tools": tools}), asked).allowed
    security.process_request_sync(call("listed", {}))
    assert since("smcp_decisions_total", action="pass", code="", tool="other") == 1
    assert since("smcp_decisions_total", action="pass", code="", tool="listed") == 1


def test_a_reload_and_a_second_framework_count_on_in_the_same_place() -> None:
    since = Since()
    with SMCPSecurityFramework(POLICY) as first, SMCPSecurityFramework(POLICY) as second:
        first.process_request_sync(call("echo", {"text": "one"}))
        first.reload({**POLICY, "mode": "monitor"})
        first.process_request_sync(call("echo", {"text": "two"}))
        second.process_request_sync(call("echo", {"text": "three"}))
        shown = {sample.labels["mode"] for sample in _samples("smcp_policy_info")}
        assert any(mode.startswith("monitor") for mode in shown)
    assert since("smcp_decisions_total", action="pass", code="", tool="echo") == 3


def test_what_is_served_is_text_that_prometheus_reads(security: SMCPSecurityFramework) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    text, kind = exposition()
    names = {family.name for family in text_string_to_metric_families(text.decode())}
    assert {"smcp_decisions", "smcp_store_up", "smcp_policy_info", "mcp_requests"} <= names
    assert kind.startswith("text/plain")


def _samples(name: str) -> list[Any]:
    return [sample for metric in REGISTRY.collect() for sample in metric.samples if sample.name == name]
