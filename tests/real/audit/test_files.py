"""Two processes on one audit under load: segments, a file renamed from outside, a disk that is full for a while."""

from __future__ import annotations

import os
import resource
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from smcp_security.audit import FileSink
from smcp_security.audit.writing.upkeep import Upkeep
from smcp_security.errors import AuditUnavailable
from tests.real.audit.writers import WAIT, audit_files, start, texts_in, verified

pytestmark = [
    pytest.mark.real,
    # A thread of another test may still be ending.
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]
RECORDS = 5_000


def write_some(path: Path, name: str, upkeep: Upkeep, ack: Callable[[str], None]) -> None:
    """One worker of a server: its records, each told of once it was taken."""
    sink = FileSink(path, queue=RECORDS, upkeep=upkeep)
    for n in range(RECORDS):
        sink.write({"v": 2, "kind": "test", "text": f"{name}-{n}", "pad": "x" * (n * 37 % 900), "label": name})
        if n % 500 == 499:
            assert sink.flush(WAIT)
            ack(f"{name}-{n}")
    sink.close(WAIT)


def expected(*names: str) -> Counter[str]:
    """Every record of these workers once."""
    return Counter(f"{name}-{n}" for name in names for n in range(RECORDS))


@pytest.mark.parametrize("fsync", ["interval", "never"])
def test_two_processes_that_rotate_often_keep_one_chain(tmp_path: Path, fsync: str) -> None:
    path = tmp_path / "audit.jsonl"
    upkeep = Upkeep(fsync, size=100_000)  # type: ignore[arg-type]
    workers = [start(lambda ack, name=name: write_some(path, name, upkeep, ack)) for name in ("a", "b")]  # type: ignore[misc]
    assert [worker.ended() for worker in workers] == [0, 0]
    report = verified(path)
    assert report.faults == [] and report.files > 10
    assert texts_in(*audit_files(path)) == expected("a", "b")


def test_a_file_renamed_from_outside_under_load_is_followed_in_one_chain(tmp_path: Path) -> None:
    """What logrotate does; the acknowledgements tell when there is something to rename."""
    path = tmp_path / "audit.jsonl"
    workers = [start(lambda ack, name=name: write_some(path, name, Upkeep(), ack)) for name in ("a", "b")]  # type: ignore[misc]
    renamed = []
    for number in range(8):
        for worker in workers:
            while os.read(worker.acks, 1) not in b"\n":
                continue
        # What they told of may have gone to the file that was renamed last.
        if path.exists():
            renamed.append(path.rename(tmp_path / f"audit.jsonl-{number}"))
    assert [worker.ended() for worker in workers] == [0, 0]
    assert texts_in(*renamed, path) == expected("a", "b")
    report = verified(path, *renamed)
    assert report.faults == [] and report.files == len(renamed) + 1 > 2


def fill_up(path: Path, on_failure: str, ack: Callable[[str], None]) -> None:
    """A file system that has room for 200,000 bytes, until somebody makes room."""
    sink = FileSink(path, on_failure=on_failure, queue=50)  # type: ignore[arg-type]
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    refused = 0
    for n in range(600):
        try:
            sink.write({"v": 2, "kind": "test", "text": f"{n}", "pad": "x" * 1_000})
        except AuditUnavailable:
            refused += 1
            ack(f"refused {n}")
        else:
            ack(f"taken {n}")
        sink.flush(WAIT)
    assert not sink.healthy
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert sink.flush(WAIT)
    sink.write({"v": 2, "kind": "test", "text": "again"})
    sink.close(WAIT)
    assert (refused > 0) == (on_failure == "deny")


@pytest.mark.parametrize("on_failure", ["deny", "continue"])
def test_a_full_disk_follows_the_policy_and_leaves_a_whole_chain(tmp_path: Path, on_failure: str) -> None:
    path = tmp_path / "audit.jsonl"
    worker = start(lambda ack: fill_up(path, on_failure, ack))
    assert worker.ended() == 0
    acknowledged = worker.acknowledged()
    report = verified(path)
    assert report.faults == []
    found = texts_in(path)
    taken = {line.removeprefix("taken ") for line in acknowledged if line.startswith("taken ")}
    assert set(found.values()) == {1} and found["again"] == 1
    if on_failure == "deny":
        assert set(found) - {"again"} == taken
        assert report.lost == len(acknowledged) - len(taken)
    else:
        assert report.lost == len(taken) - (len(found) - 1) > 0
