"""The flood guard and the policy's rates: whose counter is charged, and what a refusal says."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.checks import limits
from smcp_security.checks.rung import Charge, Context, Question, Refusal, Spend
from smcp_security.decision import Caller, Outcome
from smcp_security.message import Era, parse, typed
from smcp_security.policy import Policy
from tests.envelopes import ASSUMED, call, climb, codes, encoded, http, legacy, response


def _context(value: dict[str, Any] | None = None, **facts: Any) -> Context:
    message = None if value is None else typed(parse(encoded(value), max_depth=64), Era.LEGACY, ASSUMED)
    return Context(message=message, network=facts.pop("network", "192.0.2.1"), **facts)


class _Store:
    """Answers every spend the same way and keeps the questions."""

    def __init__(self, refusal: Refusal | None = None) -> None:
        self.refusal = refusal
        self.asked: list[Spend] = []

    def __call__(self, question: Question) -> Refusal | None:
        assert isinstance(question, Spend)
        self.asked.append(question)
        return self.refusal

    @property
    def charges(self) -> list[Charge]:
        """The charges of the only question."""
        [question] = self.asked
        return list(question.charges)


def _rates(context: Context, store: _Store, *listed: dict[str, Any]) -> Outcome:
    policy = Policy.from_dict({"limits": list(listed)})
    return climb(limits.build_limits(policy.limits)(context), store)


def _flood(context: Context, store: _Store, **flood: Any) -> Outcome:
    policy = Policy.from_dict({"server": {"flood": flood or "off"}})
    return climb(limits.build_flood(policy.server.flood)(context), store)


def test_the_flood_guard_charges_the_network_in_this_process() -> None:
    store = _Store()
    assert codes(_flood(_context(http=http()), store, rate="50/second", burst=200)) == []
    assert store.asked[0].local
    [charge] = store.charges
    assert "192.0.2.1" in charge.key and (charge.burst, charge.cost) == (200, 1)
    assert charge.interval == pytest.approx(0.02)


def test_a_flood_is_refused_with_the_time_to_wait() -> None:
    outcome = _flood(_context(http=http()), _Store(Refusal(0, 1.5)), rate="1/second", burst=1)
    assert codes(outcome) == ["SMCP401"] and outcome.findings[0].retry_after == 1.5


def test_no_flood_guard_is_asked_where_it_is_off_or_nothing_came_by_http() -> None:
    store = _Store(Refusal(0, 1.0))
    assert codes(_flood(_context(http=http()), store)) == []
    assert codes(_flood(_context(), store, rate="1/second", burst=1)) == []
    assert store.asked == []


ADDRESS = {"per": "address", "rate": "60/minute", "burst": 5}
CALLER = {"per": "caller", "rate": "10/hour"}


def test_every_limit_is_charged_in_one_question() -> None:
    store = _Store()
    assert codes(_rates(_context(call("x")), store, ADDRESS, CALLER)) == []
    assert not store.asked[0].local
    assert [(charge.burst, charge.interval) for charge in store.charges] == [(5, 1.0), (10, 360.0)]
    assert len({charge.key for charge in store.charges}) == 2


def test_two_limits_of_one_kind_have_counters_of_their_own() -> None:
    store = _Store()
    _rates(_context(call("x")), store, ADDRESS, {**ADDRESS, "rate": "1000/hour"})
    assert len({charge.key for charge in store.charges}) == 2


def _key(limit: dict[str, Any], **facts: Any) -> str:
    store = _Store()
    _rates(_context(call("x"), **facts), store, limit)
    return store.charges[0].key


def test_an_address_has_one_counter_whatever_the_caller_says_of_itself() -> None:
    one = _key(ADDRESS, label="ann")
    assert one == _key(ADDRESS, label="bob") == _key(ADDRESS, caller=Caller("ann", True), session="s")
    assert one != _key(ADDRESS, network="192.0.2.2")


def test_a_label_is_bound_to_its_address_until_a_credential_vouches() -> None:
    keys = {
        _key(CALLER, label="ann"),
        _key(CALLER, label="bob"),
        _key(CALLER, label="ann", network="192.0.2.2"),
        _key(CALLER, caller=Caller("ann", True)),
        _key(CALLER, caller=Caller("bob", True)),
    }
    assert len(keys) == 5
    assert _key(CALLER, caller=Caller("ann", True)) == _key(CALLER, caller=Caller("ann", True), network="192.0.2.9")
    assert _key(CALLER, caller=Caller("ann"), label="bob") == _key(CALLER, label="bob")


def test_no_label_can_borrow_the_counter_of_a_verified_caller() -> None:
    verified = _key(CALLER, caller=Caller("ann", True))
    for network, label in (("caller", "ann"), ("caller:ann", ""), ("", "caller:ann"), ("", "ann")):
        assert _key(CALLER, network=network, label=label) != verified


def test_a_refused_rate_names_the_limit_that_was_used_up() -> None:
    outcome = _rates(_context(call("x")), _Store(Refusal(1, 30.0)), ADDRESS, CALLER)
    [found] = outcome.findings
    assert (found.code, found.retry_after) == ("SMCP402", 30.0)
    assert found.data == {"name": "caller", "quota": 10, "window": 3600.0}


@pytest.mark.parametrize("method", ["initialize", "ping", "tools/list", "notifications/initialized", "server/discover"])
def test_whoever_is_out_of_calls_can_still_connect_and_list(method: str) -> None:
    calls, grace = _Store(), _Store()
    _rates(_context(call("x")), calls, ADDRESS)
    _rates(_context(legacy(method)), grace, ADDRESS)
    assert calls.charges[0].key != grace.charges[0].key
    assert calls.charges[0].shared != grace.charges[0].shared


@pytest.mark.parametrize("method", ["tools/call", "prompts/get", "resources/read", "completion/complete", "tasks/get"])
def test_whatever_makes_the_server_work_is_charged_alike(method: str) -> None:
    calls, other = _Store(), _Store()
    _rates(_context(call("x")), calls, ADDRESS)
    _rates(_context(legacy(method)), other, ADDRESS)
    assert calls.charges == other.charges


def test_nothing_is_charged_for_an_answer_or_without_limits() -> None:
    store = _Store(Refusal(0, 1.0))
    assert codes(_rates(_context(response(1, {})), store, ADDRESS)) == []
    assert codes(_rates(_context(call("x")), store)) == []
    assert codes(_rates(_context(), store, ADDRESS)) == []
    assert store.asked == []
