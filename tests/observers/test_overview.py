"""What several frameworks of one process show: the worst of each, every loss once."""

from __future__ import annotations

from smcp_security.observers import overview
from tests.observers.samples import FakeSink, subject


def test_the_worst_of_several_is_shown() -> None:
    good, bad = subject(), subject(sink=FakeSink(healthy=False), away=True)
    assert overview.away([good, bad])
    assert not overview.healthy([good, bad])
    assert not overview.away([good])
    assert overview.healthy([good])


def test_a_sink_that_two_policies_share_waits_once() -> None:
    shared = FakeSink(waiting=5)
    assert overview.waiting([subject(sink=shared), subject(sink=shared)]) == 5
    assert overview.waiting([subject(sink=shared), subject(sink=FakeSink(waiting=2))]) == 7


def test_the_largest_lag_of_each_destination_counts() -> None:
    first, second = FakeSink(behind={"http-0": 10, "syslog-1": 5}), FakeSink(behind={"http-0": 30})
    assert overview.lags([subject(sink=first), subject(sink=second)]) == {"http-0": 30, "syslog-1": 5}


def test_each_loss_is_counted_once_whoever_looks_how_often() -> None:
    sink, losses = FakeSink(lost=3), overview.Losses()
    assert losses.since([sink]) == 3
    assert losses.since([sink]) == 0
    sink.lost = 5
    assert losses.since([sink, FakeSink(lost=1)]) == 3


def test_a_sink_that_a_reload_takes_over_does_not_count_anew() -> None:
    sink, losses = FakeSink(lost=3), overview.Losses()
    losses.since(overview.sinks_of([subject(sink=sink)]))
    losses.since(overview.sinks_of([subject(sink=sink), subject(sink=sink)]))
    assert losses.since(overview.sinks_of([subject(sink=sink)])) == 0
