"""Rates: which messages a limit is for, and what a call costs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks import rates
from smcp_security.checks.rung import Charge, Refusal
from smcp_security.policy import Policy
from smcp_security.policy.limits import CostPolicy
from tests.checks.spends import ANN, Till, asked, context, spent
from tests.envelopes import call, legacy

REPORTS: dict[str, Any] = {"per": "caller", "tools": ["report.*"], "rate": "5/minute"}
PAGES = {"argument": "pages", "max": 50}


def _charge(limit: dict[str, Any], value: dict[str, Any]) -> Charge | None:
    question = asked({"limits": [limit]}, context(value))
    return None if question is None else question.charges[0]


def _cost(arguments: dict[str, Any], argument: str = "pages") -> int:
    charge = _charge({**REPORTS, "cost": {**PAGES, "argument": argument}}, call("report.make", arguments))
    assert charge is not None
    return charge.cost


def test_a_limit_of_tools_is_for_calls_of_those_tools_alone() -> None:
    assert _charge(REPORTS, call("report.make")) is not None
    for other in (
        call("reports"),
        call("Report.make"),
        legacy("tools/list"),
        legacy("prompts/get", {"name": "report.a"}),
    ):
        assert _charge(REPORTS, other) is None


def test_tools_of_one_list_share_a_counter_unless_it_is_per_tool() -> None:
    def keys(limit: dict[str, Any]) -> set[str]:
        return {charge.key for name in ("report.a", "report.b") if (charge := _charge(limit, call(name))) is not None}

    assert len(keys(REPORTS)) == 1
    assert len(keys({**REPORTS, "per": ["caller", "tool"]})) == 2


@pytest.mark.parametrize("per", ["tool", ["caller", "tool"]])
def test_a_limit_per_tool_does_not_apply_to_what_calls_none(per: Any) -> None:
    limit = {"per": per, "rate": "5/minute"}
    assert _charge(limit, call("x")) is not None
    assert _charge(limit, legacy("prompts/get", {"name": "x"})) is None and _charge(limit, legacy("ping")) is None


def test_a_limit_of_methods_is_for_those_methods_and_makes_no_exception() -> None:
    limit = {"per": "address", "rate": "5/minute", "methods": ["*/list", "tasks/*", "ping"]}
    listed = [_charge(limit, legacy(method)) for method in ("tools/list", "tasks/get", "ping")]
    assert None not in listed and len({charge.key for charge in listed if charge is not None}) == 1
    assert _charge(limit, call("x")) is None and _charge(limit, legacy("initialize")) is None


def test_a_limit_of_tools_and_the_method_that_calls_them_is_for_both() -> None:
    limit = {**REPORTS, "methods": ["tools/call"]}
    assert _charge(limit, call("report.make")) is not None and _charge(limit, call("x")) is None


@pytest.mark.parametrize(("pages", "cost"), [(1, 1), (7, 7), (50, 50), (51, 50), (10**40, 50), (0, 1), (-7, 1)])
def test_an_exact_integer_costs_itself_within_its_bounds(pages: int, cost: int) -> None:
    assert _cost({"pages": pages}) == cost


@pytest.mark.parametrize("pages", ["5", 5.0, 5.5, True, False, None, [5], {"pages": 5}, "", 1e300])
def test_anything_but_an_exact_integer_costs_the_most(pages: Any) -> None:
    assert _cost({"pages": pages}) == 50


def test_an_argument_that_is_not_there_costs_the_most() -> None:
    assert _cost({}) == _cost({"Pages": 1}) == _cost({"args": {"pages": 1}}) == 50
    limit = {**REPORTS, "cost": PAGES}
    charge = _charge(limit, legacy("tools/call", {"name": "report.make"}))
    assert charge is not None and charge.cost == 50
    assert rates.build_price(CostPolicy(argument="/0", max=9))([5]) == 5
    for arguments in (None, [], "pages", 5, {"pages": 5}):
        assert rates.build_price(CostPolicy(argument="/a/b", max=9))(arguments) == 9


def test_an_argument_is_found_by_its_pointer() -> None:
    assert _cost({"page": {"count": 3}}, "/page/count") == 3
    assert _cost({"ranges": [{"n": 4}]}, "/ranges/0/n") == 4
    assert _cost({"a/b": 5}, "/a~1b") == 5 and _cost({"~1": 6}, "/~01") == 6


def test_newcomers_to_a_full_store_share_a_limit_with_their_network_alone() -> None:
    def shared(network: str) -> str:
        question = asked({"limits": [REPORTS]}, context(call("report.a"), network=network, caller=ANN))
        assert question is not None
        return question.charges[0].shared

    assert shared("192.0.2.1") == shared("192.7.7.7") != shared("203.0.113.1")


def test_what_calls_no_tool_costs_one() -> None:
    limit = {"per": "caller", "rate": "60/minute", "cost": PAGES}
    for value in (legacy("ping"), legacy("resources/read", {"uri": "a://b"}), legacy("prompts/get", {"name": "x"})):
        charge = _charge(limit, value)
        assert charge is not None and charge.cost == 1


def test_a_call_of_the_highest_cost_can_pass_when_nothing_else_was_charged() -> None:
    charge = _charge({**REPORTS, "burst": 2, "cost": PAGES}, call("report.make"))
    assert charge is not None and (charge.cost, charge.burst) == (50, 50)
    wide = _charge({**REPORTS, "burst": 80, "cost": PAGES}, call("report.make"))
    assert wide is not None and wide.burst == 80


def test_a_refusal_tells_the_burst_and_the_time_that_earns_it_back() -> None:
    for limit, quota, seconds in (
        ({"per": "caller", "rate": "10/hour"}, 10, 3600.0),
        ({"per": "caller", "rate": "300/minute", "burst": 50}, 50, 10.0),
        ({**REPORTS, "cost": PAGES}, 50, 600.0),
    ):
        [found] = spent({"limits": [limit]}, context(call("report.x")), Till(Refusal(0, 1.0))).findings
        assert (found.data["quota"], found.data["window"]) == (quota, pytest.approx(seconds))
        assert "unit" not in found.data


def test_no_name_of_a_tool_stands_in_what_a_refusal_says() -> None:
    limit = {**REPORTS, "tools": ["hidden.*"]}
    [found] = spent({"limits": [limit]}, context(call("hidden.tool")), Till(Refusal(0, 1.0))).findings
    assert "hidden" not in repr(found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0"]), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.sampled_from(["/a", "/a/b", "/0", "/a/0", "/a~1b"]), st.integers(1, 9_999_999))
def test_a_cost_is_within_its_bounds_whatever_the_arguments_are(arguments: Any, place: str, most: int) -> None:
    cost = rates.build_price(CostPolicy(argument=place, max=most))(arguments)
    assert type(cost) is int and 1 <= cost <= most


@given(st.integers(1, 1000), st.integers(1, 1000), st.integers(1, 1000))
def test_no_cost_is_above_the_burst_of_its_limit(count: int, burst: int, most: int) -> None:
    limit = {"per": "caller", "rate": f"{count}/minute", "burst": burst, "cost": {"argument": "n", "max": most}}
    policy = Policy.from_dict({"limits": [limit]})
    tariff = rates.build_tariff(policy.limits[0], "x")
    assert tariff.burst == max(burst, most) and tariff.interval == pytest.approx(60 / count)
