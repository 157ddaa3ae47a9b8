"""Token budgets: what a message weighs, whose budget it is taken from, and when the window ends."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks import budgets
from smcp_security.checks.budgets import Tokenizer, result_draws, tokens_of
from smcp_security.checks.rung import Context, Draw, Refusal
from smcp_security.decision import Caller
from tests.checks.spends import ANN, Till, asked, context, spent
from tests.envelopes import call, legacy

DAILY = {"per": "caller", "tokens": "1000/day"}
MONTHLY = {"per": "tenant", "tokens": "20000/month"}


def _draws(
    budget: dict[str, Any], value: dict[str, Any], count_tokens: Tokenizer | None = None, **facts: Any
) -> list[Draw]:
    question = asked({"budgets": [budget]}, context(value, **facts), count_tokens)
    return [] if question is None else list(question.draws)


def _at(*when: int) -> float:
    return datetime(*when, tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]


def test_four_bytes_of_canonical_json_are_a_token() -> None:
    assert [tokens_of(b"x" * size) for size in (0, 1, 4, 5, 8, 4000)] == [0, 1, 1, 2, 2, 1000]
    request = context(call("x", {"text": "y" * 400}))
    assert request.message is not None
    [draw] = _draws(DAILY, call("x", {"text": "y" * 400}))
    assert draw.cost == tokens_of(request.message.raw) > 100 and draw.limit == 1000


def test_a_tokenizer_counts_in_place_of_the_guess() -> None:
    seen = []

    def words(text: str) -> int:
        seen.append(text)
        return len(text.split())

    [draw] = _draws(DAILY, call("x", {"text": "eins zwei drei é"}), words)
    assert draw.cost == 4 and "é" in seen[0]
    assert tokens_of("é è".encode(), words) == 2


def test_the_smallest_message_costs_a_token_so_that_an_empty_budget_refuses_it() -> None:
    [draw] = _draws(DAILY, call("x"), lambda _: 0)
    assert draw.cost == 1


@pytest.mark.parametrize("count", [-1, 1.0, True, "5", None])
def test_a_tokenizer_that_counts_nonsense_denies(count: Any) -> None:
    # What a rung raises becomes a denial; the error holds nothing of the message.
    with pytest.raises(TypeError) as raised:
        _draws(DAILY, call("x", {"text": "secret"}), lambda _: count)
    assert "secret" not in str(raised.value)


def test_a_tokenizer_that_breaks_denies() -> None:
    def broken(_: str) -> int:
        raise LookupError("no model")

    with pytest.raises(LookupError):
        _draws(DAILY, call("x"), broken)


def test_a_tokenizer_is_asked_once_a_message_and_never_for_what_is_free() -> None:
    seen = []

    def count(text: str) -> int:
        seen.append(text)
        return 3

    sections = {"budgets": [DAILY, MONTHLY]}
    asked(sections, context(call("x"), caller=ANN), count)
    assert len(seen) == 1
    asked(sections, context(legacy("tools/list"), caller=ANN), count)
    asked({"budgets": [{"per": "tool", "tokens": "1/day"}]}, context(legacy("prompts/get")), count)
    assert len(seen) == 1


@pytest.mark.parametrize(
    "method",
    ["initialize", "ping", "tools/list", "server/discover", "notifications/cancelled", "notifications/progress"],
)
def test_connecting_listing_and_notices_are_free(method: str) -> None:
    assert _draws(DAILY, legacy(method)) == []


@pytest.mark.parametrize(
    "method", ["tools/call", "prompts/get", "resources/read", "completion/complete", "tasks/result"]
)
def test_whatever_brings_content_is_counted(method: str) -> None:
    assert len(_draws(DAILY, legacy(method))) == 1


def test_a_call_without_an_id_is_counted_too() -> None:
    # A server may run it all the same.
    assert len(_draws(DAILY, call("x", id=None))) == 1


def test_a_budget_per_tool_is_for_calls_alone() -> None:
    budget = {"per": ["tenant", "tool"], "tokens": "10/day"}
    assert len(_draws(budget, call("x"))) == 1 and _draws(budget, legacy("prompts/get", {"name": "x"})) == []


def test_a_tenant_has_one_budget_and_callers_without_one_their_own() -> None:
    def key(caller: Caller) -> str:
        [draw] = _draws(MONTHLY, call("x"), caller=caller)
        return draw.key

    acme = [key(Caller(name, True, tenant="acme")) for name in ("ann", "bob")]
    alone = [key(Caller(name, True)) for name in ("ann", "bob")]
    assert acme[0] == acme[1] and len({*acme, *alone}) == 3


def test_a_window_is_a_day_or_month_of_utc() -> None:
    now = _at(2026, 11, 21, 18, 30)
    [day] = _draws(DAILY, call("x"), now=now)
    [month] = _draws(MONTHLY, call("x"), now=now)
    assert ":2026-11-21:" in day.key and day.ends == 5.5 * 3600
    assert ":2026-11:" in month.key and month.ends == 9 * 86400 + 5.5 * 3600
    assert day.shared.startswith("budget:") and ":2026-11-21:~4.192" in day.shared


@pytest.mark.parametrize(
    ("span", "last", "name", "after", "days"),
    [
        ("day", _at(2026, 12, 31, 23, 59, 59), "2026-12-31", "2027-01-01", 1),
        ("month", _at(2026, 12, 31, 23, 59, 59), "2026-12", "2027-01", 31),
        ("month", _at(2028, 2, 29, 23, 59, 59), "2028-02", "2028-03", 29),
        ("month", _at(2027, 2, 28, 23, 59, 59), "2027-02", "2027-03", 28),
        ("month", _at(2100, 2, 28, 23, 59, 59), "2100-02", "2100-03", 28),
        ("month", _at(2026, 4, 30, 23, 59, 59), "2026-04", "2026-05", 30),
        ("day", _at(2028, 2, 28, 23, 59, 59), "2028-02-28", "2028-02-29", 1),
        # Clocks are put back in Europe and on in Australia: UTC does not notice.
        ("day", _at(2026, 10, 25, 23, 59, 59), "2026-10-25", "2026-10-26", 1),
        ("day", _at(2026, 3, 29, 23, 59, 59), "2026-03-29", "2026-03-30", 1),
    ],
)
def test_the_last_second_of_a_window_is_its_own_and_the_next_begins_another(
    span: str, last: float, name: str, after: str, days: int
) -> None:
    window, ends = budgets.window(span, last)
    assert (window.name, window.days, ends) == (name, days, 1.0)
    following, whole = budgets.window(span, last + 1.0)
    assert following.name == after and whole == following.days * 86400


@given(st.floats(0, _at(9998, 12, 1), allow_nan=False), st.sampled_from(["day", "month"]))
def test_a_window_ends_after_now_and_where_the_calendar_says(now: float, span: str) -> None:
    window, ends = budgets.window(span, now)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=now // 86400)
    assert window.name == moment.strftime("%Y-%m-%d" if span == "day" else "%Y-%m")
    assert window.days == (1 if span == "day" else monthrange(moment.year, moment.month)[1])
    assert 0 < ends <= window.days * 86400
    # The end is a midnight, and another window.
    assert (now + ends) % 86400 == pytest.approx(0, abs=1e-3) or (now + ends) % 86400 > 86399.9
    assert budgets.window(span, round(now + ends))[0].name != window.name


@given(st.floats(0, _at(2200, 1, 1)), st.floats(0, _at(2200, 1, 1)))
def test_a_later_moment_is_never_in_an_earlier_window(one: float, other: float) -> None:
    first, second = sorted((one, other))
    for span in ("day", "month"):
        assert budgets.window(span, first)[0].end <= budgets.window(span, second)[0].end


def test_a_spent_budget_says_how_much_there_was_and_when_there_is_more() -> None:
    for budget, name, quota, seconds in (
        (DAILY, "caller-tokens-day", 1000, 86400),
        (MONTHLY, "tenant-tokens-month", 20000, 30 * 86400),
    ):
        [found] = spent({"budgets": [budget]}, context(call("x")), Till(Refusal(0, 77.5))).findings
        assert (found.code, found.retry_after) == ("SMCP403", 77.5)
        assert found.data == {"name": name, "quota": quota, "window": seconds, "unit": "tokens"}


def test_a_result_is_taken_from_the_very_budgets_of_its_request() -> None:
    request = context(call("x"), caller=ANN, now=_at(2026, 12, 31, 23, 59, 59))
    request.draws = spent({"budgets": [DAILY, MONTHLY]}, request, Till()).draws
    result = result_draws(request, 321)
    assert [draw.cost for draw in result] == [321, 321]
    assert [draw.key for draw in result] == [draw.key for draw in request.draws]
    assert [draw.limit for draw in result] == [1000, 20000]
    assert result_draws(Context(), 5) == ()
