"""What an exchange holds is given back once, at its end, and what it delivers is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from smcp_security import Decision, SMCPSecurityFramework
from smcp_security.errors import AuditUnavailable
from tests.envelopes import call, legacy, response

ONE_AT_ONCE: Mapping[str, Any] = {"limits": [], "concurrency": [{"per": "address", "max": 1}]}
HUNDRED_TOKENS: Mapping[str, Any] = {"limits": [], "budgets": [{"per": "address", "tokens": "100/day"}]}
PROGRESS = legacy("notifications/progress", {"progressToken": 1, "progress": 0.5}, id=None)


def _called(security: SMCPSecurityFramework) -> Decision:
    return security.process_request_sync(call("echo", id=1))


def _refused_as(security: SMCPSecurityFramework) -> list[str]:
    return [item.code for item in _called(security).findings]


def test_an_answer_frees_the_place_that_its_call_took() -> None:
    with SMCPSecurityFramework(ONE_AT_ONCE) as security:
        asked = _called(security)
        assert asked.allowed and _refused_as(security) == ["SMCP404"]
        security.process_response_sync(response(1, {"content": []}), asked)
        assert _called(security).allowed


def test_what_a_call_reports_on_its_way_frees_no_place() -> None:
    with SMCPSecurityFramework(ONE_AT_ONCE) as security:
        asked = _called(security)
        security.process_response_sync(PROGRESS, asked)
        asyncio.run(security.process_response(PROGRESS, asked))
        assert _refused_as(security) == ["SMCP404"]
        asyncio.run(security.process_response(response(1, {"content": []}), asked))
        assert _called(security).allowed


def test_an_answer_that_cannot_be_read_frees_the_place_too() -> None:
    with SMCPSecurityFramework(ONE_AT_ONCE) as security:
        assert not security.process_response_sync(b"no JSON", _called(security)).allowed
        assert _called(security).allowed


def test_the_second_answer_to_a_call_frees_no_place_of_another() -> None:
    with SMCPSecurityFramework(ONE_AT_ONCE) as security:
        first = _called(security)
        security.process_response_sync(response(1, {"content": []}), first)
        second = _called(security)
        assert second.allowed
        security.process_response_sync(response(1, {"content": []}), first)
        assert _refused_as(security) == ["SMCP404"]


@pytest.mark.parametrize("awaiting", [True, False])
def test_a_call_that_could_not_be_recorded_holds_no_place(monkeypatch: pytest.MonkeyPatch, awaiting: bool) -> None:
    with SMCPSecurityFramework(ONE_AT_ONCE) as security:

        def full(_: object) -> None:
            raise AuditUnavailable

        def judge() -> Decision:
            return asyncio.run(security.process_request(call("echo"))) if awaiting else _called(security)

        with monkeypatch.context() as patched:
            patched.setattr(security._armed.sink, "write", full)
            patched.setattr(security._armed.sink, "wants", lambda _: True)
            # It is kept, as a caller may: the place must not wait for the garbage collector.
            kept = judge()
        assert [item.code for item in kept.findings] == ["SMCP002"]
        assert judge().allowed


def test_in_monitor_mode_a_call_too_many_passes_and_frees_no_place_of_another() -> None:
    with SMCPSecurityFramework({**ONE_AT_ONCE, "mode": {"limits": "monitor"}}) as security:
        first, second = _called(security), _called(security)
        assert (first.findings, [item.code for item in second.findings]) == ((), ["SMCP404"]) and second.allowed
        security.process_response_sync(response(1, {"content": []}), second)
        assert _refused_as(security) == ["SMCP404"]
        security.process_response_sync(response(1, {"content": []}), first)
        assert _refused_as(security) == []


def test_a_result_is_taken_from_the_budget_of_its_call() -> None:
    with SMCPSecurityFramework(HUNDRED_TOKENS) as security:
        security.process_response_sync(
            response(1, {"content": [{"type": "text", "text": "x" * 100}]}), _called(security)
        )
        assert _called(security).allowed
        security.process_response_sync(
            response(1, {"content": [{"type": "text", "text": "x" * 400}]}), _called(security)
        )
        assert _refused_as(security) == ["SMCP403"]


@pytest.mark.parametrize("changed", [{"workers": 4}, {"store": {"url": "memory://", "namespace": "other"}}])
def test_a_reload_that_leaves_the_store_in_memory_forgets_nothing(changed: Mapping[str, Any]) -> None:
    limits = [{"per": "address", "rate": "1/hour"}]
    with SMCPSecurityFramework({**ONE_AT_ONCE, "limits": limits}) as security:
        security.revoke("key:lost")
        assert _called(security).allowed
        security.reload({**ONE_AT_ONCE, "limits": limits, **changed})
        assert _refused_as(security) == ["SMCP402"] and security.restore("key:lost")


def test_a_name_that_would_stop_nobody_cannot_be_revoked(tmp_path: Path) -> None:
    with SMCPSecurityFramework({"limits": []}) as security:
        with pytest.raises(ValueError, match="expected jti:"):
            security.revoke("ann")
        security.revoke("sub:key:ann")
        assert security.restore("sub:key:ann")
