"""Whether the audit takes records: what a sink says of itself, and what the disk says before any record fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from smcp_security.audit.ship import ShipHealth
from smcp_security.audit.sink import FileSink
from smcp_security.audit.writing.spool import State
from smcp_security.errors import Unavailable
from smcp_security.health.asking import Ailing
from smcp_security.health.records import questions
from smcp_security.policy import Policy

FINE = State(queued=0, limit=100, lost=0, failing="", unsynced=0.0)
ROOM = os.statvfs_result((4096, 4096, 10, 5, 5, 10, 5, 5, 0, 255))
FULL = os.statvfs_result((4096, 4096, 10, 0, 0, 10, 5, 5, 0, 255))


class Shipping:
    """Says what it is told to say."""

    def __init__(self) -> None:
        self.error = ""

    def start(self) -> None:
        """Nothing is sent."""

    def close(self, timeout: float) -> None:
        """Nothing was sent."""

    def health(self) -> tuple[ShipHealth, ...]:
        return (ShipHealth("syslog-0", "/dev/log", True, 4096, 0, self.error, None),)


@pytest.fixture
def shipping() -> Shipping:
    return Shipping()


@pytest.fixture
def sink(tmp_path: Path, shipping: Shipping) -> Iterator[FileSink]:
    sink = FileSink(tmp_path / "audit.jsonl", shipping=cast("Any", shipping))
    yield sink
    sink.close()


def asked(sink: FileSink, part: str = "audit", **audit: Any) -> str:
    """What one part says, or raises."""
    policy = Policy.from_dict({"version": 1, "audit": {"file": sink.path, **audit}})
    [ask] = [question.ask for question in questions(sink, policy.audit) if question.part == part]
    return ask()


def says(monkeypatch: pytest.MonkeyPatch, state: State) -> None:
    monkeypatch.setattr(FileSink, "state", lambda sink: state)


def test_an_audit_that_has_no_file_yet_can_be_written(sink: FileSink) -> None:
    assert asked(sink) == "the file is written"


def test_an_audit_whose_folder_may_not_be_written_takes_no_record(
    sink: FileSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smcp_security.health.records.os.access", lambda path, mode: path != os.path.dirname(sink.path))
    with pytest.raises(Unavailable, match="may not be written by this process"):
        asked(sink)


def test_a_disk_that_is_full_is_seen_before_a_record_is_lost(sink: FileSink, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(sink.path).write_text("")
    monkeypatch.setattr("smcp_security.health.records.os.statvfs", lambda path: FULL)
    with pytest.raises(Unavailable, match=r"the disk of .* is full"):
        asked(sink)
    monkeypatch.setattr("smcp_security.health.records.os.statvfs", lambda path: ROOM)
    assert asked(sink) == "the file is written"


def test_a_file_of_callers_that_is_gone_is_seen_before_a_caller_comes(sink: FileSink) -> None:
    put_aside = Path(sink.people.path).rename(f"{sink.people.path}.aside")
    with pytest.raises(Unavailable, match="put it back"):
        asked(sink)
    put_aside.rename(sink.people.path)
    assert asked(sink) == "the file is written"


def test_a_write_that_failed_is_told_with_its_reason(sink: FileSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileSink, "healthy", False)
    says(monkeypatch, State(3, 100, 0, "No space left on device", 0.0))
    with pytest.raises(Unavailable, match=r"audit\.jsonl cannot be written: No space left on device"):
        asked(sink)


def test_records_that_wait_for_a_slow_disk_are_told(sink: FileSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileSink, "flush", lambda sink, timeout: False)
    with pytest.raises(Unavailable, match="0 records wait for the disk for over 1 s"):
        asked(sink)


def test_a_queue_that_fills_up_is_told_while_records_are_taken_yet(
    sink: FileSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, State(80, 100, 0, "", 0.0))
    assert asked(sink) == "the file is written"
    says(monkeypatch, State(81, 100, 0, "", 0.0))
    with pytest.raises(Ailing, match="81 of 100 records wait"):
        asked(sink)


def test_records_that_are_not_synced_are_told_where_they_ought_to_be(
    sink: FileSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, State(0, 100, 0, "", 11.0))
    assert asked(sink, fsync="never") == "the file is written"
    with pytest.raises(Ailing, match="not synced since 11 s"):
        asked(sink)


def test_records_that_were_lost_once_are_told_for_good(sink: FileSink, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, State(0, 100, 7, "", 0.0))
    assert asked(sink) == "the file is written; 7 records lost since the start"


def test_what_is_shipped_says_how_far_it_lags_and_why(sink: FileSink, shipping: Shipping) -> None:
    assert asked(sink, "ship") == "syslog-0 is 4096 bytes behind"
    shipping.error = "connection refused"
    with pytest.raises(Ailing, match="syslog-0 is 4096 bytes behind: connection refused"):
        asked(sink, "ship")


@pytest.mark.parametrize("on_failure", ["deny", "continue"])
def test_the_audit_is_vital_where_it_denies_and_what_is_shipped_never_is(sink: FileSink, on_failure: str) -> None:
    policy = Policy.from_dict({"version": 1, "audit": {"file": sink.path, "on_failure": on_failure}})
    vital = {question.part: question.vital for question in questions(sink, policy.audit)}
    assert vital == {"audit": on_failure == "deny", "ship": False}
