"""The file sink: takes records without waiting, says when it cannot, and recovers without a restart."""

from __future__ import annotations

import gc
import json
import logging
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from smcp_security.audit import Entry, FileSink
from smcp_security.audit.writing import spool, writer
from smcp_security.audit.writing.journal import Journal
from smcp_security.errors import AuditUnavailable
from tests.audit.conftest import WAIT, Alarms, open_copies

MARKS = {"open", "close", "checkpoint", "torn"}
SinkAt = Callable[..., FileSink]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def read(path: Path) -> list[dict[str, Any]]:
    """Every line of the file, each of which must be a record; without what the writer says of itself."""
    return records_of(path.read_bytes())


def read_pipe(path: Path, count: int) -> list[dict[str, Any]]:
    """The next `count` records of a pipe, without what the writer says of itself."""
    with path.open("rb") as pipe:
        found: list[dict[str, Any]] = []
        while len(found) < count:
            found += records_of(pipe.readline())
        return found


def records_of(lines: bytes) -> list[dict[str, Any]]:
    """The records of some lines without what the writer says of itself."""
    return [record for record in map(json.loads, lines.splitlines()) if record.get("kind") not in MARKS]


def numbers(records: list[dict[str, Any]]) -> list[int]:
    """The numbers of the test's own records, in file order."""
    return [record["n"] for record in records if "n" in record]


def lost(records: list[dict[str, Any]]) -> int:
    """How many records the file itself says are missing."""
    return sum(record["count"] for record in records if record.get("kind") == "lost")


def break_directory(path: Path) -> None:
    """Put a file where the directory was: no open below it can succeed, not even root's."""
    path.parent.rename(path.parent.with_suffix(".away"))
    path.parent.touch()


def mend_directory(path: Path) -> None:
    """Bring the directory back."""
    path.parent.unlink()
    path.parent.with_suffix(".away").rename(path.parent)


@pytest.fixture
def fragile(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs" / "audit.jsonl"


def test_records_are_written_in_the_order_they_came(path: Path, sink_at: SinkAt) -> None:
    sink = sink_at(path)
    for n in range(1_000):
        sink.write({"n": n})
    assert sink.flush(WAIT)
    assert numbers(read(path)) == list(range(1_000))


def test_records_arrive_without_a_flush(path: Path, sink_at: SinkAt) -> None:
    os.mkfifo(path)
    sink_at(path).write({"n": 1})
    assert numbers(read_pipe(path, 1)) == [1]


def test_a_record_that_follows_a_pause_arrives_without_a_flush(
    path: Path, sink_at: SinkAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each record finds the writer asleep, or nearly so, and has to wake it."""
    monkeypatch.setattr(spool, "LINGER", 0.0)
    os.mkfifo(path)
    sink = sink_at(path)
    came: list[bytes] = []

    def read_each() -> None:
        with path.open("rb") as pipe:
            for n in range(20):
                sink.write({"n": n})
                came.append(pipe.readline())
                while b'"n":' not in came[-1]:
                    came[-1] = pipe.readline()

    reader = threading.Thread(target=read_each, daemon=True)
    sink.write({"n": -1})
    reader.start()
    reader.join(WAIT)
    assert len(came) == 20


def test_one_write_is_bounded_in_lines_and_bytes(path: Path, sink_at: SinkAt, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[Sequence[Entry]] = []
    monkeypatch.setattr(Journal, "append", lambda self, entries: writes.append(entries))
    monkeypatch.setattr(spool, "LINGER", WAIT * 10)
    sink = sink_at(path)
    for n in range(100):
        sink.write({"n": n, "text": "x" * 10_000})
    for n in range(2 * spool.BATCH_LINES):
        sink.write({"n": n})
    assert sink.flush(WAIT)
    assert max(map(len, writes)) == spool.BATCH_LINES
    assert spool.BATCH_BYTES <= max(sum(map(len, entries)) for entries in writes) <= spool.BATCH_BYTES + 11_000
    assert sum(map(len, writes)) == 100 + 2 * spool.BATCH_LINES


def test_a_record_is_kept_as_it_was_when_written(path: Path, sink_at: SinkAt) -> None:
    sink = sink_at(path)
    record = {"n": 1}
    sink.write(record)
    record["n"] = 2
    assert sink.flush(WAIT)
    assert numbers(read(path)) == [1]


def test_records_of_many_threads_are_all_there(path: Path, sink_at: SinkAt) -> None:
    sink = sink_at(path)
    threads = [
        threading.Thread(target=lambda part=part: [sink.write({"n": part * 500 + n}) for n in range(500)])
        for part in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert sink.flush(WAIT)
    assert sorted(numbers(read(path))) == list(range(4_000))


def test_closing_writes_ten_thousand_waiting_records(path: Path, sink_at: SinkAt) -> None:
    os.mkfifo(path)
    sink = sink_at(path, queue=10_000)
    for n in range(10_000):
        sink.write({"n": n})
    records: list[dict[str, Any]] = []
    reader = threading.Thread(target=lambda: records.extend(read_pipe(path, 10_000)))
    reader.start()
    sink.close(WAIT)
    reader.join(WAIT)
    assert numbers(records) == list(range(10_000))


def test_closing_ends_the_thread_and_lets_the_file_go(path: Path, sink_at: SinkAt) -> None:
    sink = sink_at(path)
    sink.write({"n": 1})
    assert sink.flush(WAIT) and open_copies(path) == 1
    sink.close()
    sink.close()
    assert open_copies(path) == 0
    assert not sink._spool._thread.is_alive()  # type: ignore[union-attr]


def test_no_thread_and_no_file_before_the_first_record(path: Path, sink_at: SinkAt) -> None:
    sink = sink_at(path)
    assert sink.flush(0.0) and sink.healthy
    sink.close()
    assert sink._spool._thread is None
    assert not path.exists()


def test_a_record_after_closing_is_refused_or_counted(path: Path, sink_at: SinkAt, alarms: Alarms) -> None:
    strict, lenient = sink_at(path, on_failure="deny"), sink_at(path)
    strict.close()
    lenient.close()
    with pytest.raises(AuditUnavailable, match="closed"):
        strict.write({"n": 1})
    lenient.write({"n": 1})
    assert alarms.told("loses records: the sink is closed") == 2
    assert not strict.healthy and not lenient.healthy


def test_a_relative_path_stays_where_it_was_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sink = FileSink("audit.jsonl")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    sink.write({"n": 1})
    sink.close()
    assert numbers(read(tmp_path / "audit.jsonl")) == [1]


def test_a_failing_file_denies_until_a_write_succeeds_again(fragile: Path, sink_at: SinkAt, alarms: Alarms) -> None:
    sink = sink_at(fragile, on_failure="deny")
    sink.write({"n": 0})
    assert sink.flush(WAIT) and sink.healthy
    break_directory(fragile)
    sink.write({"n": 1})
    assert not sink.flush(WAIT) and not sink.healthy
    for _ in range(3):
        with pytest.raises(AuditUnavailable, match="last write failed"):
            sink.write({"n": -1})
    mend_directory(fragile)
    assert sink.flush(WAIT) and sink.healthy
    sink.write({"n": 2})
    assert sink.flush(WAIT)
    records = read(fragile)
    assert numbers(records) == [0, 1, 2]
    assert (lost(records), records[1]["kind"], records[1]["on_failure"]) == (3, "lost", "deny")
    assert alarms.told("cannot be written") == alarms.told("loses records") == alarms.told("3 records were lost") == 1


def test_a_failing_file_loses_nothing_while_the_queue_has_room(fragile: Path, sink_at: SinkAt, alarms: Alarms) -> None:
    break_directory(fragile)
    sink = sink_at(fragile, queue=100)
    for n in range(100):
        sink.write({"n": n})
    assert not sink.flush(WAIT) and not sink.healthy
    mend_directory(fragile)
    assert sink.flush(WAIT) and sink.healthy
    assert numbers(read(fragile)) == list(range(100))
    assert alarms.told("no record was lost") == 1 and not alarms.told("loses records")


def test_a_failing_file_with_a_full_queue_counts_what_it_drops(fragile: Path, sink_at: SinkAt, alarms: Alarms) -> None:
    break_directory(fragile)
    sink = sink_at(fragile, queue=10)
    for n in range(10 + 7):
        sink.write({"n": n})
    assert not sink.flush(WAIT)
    mend_directory(fragile)
    sink.close(WAIT)
    records = read(fragile)
    assert records[0]["kind"] == "lost" and lost(records) == 7
    assert numbers(records) == list(range(10))
    assert alarms.told("loses records: the queue is full") == alarms.told("7 records were lost") == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")
@pytest.mark.parametrize("on_failure", ["deny", "continue"])
def test_a_full_disk_is_visible_and_recovered_from(
    path: Path, sink_at: SinkAt, alarms: Alarms, on_failure: str
) -> None:
    path.symlink_to("/dev/full")
    sink = sink_at(path, on_failure=on_failure)
    sink.write({"n": 1})
    assert not sink.flush(WAIT) and not sink.healthy
    assert alarms.told("No space left on device. Free some space") == 1
    path.unlink()
    assert sink.flush(WAIT) and sink.healthy
    assert numbers(read(path)) == [1]


def test_a_flush_tries_at_once_and_the_failure_is_told_once(
    fragile: Path, sink_at: SinkAt, alarms: Alarms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY_FIRST", WAIT * 10)
    monkeypatch.setattr(writer, "RETRY_LAST", WAIT * 10)
    break_directory(fragile)
    sink = sink_at(fragile)
    sink.write({"n": 1})
    assert [sink.flush(WAIT) for _ in range(3)] == [False] * 3
    mend_directory(fragile)
    assert sink.flush(WAIT)
    assert alarms.told("cannot be written") == 1


def test_recovery_needs_no_new_record(fragile: Path, sink_at: SinkAt, alarms: Alarms) -> None:
    break_directory(fragile)
    sink = sink_at(fragile)
    sink.write({"n": 1})
    alarms.wait("cannot be written: Not a directory. Create its directory.")
    mend_directory(fragile)
    alarms.wait("is written again")
    assert numbers(read(fragile)) == [1]


@pytest.mark.parametrize("on_failure", ["deny", "continue"])
def test_a_writer_that_hangs_never_holds_up_the_caller(
    path: Path, sink_at: SinkAt, alarms: Alarms, on_failure: str
) -> None:
    """A pipe without a reader blocks the writer's open; the queue fills and the policy speaks."""
    os.mkfifo(path)
    sink = sink_at(path, queue=5, on_failure=on_failure)
    for n in range(5):
        sink.write({"n": n})
    assert not sink.flush(0.01)
    for _ in range(4):
        if on_failure == "deny":
            with pytest.raises(AuditUnavailable, match="queue is full"):
                sink.write({"n": -1})
        else:
            sink.write({"n": -1})
    assert not sink.healthy
    records = read_pipe(path, 6)
    assert numbers(records) == list(range(5)) and lost(records) == 4
    alarms.wait("4 records were lost")
    assert alarms.told("loses records: the queue is full") == 1


def test_long_records_are_bounded_by_their_bytes(path: Path, sink_at: SinkAt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "QUEUE_BYTES", 1_000)
    os.mkfifo(path)
    sink = sink_at(path, queue=100, on_failure="deny")
    sink.write({"n": 1, "text": "x" * 600})
    sink.write({"n": 2, "text": "x" * 600})
    with pytest.raises(AuditUnavailable, match="queue is full"):
        sink.write({"n": 3})
    records = read_pipe(path, 3)
    assert (numbers(records), lost(records)) == ([1, 2], 1)


def test_bytes_that_were_written_make_room_again(path: Path, sink_at: SinkAt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "QUEUE_BYTES", 1_000)
    sink = sink_at(path, on_failure="deny")
    for n in range(20):
        sink.write({"n": n, "text": "x" * 600})
        assert sink.flush(WAIT)
    assert len(read(path)) == 20


def test_closing_a_stuck_sink_gives_up_and_says_what_is_lost(path: Path, alarms: Alarms) -> None:
    os.mkfifo(path)
    sink = FileSink(path)
    for n in range(3):
        sink.write({"n": n})
    sink.close(0.01)
    assert alarms.told("closed with 3 records unwritten") == 1


def test_closing_a_failing_sink_still_writes_if_the_disk_comes_back(fragile: Path, alarms: Alarms) -> None:
    sink = FileSink(fragile)
    break_directory(fragile)
    sink.write({"n": 1})
    alarms.wait("cannot be written")
    closing = threading.Thread(target=sink.close, args=(WAIT,))
    closing.start()
    mend_directory(fragile)
    closing.join(WAIT)
    assert numbers(read(fragile)) == [1]


def test_a_renamed_file_is_followed_by_a_new_one(path: Path, sink_at: SinkAt) -> None:
    sink = sink_at(path)
    sink.write({"n": 1})
    assert sink.flush(WAIT)
    path.rename(path.with_suffix(".1"))
    sink.write({"n": 2})
    assert sink.flush(WAIT)
    assert (numbers(read(path.with_suffix(".1"))), numbers(read(path))) == ([1], [2])


def test_rotation_under_load_loses_nothing(path: Path, sink_at: SinkAt) -> None:
    sink = sink_at(path)
    rotated = []
    for n in range(2_000):
        sink.write({"n": n})
        if n % 200 == 199:
            assert sink.flush(WAIT)
            rotated.append(path.rename(path.with_suffix(f".{n}")))
    assert [n for file in rotated for n in numbers(read(file))] == list(range(2_000))


def test_an_idle_writer_ends_and_the_next_record_starts_another(
    path: Path, sink_at: SinkAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "IDLE_SECONDS", 0.0)
    sink = sink_at(path, on_failure="deny")
    for n in range(20):
        sink.write({"n": n})
        thread = sink._spool._thread
        assert thread is not None
        thread.join(WAIT)
        assert not thread.is_alive()
    assert numbers(read(path)) == list(range(20))


@pytest.mark.parametrize("on_failure", ["deny", "continue"])
def test_a_writer_that_died_of_a_bug_is_told_and_replaced_and_its_records_are_written(
    path: Path, sink_at: SinkAt, alarms: Alarms, monkeypatch: pytest.MonkeyPatch, on_failure: str
) -> None:
    """Any error that is not the disk's ends the thread: visibly, and without losing what it held."""
    seen: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(args.exc_type))
    with monkeypatch.context() as patch:
        patch.setattr("smcp_security.audit.writing.journal.Journal.append", lambda self, lines: 1 // 0)
        sink = sink_at(path, on_failure=on_failure)
        sink.write({"n": 1})
        thread = sink._spool._thread
        assert thread is not None
        thread.join(WAIT)
    assert seen == [ZeroDivisionError] and not sink.healthy
    alarms.wait("the writer broke off")
    if on_failure == "deny":
        with pytest.raises(AuditUnavailable, match="the last write failed"):
            sink.write({"n": 2})
    else:
        sink.write({"n": 2})
    assert sink.flush(WAIT) and sink.healthy
    sink.write({"n": 3})
    assert sink.flush(WAIT)
    assert numbers(read(path)) == ([1, 3] if on_failure == "deny" else [1, 2, 3])


def test_a_process_without_threads_to_spare_is_an_obstacle(
    path: Path, sink_at: SinkAt, alarms: Alarms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    sink = sink_at(path, on_failure="deny")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(AuditUnavailable, match="no thread"):
            sink.write({"n": 1})
    sink.write({"n": 2})
    sink.close(WAIT)
    records = read(path)
    assert (lost(records), numbers(records)) == (1, [2])


def test_a_record_that_json_cannot_hold_is_the_callers_error(path: Path, sink_at: SinkAt) -> None:
    sink = sink_at(path)
    with pytest.raises(TypeError):
        sink.write({"n": object()})
    sink.write({"n": 1})
    assert sink.flush(WAIT)
    assert numbers(read(path)) == [1]


def test_a_forgotten_sink_is_freed(path: Path) -> None:
    sink = FileSink(path)
    sink.write({"n": 1})
    assert sink.flush(WAIT)
    gone = weakref.ref(sink)
    del sink
    gc.collect()
    assert gone() is None


def test_leaving_the_interpreter_writes_what_was_taken(path: Path) -> None:
    program = (
        "import sys; from smcp_security.audit import FileSink\n"
        "sink = FileSink(sys.argv[1])\n"
        "for n in range(3000): sink.write({'n': n})\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=60)
    assert numbers(read(path)) == list(range(3_000))


def test_alarms_reach_stderr_without_any_logging_set_up(path: Path) -> None:
    program = (
        "import os, sys; from smcp_security.audit import FileSink\n"
        "os.mkdir(sys.argv[1])\n"
        "sink = FileSink(sys.argv[1] + '/such')\n"
        "os.rename(sys.argv[1], sys.argv[1] + '.away')\n"
        "sink.write({'n': 1})\n"
        "print(sink.flush(20))\n"
        "sink.close(0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=60, capture_output=True)
    assert done.stdout == b"False\n"
    assert b"cannot be written: No such file" in done.stderr and b"1 records unwritten" in done.stderr


def test_alarms_never_hold_what_a_record_held(fragile: Path, sink_at: SinkAt, alarms: Alarms) -> None:
    break_directory(fragile)
    sink = sink_at(fragile, queue=1)
    for _ in range(3):
        sink.write({"secret": "hunter2"})
    assert not sink.flush(WAIT)
    sink.close(0.0)
    assert len(alarms.messages) == 3
    assert not alarms.told("hunter2")


def test_a_log_handler_that_writes_a_record_itself_does_not_hang(path: Path, sink_at: SinkAt) -> None:
    """Messages are logged with no lock held."""
    os.mkfifo(path)
    sink = sink_at(path, queue=1)

    class Nested(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            sink.write({"nested": True})

    handler = Nested()
    logging.getLogger("smcp_security.sink").addHandler(handler)
    try:
        sink.write({"n": 1})
        sink.write({"n": 2})
        assert not sink.healthy
    finally:
        logging.getLogger("smcp_security.sink").removeHandler(handler)
