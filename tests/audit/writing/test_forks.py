"""Processes that share an audit file: each writes its own records, whole, and once."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from smcp_security.audit import FileSink
from smcp_security.audit.writing import spool
from smcp_security.audit.writing.chain import GENESIS
from smcp_security.errors import AuditUnavailable
from tests.audit.conftest import WAIT, open_copies, people_and_keys

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on Windows"),
    # Forking with the writer running is what these tests are about.
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]

SinkAt = Callable[..., FileSink]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def authors(path: Path) -> Counter[str]:
    """How many records each author wrote; every line must be a record, and cite the line before it."""
    lines = path.read_bytes().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["prev"] for record in records] == [GENESIS, *(sha256(line).hexdigest() for line in lines[:-1])]
    return Counter(record["by"] for record in records if "by" in record)


def in_child(work: Callable[[], None]) -> int:
    """Run `work` in a forked child; its exit status, 0 if nothing was raised."""
    child = os.fork()
    if child == 0:
        signal.alarm(int(WAIT))  # a child that hangs dies by this
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def write_many(path: Path, author: str, count: int) -> None:
    """What one worker process does: lines of very different lengths, so that batches end anywhere."""
    people, keys = people_and_keys()
    sink = FileSink(path, queue=count, people=people, keys=keys)
    for n in range(count):
        sink.write({"by": author, "n": n, "text": "x" * (n * 37 % 3_000)})
    sink.close(WAIT)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_four_processes_append_without_tearing_a_line(path: Path, method: str) -> None:
    context = multiprocessing.get_context(method)
    workers = [context.Process(target=write_many, args=(path, f"w{n}", 1_500)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert authors(path) == {f"w{n}": 1_500 for n in range(4)}


def test_each_process_keeps_its_own_order(path: Path) -> None:
    for author in ("a", "b"):
        assert in_child(lambda author=author: write_many(path, author, 500)) == 0  # type: ignore[misc]
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    for author in ("a", "b"):
        assert [record["n"] for record in records if record.get("by") == author] == list(range(500))


def test_what_waits_in_the_parent_is_written_once_by_the_parent(
    path: Path, sink_at: SinkAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parent's writer waits for company until somebody flushes, so its records are surely queued at the fork."""
    monkeypatch.setattr(spool, "LINGER", WAIT * 10)
    sink = sink_at(path)
    for _ in range(50):
        sink.write({"by": "parent"})

    def child() -> None:
        sink.write({"by": "child"})
        sink.close(WAIT)

    assert in_child(child) == 0
    assert authors(path) == {"child": 1}
    assert sink.flush(WAIT)
    assert authors(path) == {"child": 1, "parent": 50}


def test_parent_and_child_both_go_on_after_a_fork(path: Path, sink_at: SinkAt) -> None:
    sink = sink_at(path)
    sink.write({"by": "before"})
    assert sink.flush(WAIT)

    def child() -> None:
        for _ in range(300):
            sink.write({"by": "child"})
        sink.close(WAIT)

    assert in_child(child) == 0
    for _ in range(200):
        sink.write({"by": "parent"})
    assert sink.flush(WAIT)
    assert authors(path) == {"before": 1, "child": 300, "parent": 200}


def test_forks_while_every_thread_writes_hang_nobody(path: Path, sink_at: SinkAt) -> None:
    """A lock that another thread held at the fork stays locked in the child for ever: nobody may need it there."""
    sink = sink_at(path, queue=1_000_000)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            sink.write({"by": "parent"})

    def child() -> None:
        sink.write({"by": "child"})
        sink.close(WAIT)

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        statuses = [in_child(child) for _ in range(15)]
    finally:
        stop.set()
        for writer in writers:
            writer.join(WAIT)
    assert statuses == [0] * 15
    assert sink.flush(WAIT)
    assert authors(path)["child"] == 15


def test_a_child_of_a_child_has_a_sink_of_its_own(path: Path, sink_at: SinkAt) -> None:
    sink = sink_at(path)
    sink.write({"by": "parent"})

    def child() -> None:
        sink.write({"by": "child"})
        assert in_child(grandchild) == 0
        sink.close(WAIT)

    def grandchild() -> None:
        sink.write({"by": "grandchild"})
        sink.close(WAIT)

    assert in_child(child) == 0
    assert sink.flush(WAIT)
    assert authors(path) == {"parent": 1, "child": 1, "grandchild": 1}


def test_a_closed_sink_is_closed_in_the_child_too(path: Path, sink_at: SinkAt) -> None:
    sink = sink_at(path, on_failure="deny")
    sink.close()

    def child() -> None:
        with pytest.raises(AuditUnavailable):
            sink.write({"by": "child"})

    assert in_child(child) == 0


def test_the_child_keeps_no_copy_of_the_parents_open_file(path: Path, sink_at: SinkAt) -> None:
    """A copy would keep the parent's lock alive after the parent was killed while it wrote."""
    sink = sink_at(path)
    sink.write({"by": "parent"})
    assert sink.flush(WAIT)

    def child() -> None:
        assert open_copies(path) == 0

    assert in_child(child) == 0
    assert open_copies(path) == 1


def test_leaving_a_child_normally_neither_hangs_nor_repeats_the_parents_records(path: Path) -> None:
    """The child of a preloading server inherits the parent's exit hooks along with everything else."""
    program = (
        "import os, sys; from smcp_security.audit import FileSink\n"
        "sink = FileSink(sys.argv[1])\n"
        "sink.write({'by': 'parent'})\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    sink.write({'by': 'child'})\n"
        "    sys.exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
    )
    status = os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-W", "ignore", "-c", program, str(path)])
    assert status == 0
    assert authors(path) == {"parent": 1, "child": 1}


def test_a_killed_process_loses_at_most_its_queue_and_tears_nothing(path: Path) -> None:
    started, alive = os.pipe()
    child = os.fork()
    if child == 0:
        people, keys = people_and_keys()
        sink = FileSink(path, queue=1_000, people=people, keys=keys)
        for n in range(500):
            sink.write({"by": "killed", "n": n})
        sink.flush(WAIT)
        for n in range(500):
            sink.write({"by": "killed", "n": n})
        os.write(alive, b"1")
        signal.pause()
        os._exit(1)
    assert os.read(started, 1) == b"1"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(started)
    os.close(alive)
    write_many(path, "next", 10)
    counts = authors(path)
    assert counts["next"] == 10 and 500 <= counts["killed"] <= 1_000
