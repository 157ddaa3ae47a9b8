"""What waits to be counted: exact in its numbers, bounded in its size."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from smcp_security.checks.rung import Context
from smcp_security.decision import Timings
from smcp_security.observers import Ending
from smcp_security.observers.labels import ToolNames
from smcp_security.observers.tally import SAMPLED, Tally
from tests.observers import samples

CONTEXT = Context()


def _tally(batch: int = 10_000) -> Tally:
    return Tally(ToolNames(lambda tool, upstream: tool == "search"), lambda: None, batch)


def test_verdicts_are_counted_by_action_code_and_tool() -> None:
    tally, about = _tally(), samples.message()
    for decision in (
        samples.verdict(about),
        samples.verdict(about),
        samples.verdict(about, "SMCP604"),
        samples.verdict(samples.message(name="made up"), "SMCP501", allowed=False),
    ):
        tally.decided(decision, CONTEXT, "asgi")
    assert tally.take().verdicts == {
        ("pass", "", "search"): 2,
        ("report", "SMCP604", "search"): 1,
        ("block", "SMCP501", "other"): 1,
    }
    assert tally.take().verdicts == {}


def test_a_denied_request_is_one_whose_status_is_known_at_once() -> None:
    tally = _tally()
    tally.decided(samples.verdict(samples.message(), "SMCP501", allowed=False), CONTEXT, "asgi")
    tally.decided(samples.verdict(samples.message()), CONTEXT, "asgi")
    tally.decided(samples.verdict(samples.notification(), "SMCP104", allowed=False), CONTEXT, "asgi")
    tally.decided(samples.verdict(None, "SMCP101", allowed=False), CONTEXT, "asgi")
    assert tally.take().requests == {("search", "denied"): 1}


@pytest.mark.parametrize(
    ("result", "timed"),
    [
        ("complete", True),
        ("error", True),
        ("tool-error", True),
        ("withheld", True),
        ("cancelled", False),
        ("broken", False),
        ("refused", False),
    ],
)
def test_an_ending_is_counted_and_timed_where_somebody_waited_for_it(result: str, timed: bool) -> None:
    tally = _tally()
    tally.ended(samples.verdict(samples.message()), Ending(result, 200, 10, 0.25))
    batch = tally.take()
    assert batch.requests == {("search", result): 1}
    assert batch.durations == ({("search", "tools/call", ""): [0.25]} if timed else {})


def test_a_result_that_no_release_knows_makes_no_label() -> None:
    tally = _tally()
    tally.ended(samples.verdict(samples.message()), Ending("made up by somebody", 200, 10, 0.25))
    assert tally.take().requests == {("search", "other"): 1}


def test_what_nobody_waits_for_is_no_request() -> None:
    tally = _tally()
    tally.ended(samples.verdict(samples.notification()), Ending("complete"))
    tally.ended(samples.verdict(None), Ending("complete"))
    assert tally.take().requests == {}


def test_a_withheld_answer_is_counted_under_its_code() -> None:
    tally = _tally()
    tally.ended(samples.verdict(samples.message()), Ending("withheld", findings=samples.blocked("SMCP701")))
    tally.ended(samples.verdict(samples.message()), Ending("complete", findings=samples.blocked("SMCP701")))
    assert tally.take().withheld == {("SMCP701", "search"): 1}


def test_every_verdict_is_timed_and_one_in_sixteen_rung_by_rung() -> None:
    tally = _tally()
    for _ in range(2 * SAMPLED):
        tally.decided(samples.verdict(samples.message()), CONTEXT, "asgi")
    batch = tally.take()
    assert batch.decisions == pytest.approx([12e-6] * 2 * SAMPLED)
    assert batch.rungs == {"envelope": pytest.approx([2e-6] * 2), "injection": pytest.approx([10e-6] * 2)}


def test_a_refusal_of_an_edge_took_no_time_in_any_rung() -> None:
    tally = _tally()
    refusal = samples.verdict(None, "SMCP110", allowed=False)
    tally.decided(type(refusal)(False, "1", refusal.findings, timings=Timings()), CONTEXT, "asgi")
    batch = tally.take()
    assert batch.verdicts == {("block", "SMCP110", ""): 1}
    assert batch.decisions == []


def test_the_caller_whose_verdict_makes_a_batch_has_it_counted() -> None:
    told: list[int] = []
    tally = Tally(ToolNames(lambda tool, upstream: True), lambda: told.append(1), batch=3)
    for _ in range(2):
        tally.decided(samples.verdict(samples.message()), CONTEXT, "asgi")
    assert told == []
    tally.decided(samples.verdict(samples.message()), CONTEXT, "asgi")
    assert told == [1]


def test_where_nobody_counts_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smcp_security.observers.tally.MOST_WAITING", 100)
    tally = _tally()
    ending, decision = Ending("complete"), samples.verdict(samples.message())
    for _ in range(110):
        tally.ended(decision, ending)
    assert tally.take().requests == {("search", "complete"): 100}


def test_what_a_child_inherits_is_not_counted_twice() -> None:
    tally = _tally()
    tally.decided(samples.verdict(samples.message()), CONTEXT, "asgi")
    tally.forget()
    assert tally.take().verdicts == {}


def test_no_verdict_is_lost_or_doubled_between_threads() -> None:
    tally, decision, found = _tally(), samples.verdict(samples.message()), 0

    def serve() -> None:
        for _ in range(500):
            tally.decided(decision, CONTEXT, "asgi")

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(serve) for _ in range(4)]
        while not all(each.done() for each in running):
            found += sum(tally.take().verdicts.values())
    assert found + sum(tally.take().verdicts.values()) == 2_000
