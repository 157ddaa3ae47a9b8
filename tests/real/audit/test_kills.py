"""Processes that are killed while they write, a hundred times: the chain holds, and what was told as kept is there."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from smcp_security.audit import FileSink
from smcp_security.audit.writing.upkeep import Upkeep
from tests.real.audit.writers import Worker, audit_files, start, texts_in, verified, write_until_killed

pytestmark = [
    pytest.mark.real,
    # A thread of another test may still be ending.
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]
KILLS = 100
SEED = 20_261_122


def life(path: Path, name: str, seed: int, upkeep: Upkeep) -> Worker:
    """One start of a writer."""
    return start(lambda ack: write_until_killed(path, name, seed, ack, upkeep=upkeep))


def kill_a_hundred(path: Path, upkeep: Upkeep) -> list[str]:
    """Two writers at any time, each killed after some acknowledgements; all that they acknowledged."""
    choice, acknowledged = random.Random(SEED), []
    alive = [life(path, f"w{number}", number, upkeep) for number in range(2)]
    for number in range(2, KILLS + 2):
        worker = alive.pop(choice.randrange(len(alive)))
        heard = hear(worker, choice.randint(0, 6))
        worker.kill()
        assert worker.ended() == -signal.SIGKILL
        acknowledged += [*heard, *worker.acknowledged()]
        if number < KILLS:
            alive.append(life(path, f"w{number}", number, upkeep))
    return acknowledged


def hear(worker: Worker, lines: int) -> list[str]:
    """So many texts that it acknowledges."""
    heard = b""
    while heard.count(b"\n") < lines:
        said = os.read(worker.acks, 1)
        assert said, "the writer died of itself"
        heard += said
    return heard.decode().split()


@pytest.mark.parametrize("size", [None, 2_000_000], ids=["one-file", "segments"])
def test_a_hundred_kills_lose_nothing_that_was_acknowledged(tmp_path: Path, size: int | None) -> None:
    path = tmp_path / "audit.jsonl"
    acknowledged = kill_a_hundred(path, Upkeep("always", size=size))
    last = FileSink(path)
    last.write({"v": 2, "kind": "test", "text": "after all"})
    last.close()
    report = verified(path)
    assert report.faults == []
    assert report.streams == report_of_streams(path)
    found = texts_in(*audit_files(path))
    assert len(acknowledged) > KILLS
    assert [text for text in acknowledged if not found[text]] == []
    assert set(found.values()) == {1} and found["after all"] == 1


def report_of_streams(path: Path) -> int:
    """How many writers came to write their first line whole."""
    files = audit_files(path)
    return sum(file.read_bytes().count(b'"kind":"open"') for file in files)
