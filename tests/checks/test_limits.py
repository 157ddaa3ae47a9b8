"""The flood guard and the limits rung: what is asked for a message, all at once, and what a refusal says."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.checks import limits
from smcp_security.checks.budgets import result_draws
from smcp_security.checks.rung import Charge, Context, Question, Refusal, Release, Settle
from smcp_security.decision import Caller, Outcome
from smcp_security.policy import Policy
from smcp_security.stores.memory import MemoryStore
from tests.checks.spends import ANN, Till, asked, context, spent
from tests.envelopes import call, climb, codes, http, legacy, response

ADDRESS = {"per": "address", "rate": "60/minute", "burst": 5}
CALLER = {"per": "caller", "rate": "10/hour"}
BUDGET = {"per": "caller", "tokens": "1000/day"}
CAP = {"per": "caller", "max": 2}
ALL = {"limits": [ADDRESS, CALLER], "budgets": [BUDGET], "concurrency": [CAP]}


def _flood(context: Context, till: Till, **flood: Any) -> Outcome:
    policy = Policy.from_dict({"server": {"flood": flood or "off"}})
    return climb(limits.build_flood(policy.server.flood)(context), till)


def test_the_flood_guard_charges_the_network_in_this_process() -> None:
    till = Till()
    assert codes(_flood(context(http=http()), till, rate="50/second", burst=200)) == []
    assert till.spend.local
    [charge] = till.spend.charges
    assert "192.0.2.1" in charge.key and (charge.burst, charge.cost) == (200, 1)
    assert charge.interval == pytest.approx(0.02)


def test_a_flood_is_refused_with_the_time_to_wait() -> None:
    outcome = _flood(context(http=http()), Till(Refusal(0, 1.5)), rate="1/second", burst=1)
    assert codes(outcome) == ["SMCP401"] and outcome.findings[0].retry_after == 1.5


def test_no_flood_guard_is_asked_where_it_is_off_or_nothing_came_by_http() -> None:
    till = Till(Refusal(0, 1.0))
    assert codes(_flood(context(http=http()), till)) == []
    assert codes(_flood(context(), till, rate="1/second", burst=1)) == []
    assert till.asked == []


def test_newcomers_to_a_full_flood_guard_share_by_their_network_and_never_with_all() -> None:
    shared = set()
    for network in ("192.0.2.1", "192.0.2.2", "198.51.100.7", "2001:db8::/64"):
        till = Till()
        _flood(context(http=http(), network=network), till, rate="1/second", burst=1)
        shared.add(till.spend.charges[0].shared)
    assert len(shared) == 3


def _charges(listed: list[dict[str, Any]], value: dict[str, Any], **facts: Any) -> list[Charge]:
    question = asked({"limits": listed}, context(value, **facts))
    return [] if question is None else list(question.charges)


def test_everything_that_applies_is_asked_in_one_question() -> None:
    question = asked(ALL, context(call("x"), caller=ANN))
    assert question is not None and not question.local
    assert [(charge.burst, charge.interval) for charge in question.charges] == [(5, 1.0), (10, 360.0)]
    assert len(question.draws) == 1 and len(question.slots) == 1
    assert len({item.key for item in (*question.charges, *question.draws, *question.slots)}) == 4


def test_a_message_that_passes_holds_its_slots_and_knows_its_budgets() -> None:
    till = Till()
    outcome = spent(ALL, context(call("x"), caller=ANN), till)
    assert outcome.slots == till.spend.slots and outcome.draws == till.spend.draws
    assert outcome.findings == ()


@pytest.mark.parametrize(
    ("place", "code", "name", "unit"),
    [
        (0, "SMCP402", "address", None),
        (1, "SMCP402", "caller", None),
        (2, "SMCP403", "caller-tokens-day", "tokens"),
        (3, "SMCP404", "caller-calls", "concurrent-requests"),
    ],
)
def test_a_refusal_names_what_was_used_up_and_nothing_is_held(
    place: int, code: str, name: str, unit: str | None
) -> None:
    outcome = spent(ALL, context(call("x"), caller=ANN), Till(Refusal(place, 30.25)))
    [found] = outcome.findings
    assert (found.code, found.retry_after) == (code, 30.25)
    assert (found.data["name"], found.data.get("unit")) == (name, unit)
    # Where refusals are only reported the message goes on: nothing may be released that was never taken.
    assert outcome.slots == () and outcome.draws == ()


def test_places_are_counted_over_what_applies_and_nothing_else() -> None:
    skipped = {"per": "tool", "rate": "1/minute", "tools": ["other"]}
    sections = {**ALL, "limits": [skipped, ADDRESS, skipped, CALLER]}
    for place, name in enumerate(("address", "caller", "caller-tokens-day", "caller-calls")):
        outcome = spent(sections, context(call("x"), caller=ANN), Till(Refusal(place, 1.0)))
        assert outcome.findings[0].data["name"] == name


def test_a_store_that_refuses_what_was_not_asked_for_denies() -> None:
    # The driver turns what a rung raises into a denial.
    with pytest.raises(IndexError):
        spent(ALL, context(call("x"), caller=ANN), Till(Refusal(4, 1.0)))


def test_counters_of_one_kind_have_names_and_keys_of_their_own() -> None:
    sections = {
        "limits": [ADDRESS, {**ADDRESS, "rate": "1000/hour"}, {**ADDRESS, "tools": ["x"]}, {**ADDRESS, "tools": ["*"]}],
        "budgets": [BUDGET, {**BUDGET, "tokens": "1/day"}, {**BUDGET, "tokens": "1000/month"}],
        "concurrency": [CAP, {**CAP, "tools": ["x"]}, {**CAP, "max": 3}],
    }
    question = asked(sections, context(call("x"), caller=ANN))
    assert question is not None
    keys = [item.key for item in (*question.charges, *question.draws, *question.slots)]
    assert len(keys) == 10 == len(set(keys))
    names = {
        spent(sections, context(call("x"), caller=ANN), Till(Refusal(place, 1.0))).findings[0].data["name"]
        for place in range(10)
    }
    assert len(names) == 10 and {"address", "address-2", "caller-tokens-day-2", "caller-calls-3"} <= names


def test_what_is_written_twice_is_charged_once() -> None:
    question = asked({key: value * 2 for key, value in ALL.items()}, context(call("x"), caller=ANN))
    assert question is not None
    assert (len(question.charges), len(question.draws), len(question.slots)) == (2, 1, 1)


def test_other_numbers_begin_anew_and_the_same_ones_go_on() -> None:
    value = call("x")
    [key] = [charge.key for charge in _charges([ADDRESS], value)]
    assert [charge.key for charge in _charges([dict(ADDRESS)], value)] == [key]
    assert [charge.key for charge in _charges([{**ADDRESS, "burst": 6}], value)] != [key]
    assert [charge.key for charge in _charges([{**ADDRESS, "rate": "61/minute"}], value)] != [key]


@pytest.mark.parametrize("method", ["initialize", "ping", "tools/list", "notifications/initialized", "server/discover"])
def test_whoever_is_out_of_calls_can_still_connect_and_list(method: str) -> None:
    [charged], [grace] = _charges([ADDRESS], call("x")), _charges([ADDRESS], legacy(method))
    assert charged.key != grace.key and charged.shared != grace.shared
    assert (charged.burst, charged.interval) == (grace.burst, grace.interval)


@pytest.mark.parametrize("method", ["tools/call", "prompts/get", "resources/read", "completion/complete", "tasks/get"])
def test_whatever_makes_the_server_work_is_charged_alike(method: str) -> None:
    assert _charges([ADDRESS], call("x")) == _charges([ADDRESS], legacy(method))


def test_nothing_is_asked_for_an_answer_or_without_limits() -> None:
    assert asked(ALL, context(response(1, {}), caller=ANN)) is None
    assert asked({}, context(call("x"))) is None
    assert asked(ALL, context()) is None
    assert asked({"budgets": [BUDGET], "concurrency": [CAP]}, context(legacy("tools/list"))) is None


class _Memory:
    """The store of one process, at a time that the test tells."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.store = MemoryStore(clock=lambda: self.now)

    def __call__(self, question: Question) -> object:
        return self.store.answer(question)


def _verdict(sections: dict[str, Any], memory: _Memory, *, id: str = "d1", caller: Caller = ANN) -> Outcome:
    return spent(sections, context(call("report.make", {"pages": 4}), id=id, caller=caller), memory)


def test_a_refused_message_takes_nothing_of_any_limit() -> None:
    memory = _Memory()
    slow, own = {"per": "address", "rate": "5/hour"}, {"per": "caller", "rate": "6/minute", "burst": 1}
    sections = {"limits": [slow, own], "concurrency": [CAP]}
    assert codes(_verdict(sections, memory, id="1")) == []
    for turn in range(20):
        [found] = _verdict(sections, memory, id=f"again-{turn}").findings
        assert (found.code, found.retry_after) == ("SMCP402", pytest.approx(10.0))
    # Four of the address's five calls are left.
    bob = [_verdict(sections, memory, id=f"b{turn}", caller=Caller(f"bob{turn}", True)) for turn in range(5)]
    assert [codes(outcome) for outcome in bob] == [[], [], [], [], ["SMCP402"]]


def test_a_refused_call_holds_no_slot_and_draws_on_no_budget() -> None:
    memory, own = _Memory(), {"per": "caller", "rate": "6/minute", "burst": 1}
    sections = {"limits": [own], "concurrency": [CAP], "budgets": [{**BUDGET, "tokens": "60/day"}]}
    for turn in range(20):
        assert codes(_verdict(sections, memory, id=f"{turn}")) == (["SMCP402"] if turn else [])
    memory.now += 10.0
    assert codes(_verdict(sections, memory, id="second")) == []
    # Two slots are held now, and most of the tokens are drawn: the longest wait is told.
    memory.now += 10.0
    assert codes(_verdict({**sections, "budgets": []}, memory, id="third")) == ["SMCP404"]
    assert codes(_verdict(sections, memory, id="third")) == ["SMCP403"]


def test_a_slot_is_free_again_when_the_call_has_ended() -> None:
    memory, sections = _Memory(), {"concurrency": [{**CAP, "max": 1}]}
    first = _verdict(sections, memory, id="1")
    assert codes(_verdict(sections, memory, id="2")) == ["SMCP404"]
    memory(Release(first.slots))
    assert codes(_verdict(sections, memory, id="3")) == []


def test_a_result_may_overdraw_a_budget_once() -> None:
    memory, sections = _Memory(), {"budgets": [BUDGET]}
    request = context(call("x"), caller=ANN)
    request.draws = spent(sections, request, memory).draws
    memory(Settle(result_draws(request, 5000)))
    [found] = spent(sections, context(call("x"), caller=ANN), memory).findings
    assert found.code == "SMCP403" and found.retry_after == pytest.approx(12 * 3600.0)
    # Others have budgets of their own.
    assert codes(spent(sections, context(call("x"), caller=Caller("bob", True)), memory)) == []
