"""How long the shipper waits before it tries again."""

from __future__ import annotations

import pytest

from smcp_security.audit.ship.carrier import Undelivered
from smcp_security.audit.ship.collector import _wait
from smcp_security.audit.ship.pace import Pace


def bounds(problem: Undelivered, failures: int) -> tuple[float, float]:
    drawn = [Pace().pause(problem, failures) for _ in range(300)]
    return min(drawn), max(drawn)


@pytest.mark.parametrize(
    ("failures", "low", "high"), [(1, 0.25, 0.5), (2, 0.5, 1.0), (4, 2.0, 4.0), (20, 30.0, 60.0), (10_000, 30.0, 60.0)]
)
def test_pauses_double_up_to_a_minute_and_differ(failures: int, low: float, high: float) -> None:
    least, most = bounds(Undelivered("away"), failures)
    assert low <= least < most <= high


@pytest.mark.parametrize(("failures", "low", "high"), [(1, 30.0, 60.0), (3, 120.0, 240.0), (50, 450.0, 900.0)])
def test_who_says_never_is_asked_every_few_minutes(failures: int, low: float, high: float) -> None:
    least, most = bounds(Undelivered("no", hopeless=True), failures)
    assert low <= least < most <= high


def test_who_says_when_is_asked_then_and_not_before() -> None:
    least, most = bounds(Undelivered("busy", wait=120.0), 1)
    assert 120.0 <= least < most <= 132.0


def test_a_wait_of_no_time_is_no_hammering() -> None:
    assert bounds(Undelivered("busy", wait=0.0), 1)[0] >= 0.5


def test_smaller_requests_are_tried_at_once() -> None:
    assert bounds(Undelivered("large", smaller=True), 5) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("30", 30.0),
        (" 7 ", 7.0),
        ("999999999999", 3600.0),
        ("-1", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Fri, 31 Dec 2199 23:59:59 GMT", 3600.0),
        ("Fri, 99 Dec 2199 23:59:59 GMT", None),
        ("\u0663", None),
    ],
)
def test_what_a_collector_asks_for_is_at_most_an_hour(header: str | None, seconds: float | None) -> None:
    assert _wait(header) == seconds
