"""Caps: which calls hold a slot, who holds it, and how long a refused one should wait."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.checks.rung import Refusal, Slot
from tests.checks.spends import ANN, Till, asked, context, spent
from tests.envelopes import call, legacy

CAP: dict[str, Any] = {"per": ["caller", "tool"], "max": 2}


def _slots(cap: dict[str, Any], value: dict[str, Any], **facts: Any) -> list[Slot]:
    question = asked({"concurrency": [cap]}, context(value, **facts))
    return [] if question is None else list(question.slots)


def test_a_call_holds_a_slot_in_its_own_name_for_a_while() -> None:
    [slot] = _slots(CAP, call("x"), id="d7")
    assert (slot.limit, slot.holder, slot.ttl) == (2, "d7", 30.0)


def test_two_calls_of_one_caller_and_tool_compete_for_the_same_slots() -> None:
    [one], [two] = _slots(CAP, call("x"), id="1", caller=ANN), _slots(CAP, call("x"), id="2", caller=ANN)
    assert one.key == two.key and one.holder != two.holder
    [other] = _slots(CAP, call("y"), id="3", caller=ANN)
    [foreign] = _slots(CAP, call("x"), id="4")
    assert len({one.key, other.key, foreign.key}) == 3


def test_only_calls_of_the_tools_named_hold_a_slot() -> None:
    cap = {"per": "address", "max": 1, "tools": ["slow.*"]}
    assert len(_slots(cap, call("slow.one"))) == 1
    for value in (call("fast"), legacy("tools/list"), legacy("prompts/get", {"name": "slow.one"}), legacy("ping")):
        assert _slots(cap, value) == []
    assert _slots({"per": "address", "max": 1}, legacy("resources/read", {"uri": "a://b"})) == []


def test_a_call_that_runs_as_a_task_holds_a_slot_like_any_other() -> None:
    value = {**call("x"), "params": {"name": "x", "arguments": {}, "task": {"ttl": 5}}}
    assert len(_slots(CAP, value)) == 1


def test_a_call_without_an_id_of_its_own_holds_no_slot_and_is_denied() -> None:
    # All of them would share one slot. What a rung raises becomes a denial.
    with pytest.raises(ValueError, match="without an id"):
        _slots(CAP, call("x"), id="")


@pytest.mark.parametrize(("guess", "told"), [(0.0, 1.0), (0.2, 1.0), (12.5, 12.5)])
def test_whoever_finds_no_slot_waits_a_second_at_least(guess: float, told: float) -> None:
    [found] = spent({"concurrency": [CAP]}, context(call("x")), Till(Refusal(0, guess))).findings
    assert (found.code, found.retry_after) == ("SMCP404", told)
    assert found.data == {"name": "caller+tool-calls", "quota": 2, "unit": "concurrent-requests"}


def test_newcomers_to_a_full_store_share_slots_with_their_network_alone() -> None:
    [one], [near] = _slots(CAP, call("x")), _slots(CAP, call("x"), network="192.7.7.7")
    [far] = _slots(CAP, call("x"), network="203.0.113.1")
    assert one.shared == near.shared != far.shared and one.key != near.key
