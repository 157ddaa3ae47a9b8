"""Dates and times as RFC 3339 writes them."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.date import DateRule
from smcp_security.errors import PolicyError
from smcp_security.policy.contracts import DateContract

DAY = DateRule(DateContract())
CLOCK = DateRule(DateContract(form="time"))
MOMENT = DateRule(DateContract(form="date-time"))


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (DAY, "2027-06-01"), (DAY, "2024-02-29"), (DAY, "0001-01-01"), (CLOCK, "23:59:59Z"),
        (CLOCK, "09:30:00.123456789+02:00"), (MOMENT, "2027-06-01T09:30:00Z"), (MOMENT, "2027-06-01t09:30:00-11:30"),
    ],
)  # fmt: skip
def test_what_the_form_allows_is_accepted(rule: DateRule, value: str) -> None:
    assert rule.fault(value) is None


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (DAY, "2027-02-29"), (DAY, "2027-13-01"), (DAY, "27-06-01"), (DAY, "20270601"), (DAY, "2027-06-01 "),
        (DAY, "2027-06-01\n"), (DAY, "2027-06-01T00:00:00Z"), (DAY, "2027-06-01' OR 1=1"), (DAY, "２０２７-06-01"),
        (DAY, ""), (DAY, "0000-01-01"), (DAY, "2027-W23-2"), (CLOCK, "24:00:00Z"), (CLOCK, "09:30Z"),
        (CLOCK, "09:30:00"), (CLOCK, "09:30:60Z"), (CLOCK, "09:30:00+24:00"), (MOMENT, "2027-06-01"),
        (MOMENT, "2027-06-01 09:30:00Z"), (MOMENT, "2027-06-01T09:30:00"), (MOMENT, "2027-06-01T09:30:00z;id"),
        (MOMENT, "0001-01-01T00:00:00+12:00"), (MOMENT, "2027-06-01T09:30:00." + "1" * 90_000 + "Z"),
    ],
)  # fmt: skip
def test_what_is_no_day_or_of_another_form_is_refused(rule: DateRule, value: str) -> None:
    fault = rule.fault(value)
    assert fault is not None
    assert fault.code == "SMCP517"


def test_the_bounds_of_the_policy_belong_to_what_is_accepted() -> None:
    rule = DateRule(DateContract(earliest="2027-01-01", latest="2027-12-31"))
    values = ["2026-12-31", "2027-01-01", "2027-12-31", "2028-01-01"]
    assert [value for value in values if rule.fault(value) is None] == values[1:3]


def test_bounds_are_compared_at_one_place_on_earth() -> None:
    rule = DateRule(DateContract(form="date-time", latest="2027-06-01T12:00:00Z"))
    assert rule.fault("2027-06-01T13:59:00+02:00") is None
    assert rule.fault("2027-06-01T11:00:00-02:00") is not None
    clock = DateRule(DateContract(form="time", earliest="09:00:00Z", latest="17:00:00Z"))
    assert clock.fault("10:00:00+01:00") is None
    assert clock.fault("17:00:00-01:00") is not None


def test_a_bound_of_another_form_is_an_error_of_the_policy() -> None:
    model = DateContract.model_construct(form="date", earliest="soon", latest=None)
    with pytest.raises(PolicyError, match="bound"):
        DateRule(model)


def test_a_date_may_be_typed_one_character_after_the_other() -> None:
    value = "2027-06-01T09:30:00.5+02:00"
    assert [length for length in range(len(value)) if MOMENT.fault_of_beginning(value[:length]) is not None] == []
    assert MOMENT.fault_of_beginning("2027-06-01'") is not None
    assert MOMENT.fault_of_beginning("2" * 50) is not None


@settings(max_examples=40)
@given(st.datetimes(timezones=st.just(datetime.UTC)))
def test_every_moment_of_the_standard_library_is_accepted(value: datetime.datetime) -> None:
    assert MOMENT.fault(value.isoformat()) is None
