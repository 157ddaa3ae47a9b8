"""Writing without waiting: what does not fit waits here, and who is gone is noticed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from smcp_security.adapters.stdio.pipes import HIGH, Sink, read


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """(the reading end, the writing end)"""
    reads, writes = os.pipe()
    yield reads, writes
    os.close(reads)
    os.close(writes)


@pytest.mark.parametrize("blocking", [True, False])
def test_more_than_a_pipe_takes_waits_and_arrives_whole(pipe: tuple[int, int], blocking: bool) -> None:
    reads, writes = pipe
    os.set_blocking(writes, blocking)
    os.set_blocking(reads, False)
    sink, data, got = Sink(writes, blocking=blocking), os.urandom(500_000), b""
    sink.put(data)
    sink.flush()
    assert 0 < len(sink) < len(data)
    while len(got) < len(data):
        got += read(reads) or b""
        sink.flush()
    assert (got, len(sink), read(reads)) == (data, 0, None)


@pytest.mark.parametrize("blocking", [True, False])
def test_a_reader_that_is_gone_ends_the_writing(blocking: bool) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    sink = Sink(writes, blocking=blocking)
    sink.put(b"x")
    sink.flush()
    sink.put(b"y")
    assert (sink.gone, len(sink)) == (True, 0)
    os.close(writes)


def test_what_is_ours_and_what_is_passed_on_are_told_apart(pipe: tuple[int, int]) -> None:
    sink = Sink(pipe[1], blocking=True)
    sink.put(b"x" * HIGH)
    assert (sink.full, sink.crowded) == (True, False)
    sink.put(b"x" * HIGH, own=True)
    assert sink.crowded


def test_the_end_of_a_file_reads_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    fd = os.open(tmp_path / "empty", os.O_RDONLY)
    assert read(fd) == b""
    os.close(fd)
