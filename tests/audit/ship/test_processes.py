"""Shipping by several processes, killed ones, forked ones and such as nobody closes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.audit.ship.collector import CollectorServer, Reply, collector, first
from tests.audit.ship.inbox import WAIT

pytestmark = pytest.mark.real
Child = subprocess.Popen[str]
Run = Callable[..., Child]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Starts a process that audits to one file, and returns when it has written its records."""
    children: list[Child] = []

    def start(server: CollectorServer, records: int, end: str) -> Child:
        command = [sys.executable, "-m", "tests.audit.ship.child", str(tmp_path / "audit.jsonl"), server.url]
        children.append(
            subprocess.Popen(
                [*command, str(records), end], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        )
        assert children[-1].stdout is not None
        assert children[-1].stdout.readline() == "written\n"
        return children[-1]

    yield start
    for child in children:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.close()
        child.stdout.close()
        child.kill()
        child.wait()


def end(child: Child) -> int:
    """Let it end by itself; how it did."""
    assert child.stdin is not None
    child.stdin.close()
    return child.wait(WAIT)


def written(folder: Path) -> list[bytes]:
    """The lines in the file."""
    return (folder / "audit.jsonl").read_bytes().splitlines()


def test_a_process_that_nobody_closes_ships_what_it_wrote(tmp_path: Path, run: Run) -> None:
    with collector() as server:
        assert end(run(server, 300, "return")) == 0
        assert server.inbox.lines == written(tmp_path)


def test_a_killed_process_and_the_next_one_lose_nothing(tmp_path: Path, run: Run) -> None:
    with collector(first(Reply(500), Reply(500))) as server:
        for _ in range(3):
            assert end(run(server, 200, "kill")) == -signal.SIGKILL
        last = run(server, 10, "wait")
        lines = written(tmp_path)
        server.inbox.wait_for(lines)
        assert server.inbox.firsts == lines
        assert end(last) == 0
        assert len(lines) > 3 * 200


def test_one_of_two_processes_ships_the_lines_of_both(tmp_path: Path, run: Run) -> None:
    with collector() as server:
        one, other = run(server, 200, "wait"), run(server, 200, "wait")
        server.inbox.wait_for(written(tmp_path))
        assert server.inbox.lines == written(tmp_path)
        one.kill()
        one.wait()
        assert end(other) == 0
        server.inbox.wait_for(written(tmp_path))
        assert server.inbox.firsts == written(tmp_path)


def test_a_forked_child_stands_by_and_takes_over(tmp_path: Path, run: Run) -> None:
    with collector() as server:
        parent = run(server, 20, "fork")
        assert parent.wait(WAIT) == -signal.SIGKILL
        server.inbox.wait(lambda: len(server.inbox.firsts) >= 23)
        assert server.inbox.firsts == written(tmp_path)[: len(server.inbox.firsts)]


def test_a_collector_that_hangs_does_not_keep_a_process_from_ending(tmp_path: Path, run: Run) -> None:
    with collector(lambda *_: Reply(hang=True)) as server:
        assert end(run(server, 20, "return")) == 0
        assert server.inbox.lines == [] and len(server.requests) >= 1
        server.script = lambda *_: Reply()
        server.released.set()
        assert end(run(server, 1, "return")) == 0
        assert server.inbox.firsts == written(tmp_path)
