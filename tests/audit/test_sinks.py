"""The logger as a sink, and which sink a policy gets."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smcp_security.audit import FileSink, LoggerSink, Sink, open_sink, outcome_record
from smcp_security.decision import Decision, finding
from smcp_security.errors import AuditUnavailable, PolicyError
from smcp_security.observers import Ending
from smcp_security.policy.audit import AuditPolicy
from tests.audit.conftest import WAIT, people_and_keys
from tests.audit.disk import Disk
from tests.audit.test_record import DENIED, HOSTILE, decided


def settings(file: str | None, **others: Any) -> AuditPolicy:
    """The policy's `audit` section."""
    return AuditPolicy.model_validate({"file": file, **others})


def file_sink(path: str) -> FileSink:
    """A sink whose keys are on no disk."""
    people, keys = people_and_keys()
    return FileSink(path, people=people, keys=keys)


def outcome(result: str) -> dict[str, Any]:
    """The outcome of a call that ended in `result`."""
    return outcome_record(id="id-1", at=0.0, ending=Ending(result, 200, 1))


@pytest.mark.parametrize(
    ("record", "level"),
    [
        (decided(DENIED), logging.WARNING),
        (decided(), logging.INFO),
        (outcome("complete"), logging.INFO),
        (outcome("withheld"), logging.WARNING),
    ],
    ids=["denied", "allowed", "complete", "withheld"],
)
def test_refusals_are_warnings_and_the_rest_is_information(
    record: dict[str, Any], level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "smcp_security.audit")
    LoggerSink().write(record)
    (logged,) = caplog.records
    assert (logged.name, logged.levelno) == ("smcp_security.audit", level)
    assert json.loads(logged.getMessage())["id"] == record["id"]


def test_a_logged_record_is_one_line_whatever_the_caller_sent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "smcp_security.audit")
    LoggerSink().write(decided(target=HOSTILE + "%s %d", label=HOSTILE))
    message = caplog.records[0].getMessage()
    assert message.isascii() and message.isprintable()
    assert json.loads(message)["target"] == HOSTILE + "%s %d"


def test_a_record_below_the_level_is_not_even_encoded(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "smcp_security.audit")
    unencodable = {"kind": "outcome", "result": "complete", "value": object()}
    LoggerSink().write(unencodable)
    assert not caplog.records
    with pytest.raises(TypeError):
        LoggerSink().write(unencodable | {"result": "withheld"})


def test_refusals_show_on_stderr_without_any_logging_set_up() -> None:
    program = (
        "from smcp_security.audit import LoggerSink\n"
        "sink = LoggerSink()\n"
        "sink.write({'kind': 'decision', 'allowed': True, 'id': 'let-through'})\n"
        "sink.write({'kind': 'decision', 'allowed': False, 'id': 'refused'})\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, timeout=60, capture_output=True)
    assert json.loads(done.stderr)["id"] == "refused"


def test_the_logger_is_always_flushed_and_outlives_closing(caplog: pytest.LogCaptureFixture) -> None:
    sink = LoggerSink()
    sink.close()
    assert sink.flush(0.0) and sink.healthy
    sink.write(decided(Decision(False, "late", findings=(finding("SMCP501"),))))
    assert len(caplog.records) == 1


def test_a_policy_without_a_file_gets_the_logger() -> None:
    assert isinstance(open_sink(settings(None)), LoggerSink)


def test_a_policy_with_a_file_gets_that_file(tmp_path: Path) -> None:
    sink = open_sink(settings(str(tmp_path / "audit.jsonl")))
    sink.write({"n": 1})
    sink.close()
    kinds = [json.loads(line).get("kind", "mine") for line in (tmp_path / "audit.jsonl").read_bytes().splitlines()]
    assert kinds == ["open", "mine", "close"]
    assert (tmp_path / "audit.jsonl.keys").exists()


def test_the_policys_queue_and_failure_rule_are_those_of_the_sink(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    sink = open_sink(settings(str(tmp_path / "logs" / "audit.jsonl"), on_failure="deny", queue=2))
    (tmp_path / "logs").rename(tmp_path / "elsewhere")
    sink.write({"n": 1})
    sink.write({"n": 2})
    with pytest.raises(AuditUnavailable):
        sink.write({"n": 3})
    assert isinstance(sink, FileSink)
    sink.close(0.0)


@pytest.mark.parametrize(
    ("place", "problem"),
    [("missing/audit.jsonl", "does not exist"), (".", "is a directory"), ("f/a", "does not exist")],
)
def test_a_file_that_cannot_be_made_stops_the_start(tmp_path: Path, place: str, problem: str) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(PolicyError, match=rf"audit\.file: .*{problem}"):
        open_sink(settings(str(tmp_path / place)))


def test_what_comes_after_the_end_goes_to_the_heir_and_both_are_flushed(tmp_path: Path) -> None:
    before, heir = file_sink(str(tmp_path / "a.jsonl")), Disk()
    before.write({"n": 1})
    before.close_for(heir)
    before.write({"n": 2})
    assert heir.records == [{"n": 2}] and (before.lost, before.waiting) == (0, 0)
    assert before.flush(WAIT) and heir.flushed == [1]
    heir.answers = False
    assert not before.flush(WAIT)


@pytest.mark.parametrize("make", [LoggerSink, lambda: file_sink("/dev/null")], ids=["logger", "file"])
def test_every_sink_can_be_written_flushed_and_closed(make: Callable[[], Sink]) -> None:
    sink = make()
    sink.write(decided())
    assert sink.flush(WAIT) and sink.healthy
    sink.close()
