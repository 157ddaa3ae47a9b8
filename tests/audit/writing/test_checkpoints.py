"""Checkpoints, and when a line is on the disk: what the file says of itself, and what the policy promises of it."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smcp_security.audit import FileSink
from smcp_security.audit.entry import Entry
from smcp_security.audit.writing.chain import Chain
from smcp_security.audit.writing.journal import SYNC_SECONDS, Journal
from smcp_security.audit.writing.upkeep import Upkeep
from tests.audit.chains import Walk, kinds, said, texts
from tests.audit.conftest import WAIT, Alarms, people_and_keys

SinkAt = Callable[..., FileSink]


class Steady:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        """What it shows."""
        return self.at


@pytest.fixture
def steady() -> Steady:
    return Steady()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def journal_at(path: Path, steady: Steady) -> Iterator[Callable[[Upkeep], Journal]]:
    opened: list[Journal] = []

    def open_at(upkeep: Upkeep) -> Journal:
        opened.append(Journal(str(path), Chain(*people_and_keys()), upkeep, steady=steady))
        return opened[-1]

    yield open_at
    for journal in opened:
        journal.close()


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of the regular file at each sync of it."""
    sizes: list[int] = []
    sync = os.fsync

    def watch(fd: int) -> None:
        sync(fd)
        if os.path.isfile(f"/dev/fd/{fd}"):
            sizes.append(os.fstat(fd).st_size)

    monkeypatch.setattr(os, "fsync", watch)
    return sizes


def entry(text: str) -> tuple[Entry]:
    """One record that says `text`."""
    return (Entry(b'{"v":2,"text":"%b"}' % text.encode()),)


def test_a_checkpoint_comes_with_the_first_record_after_the_interval(
    journal_at: Callable[[Upkeep], Journal], path: Path, steady: Steady
) -> None:
    journal = journal_at(Upkeep("never", checkpoint=60))
    for seconds in (0, 59, 1, 59, 2):
        steady.at += seconds
        journal.append(entry("x"))
    assert kinds(path) == ["open", "-", "-", "-", "checkpoint", "-", "-", "checkpoint"]
    Walk().over(path)


def test_a_checkpoint_counts_the_lines_of_everybody(
    journal_at: Callable[[Upkeep], Journal], path: Path, steady: Steady
) -> None:
    one, other = (journal_at(Upkeep("never", checkpoint=60)) for _ in range(2))
    path.write_bytes(b'{"v":1}\n{"torn":')
    for journal in (one, other, other, one):
        journal.append(entry("x"))
    steady.at += 60
    one.append(entry("x"))
    streams = {record["stream"]: record["seq"] for record in said(path)[1:]}
    last = said(path)[-1]
    assert last["records"] == len(path.read_bytes().splitlines()) == 11
    assert last["streams"] == streams == {one.chain.stream: 5, other.chain.stream: 2}


def test_a_checkpoint_does_not_count_what_is_torn_as_written(
    journal_at: Callable[[Upkeep], Journal], path: Path
) -> None:
    first = journal_at(Upkeep("never"))
    first.append(entry("1"))
    first.append(entry("2"))
    path.write_bytes(path.read_bytes()[:-30])
    second = journal_at(Upkeep("never", checkpoint=0))
    second.append(entry("3"))
    assert said(path)[-1]["streams"] == {first.chain.stream: 1, second.chain.stream: 3}
    Walk().over(path)


def test_a_checkpoint_names_the_streams_since_the_last_one(
    journal_at: Callable[[Upkeep], Journal], path: Path, steady: Steady
) -> None:
    one, other = (journal_at(Upkeep("never", checkpoint=60)) for _ in range(2))
    one.append(entry("x"))
    steady.at += 60
    other.append(entry("x"))
    one.append(entry("x"))
    checkpoints = [record for record in said(path) if record.get("kind") == "checkpoint"]
    assert [set(record["streams"]) for record in checkpoints] == [
        {one.chain.stream, other.chain.stream},
        {one.chain.stream},
    ]
    Walk().over(path)


def test_with_always_every_append_is_on_the_disk_when_it_returns(
    journal_at: Callable[[Upkeep], Journal], path: Path, synced: list[int]
) -> None:
    journal = journal_at(Upkeep("always"))
    for n in range(3):
        journal.append(entry(f"{n}"))
        assert synced[-1] == path.stat().st_size and journal.unsynced() == 0.0
    assert len(synced) == 3


def test_what_cannot_be_synced_is_taken_back_and_can_be_offered_again(
    journal_at: Callable[[Upkeep], Journal], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "disk")

    journal = journal_at(Upkeep("always"))
    journal.append(entry("1"))
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="disk"):
            journal.append(entry("2"))
    assert path.read_bytes() == before
    journal.append(entry("2"))
    assert texts(path) == ["1", "2"]
    Walk().over(path)


def test_with_interval_a_line_waits_for_its_sync_no_longer_than_a_second(
    journal_at: Callable[[Upkeep], Journal], path: Path, steady: Steady, synced: list[int]
) -> None:
    journal = journal_at(Upkeep("interval"))
    assert journal.patience() is None
    journal.append(entry("1"))
    steady.at += 0.6
    journal.append(entry("2"))
    assert journal.patience() == pytest.approx(SYNC_SECONDS - 0.6) and not synced
    assert journal.unsynced() == pytest.approx(0.6)
    steady.at += 0.6
    assert journal.patience() == 0.0
    journal.sync()
    assert synced == [path.stat().st_size] and journal.patience() is None and journal.unsynced() == 0.0


def test_with_never_nothing_is_synced_but_what_is_put_aside(
    journal_at: Callable[[Upkeep], Journal], path: Path, synced: list[int]
) -> None:
    journal = journal_at(Upkeep("never", size=1))
    journal.append(entry("1"))
    journal.finish()
    assert not synced and journal.patience() is None
    journal.append(entry("2"))
    assert len(synced) == 1


def test_a_sink_that_waits_says_so_and_flushes_to_the_disk(path: Path, sink_at: SinkAt, synced: list[int]) -> None:
    sink = sink_at(path, upkeep=Upkeep("always"))
    assert sink.waits and not sink_at(path).waits
    for n in range(3):
        sink.write({"text": f"{n}"})
        assert sink.flush(WAIT)
        assert synced[-1] == path.stat().st_size
    sink.close()
    assert texts(path) == ["0", "1", "2"] and kinds(path)[-1] == "close"


def test_closing_puts_everything_on_the_disk(path: Path, sink_at: SinkAt, synced: list[int]) -> None:
    sink = sink_at(path, upkeep=Upkeep("interval"))
    sink.write({"text": "1"})
    sink.close()
    assert kinds(path) == ["open", "-", "close"] and synced[-1] == path.stat().st_size


def test_an_idle_writer_syncs_without_another_record(
    path: Path, sink_at: SinkAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()
    monkeypatch.setattr("smcp_security.audit.writing.journal.SYNC_SECONDS", 0.0)
    monkeypatch.setattr(os, "fsync", lambda fd: done.set())
    sink = sink_at(path, upkeep=Upkeep("interval"))
    sink.write({"text": "1"})
    assert done.wait(WAIT) and sink.healthy


def test_a_disk_that_cannot_sync_denies_until_it_can(
    path: Path, sink_at: SinkAt, alarms: Alarms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "disk")

    sync = os.fsync
    monkeypatch.setattr(os, "fsync", fail)
    sink = sink_at(path, upkeep=Upkeep("always"), on_failure="deny")
    sink.write({"text": "1"})
    assert not sink.flush(WAIT) and not sink.healthy
    assert sink.state().failing == os.strerror(errno.EIO)
    monkeypatch.setattr(os, "fsync", sync)
    alarms.wait("is written again; no record was lost")
    assert texts(path) == ["1"] and sink.healthy and sink.state().failing == ""


def test_a_stream_that_was_closed_while_idle_has_its_end(
    path: Path, sink_at: SinkAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smcp_security.audit.writing.spool.IDLE_SECONDS", 0.0)
    sink = sink_at(path)
    sink.write({"text": "1"})
    thread = sink._spool._thread
    assert thread is not None
    thread.join(WAIT)
    sink.close()
    sink.close()
    assert kinds(path) == ["open", "-", "close"]
    Walk().over(path)


def test_numbers_of_a_sink_tell_what_waits_and_what_was_lost(path: Path, sink_at: SinkAt) -> None:
    os.mkfifo(path)
    sink = sink_at(path, queue=2)
    for n in range(5):
        sink.write({"text": f"{n}"})
    assert (sink.waiting, sink.lost) == (2, 3)
    assert (sink.state().queued, sink.state().limit, sink.state().lost) == (2, 2, 3)
    assert sink.lags() == {}
