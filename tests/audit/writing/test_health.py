"""What the operator is told of a sink in trouble: once when it begins, once when it ends."""

from __future__ import annotations

import errno

from smcp_security.audit.writing.health import NOTHING, Health, Loss


def test_a_healthy_sink_says_nothing() -> None:
    health = Health("audit.jsonl")
    assert health.written(NOTHING, relieved=True) is None
    assert health.good and health.unreported == NOTHING


def test_a_loss_that_goes_on_is_told_once_and_counted_whole() -> None:
    """A disk that is only slow drops some records between any two writes: that must not flood the log."""
    health = Health("audit.jsonl")
    told = []
    for second in range(5):
        told.append(health.lost(float(second), "the queue is full"))
        told.append(health.written(health.unreported, relieved=False))
    told.append(health.written(NOTHING, relieved=True))
    assert [message for message in told if message] == [
        "audit file audit.jsonl loses records: the queue is full. They are counted.",
        "audit file audit.jsonl is written again; 5 records were lost",
    ]
    assert health.good


def test_what_is_lost_during_a_write_is_reported_by_the_next() -> None:
    health = Health("audit.jsonl")
    health.lost(1.0, "the queue is full")
    reported = health.unreported
    health.lost(2.0, "the queue is full")
    assert reported == Loss(1, 1.0, 1.0)
    assert health.written(reported, relieved=True) is None
    assert health.unreported.count == 1 and not health.good
    assert (
        health.written(health.unreported, relieved=True)
        == "audit file audit.jsonl is written again; 2 records were lost"
    )


def test_a_second_trouble_is_counted_from_the_beginning() -> None:
    health = Health("audit.jsonl")
    for _ in range(2):
        assert health.lost(1.0, "the queue is full")
        assert "; 1 records were lost" in (health.written(health.unreported, relieved=True) or "")


def test_a_failure_is_told_once_until_a_write_succeeds() -> None:
    health = Health("audit.jsonl")
    assert "No space left" in (health.failed(OSError(errno.ENOSPC, "full")) or "")
    assert health.failed(OSError(errno.ENOSPC, "full")) is None
    assert "no record was lost" in (health.written(NOTHING, relieved=True) or "")
    assert "Permission denied. Let this user" in (health.failed(OSError(errno.EACCES, "no")) or "")


def test_an_error_without_a_number_is_told_by_its_type() -> None:
    assert "TimeoutError. Check the file" in (Health("audit.jsonl").failed(TimeoutError("text")) or "")
