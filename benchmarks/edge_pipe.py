"""What `smcp proxy` costs: an obedient server over pipes, bare and behind the proxy, in turn.

Owns the processes and the traffic; `edges.py` owns the report.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from benchmarks.edge_calls import Refused
from benchmarks.http import cpu_seconds
from benchmarks.messages import TOOL, Workload, policy, request
from benchmarks.samples import Samples

ROOT: Final = Path(__file__).resolve().parents[1]
ECHO: Final = """
import itertools, sys
read, write, flush = sys.stdin.buffer.readline, sys.stdout.buffer.write, sys.stdout.buffer.flush
answer = b'{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"saved"}],"isError":false}}\\n'
for number in itertools.count():
    if not read():
        break
    write(answer % number)
    flush()
"""
"""A server as cheap as a server can be: it does not even read what it is asked. Its requests are numbered from 0."""
BARE: Final = "bare"
PROXY: Final = "proxy"


@dataclass(slots=True)
class Pipe:
    """A server over pipes, and what was measured of it round by round."""

    name: str
    process: subprocess.Popen[bytes]
    asked: int = 0
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    megabytes_cpu: list[float] = field(default_factory=list)
    latency: Samples = field(default_factory=Samples)

    def lines(self, body: bytes, count: int) -> bytes:
        """That many requests, with ids of their own."""
        before, after = body.split(b'"id":1,', 1)
        first, self.asked = self.asked, self.asked + count
        return b"".join(b'%b"id":%d,%b\n' % (before, id, after) for id in range(first, first + count))


def measure(folder: Path, work: Workload, *, rounds: int, calls: int) -> list[Pipe]:
    """The bare server and the one behind the proxy. Raises `Refused` if a call is not answered."""
    body, large = request(work), request(Workload("1 MB", 1_000_000, 0))
    with contextlib.ExitStack() as stack:
        pipes = [stack.enter_context(_running(name, folder)) for name in (BARE, PROXY)]
        for pipe in pipes:
            _one_by_one(pipe, body, 200)
        for _ in range(rounds):
            for pipe in pipes:
                pipe.latency.blocks.append(_one_by_one(pipe, body, max(50, calls // 10)))
                rate, cpu = _at_once(pipe, body, calls)
                pipe.rates.append(rate)
                pipe.cpu.append(cpu / calls * 1e6)
                count = max(4, calls // 200)
                rate, cpu = _at_once(pipe, large, count)
                pipe.megabytes.append(rate * len(large) / 1e6)
                pipe.megabytes_cpu.append(count * len(large) / 1e6 / cpu if cpu else 0.0)
        return pipes


@contextlib.contextmanager
def _running(name: str, folder: Path) -> Iterator[Pipe]:
    file = folder / "policy.json"
    file.write_text(json.dumps(policy(folder / f"{name}.jsonl")), encoding="utf-8")
    server = [sys.executable, "-c", ECHO]
    proxy = [sys.executable, "-m", "smcp_security.cli", "proxy", "--policy", str(file), "--", *server]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SMCP_")}
    process = subprocess.Popen(
        server if name == BARE else proxy, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment
    )
    try:
        yield Pipe(name, process)
    finally:
        process.stdin and process.stdin.close()
        process.wait(10)
        process.stdout and process.stdout.close()


def _one_by_one(pipe: Pipe, body: bytes, count: int) -> list[int]:
    """Nanoseconds of each call, of which none begins before the last is answered."""
    asked, told = _ends(pipe)
    lines = pipe.lines(body, count).splitlines(keepends=True)
    durations = []
    for line in lines:
        began = time.perf_counter_ns()
        asked.write(line)
        asked.flush()
        answer = told.readline()
        durations.append(time.perf_counter_ns() - began)
        _check([answer], 1)
    return durations


def _at_once(pipe: Pipe, body: bytes, count: int) -> tuple[float, float]:
    """Calls a second where the client does not wait for answers, and the CPU seconds that it took."""
    asked, told = _ends(pipe)
    lines = pipe.lines(body, count)

    def ask() -> None:
        asked.write(lines)
        asked.flush()

    before = cpu_seconds(pipe.process.pid)
    began = time.perf_counter()
    asking = threading.Thread(target=ask)
    asking.start()
    answers = [told.readline() for _ in range(count)]
    spent = time.perf_counter() - began
    asking.join()
    after = cpu_seconds(pipe.process.pid)
    _check(answers, count)
    return count / spent, 0.0 if before is None or after is None else after - before


def _check(answers: Sequence[bytes], count: int) -> None:
    good = sum(b'"result"' in answer and b'"isError":false' in answer for answer in answers)
    if good < count:
        bad = next(answer for answer in answers if b'"isError":false' not in answer)
        raise Refused(f"an honest call of {TOOL} was answered with {bad[:300]!r}")


def _ends(pipe: Pipe) -> tuple[IO[bytes], IO[bytes]]:
    if pipe.process.stdin is None or pipe.process.stdout is None:
        raise ValueError("the process was started without pipes")
    return pipe.process.stdin, pipe.process.stdout
