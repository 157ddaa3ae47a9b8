"""What each edge adds to a message beyond the checks: HTTP, the decorator, and the stdio proxy.

    python benchmarks/edges.py [--short] [--json]

Owns the measurement in process and the report; `edge_calls.py` and `edge_tools.py` own what is called, `edge_pipe.py`
the proxy. Ends with exit code 1 if a message is not let through.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this folder: its http.py would stand in for the standard library's.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from benchmarks import edge_pipe
from benchmarks.edge_calls import Call, Measured, Refused, http_edges
from benchmarks.edge_pipe import BARE, Pipe
from benchmarks.edge_tools import tool_edges
from benchmarks.machine import facts
from benchmarks.messages import WORKLOADS, policy
from benchmarks.samples import Samples, markdown
from smcp_security import SMCPSecurityFramework

WORK: Final = WORKLOADS[0]
LEAST_RATE: Final = 3_000
MOST_LATENCY: Final = 500
LEAST_MEGABYTES: Final = 40
"""The budget of the proxy: calls a second on one core, µs added at the median, MB/s of messages of 1 MB."""


@dataclass(slots=True)
class Cell:
    """One edge, and how long a call took through it, of the checks alone, and of what stands behind it alone."""

    edge: Measured
    through: Samples = field(default_factory=Samples)
    checks: Samples = field(default_factory=Samples)
    bare: Samples = field(default_factory=Samples)
    added: list[float] = field(default_factory=list)
    """Microseconds, round by round: only what was measured side by side is compared."""


def measure(security: SMCPSecurityFramework, *, rounds: int, loops: int) -> list[Cell]:
    """Every edge in process, in rounds that alternate. Raises `Refused`."""
    cells = [Cell(edge) for edge in (*http_edges(security, WORK), *tool_edges(security, WORK))]
    for cell in cells:
        for call in (cell.edge.through, cell.edge.checks, cell.edge.bare):
            _block(call, max(1, loops // 2))
    for _ in range(rounds):
        for cell in cells:
            blocks = [_block(call, loops) for call in (cell.edge.through, cell.edge.checks, cell.edge.bare)]
            for samples, block in zip((cell.through, cell.checks, cell.bare), blocks, strict=True):
                samples.blocks.append(block)
            through, checks, bare = (median(block) for block in blocks)
            cell.added.append((through - checks - bare) / 1000)
            # What waits for the disk now must not be written while the next edge is measured.
            security.flush()
    return cells


def _block(call: Call, loops: int) -> list[int]:
    durations = []
    for _ in range(loops):
        began = time.perf_counter_ns()
        call()
        durations.append(time.perf_counter_ns() - began)
    return durations


# -- the report --------------------------------------------------------------------------------------------------------


def in_process(cells: Sequence[Cell]) -> str:
    """The table of what edges add."""
    rows = []
    for cell in cells:
        budget, added = cell.edge.budget, median(cell.added)
        rows.append([
            cell.edge.name,
            f"{cell.through.p50:,.1f}",
            f"{cell.through.p99:,.1f}",
            f"{cell.checks.p50:,.1f}",
            f"{cell.bare.p50:,.1f}",
            f"{added:,.1f}",
            f"{min(cell.added):,.1f} to {max(cell.added):,.1f}",
            "-" if budget is None else f"{budget:g}",
            "-" if budget is None else f"{added / budget:.2f}",
        ])  # fmt: skip
    header = ("edge, µs", "p50", "p99", "checks p50", "app p50", "added", "rounds", "budget", "added / budget")
    return markdown(header, rows)


def piped(pipes: Sequence[Pipe]) -> str:
    """The table of the proxy, and the numbers that its budget is about."""
    header = ("server", "calls/s", "CPU µs a call", "p50 µs", "p99 µs", "1 MB messages, MB/s", "MB a CPU second")
    rows = [
        [
            pipe.name,
            f"{median(pipe.rates):,.0f}",
            f"{median(pipe.cpu):,.0f}",
            f"{pipe.latency.p50:,.0f}",
            f"{pipe.latency.p99:,.0f}",
            f"{median(pipe.megabytes):,.0f}",
            f"{median(pipe.megabytes_cpu):,.0f}",
        ]
        for pipe in pipes
    ]
    told = summary(pipes)
    return "\n\n".join((
        markdown(header, rows),
        f"Calls a second on one core: {told['calls_per_cpu_second']:,.0f} (budget: at least {LEAST_RATE:,}). "
        f"Added at the median: {told['added_us']:,.0f} µs (at most {MOST_LATENCY}). "
        f"1 MB messages: {told['megabytes_per_second']:,.0f} MB/s (at least {LEAST_MEGABYTES}).",
    ))  # fmt: skip


def summary(pipes: Sequence[Pipe]) -> dict[str, float]:
    """The numbers that the budget of the proxy is about. The proxy's CPU alone counts: the server has its own."""
    bare, proxy = sorted(pipes, key=lambda pipe: pipe.name != BARE)
    return {
        "calls_per_second": median(proxy.rates),
        "calls_per_cpu_second": 1e6 / cpu if (cpu := median(proxy.cpu)) else 0.0,
        "added_us": proxy.latency.p50 - bare.latency.p50,
        "megabytes_per_second": median(proxy.megabytes),
    }


def as_text(cells: Sequence[Cell], pipes: Sequence[Pipe], about: Mapping[str, str]) -> str:
    """The whole report in Markdown."""
    return "\n\n".join((
        f"# What the edges add to a message of {WORK.name}, hot",
        "\n".join(f"- {name}: {value}" for name, value in about.items()),
        in_process(cells),
        piped(pipes),
    ))  # fmt: skip


def as_json(cells: Sequence[Cell], pipes: Sequence[Pipe], about: Mapping[str, str]) -> str:
    """The same facts for a machine; microseconds."""
    edges: list[dict[str, Any]] = [
        {
            "edge": cell.edge.name,
            "p50": cell.through.p50,
            "p99": cell.through.p99,
            "checks": cell.checks.p50,
            "app": cell.bare.p50,
            "added": median(cell.added),
            "budget": cell.edge.budget,
        }
        for cell in cells
    ]
    return json.dumps({"about": about, "edges": edges, "proxy": summary(pipes)}, indent=2)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if a message of the benchmark is refused."""
    parser = argparse.ArgumentParser(description="What each edge adds to a message beyond the checks.")
    parser.add_argument("--short", action="store_true", help="fewer repetitions, below 20 seconds")
    parser.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    options = parser.parse_args(arguments)
    rounds, loops, calls = (5, 300, 1_000) if options.short else (15, 1_000, 4_000)
    log = logging.getLogger("smcp_security")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with tempfile.TemporaryDirectory() as folder:
            with SMCPSecurityFramework(policy(Path(folder) / "audit.jsonl")) as security:
                about = facts(security)
                cells = measure(security, rounds=rounds, loops=loops)
            pipes = edge_pipe.measure(Path(folder), WORK, rounds=rounds, calls=calls)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    finally:
        log.setLevel(before)
    print((as_json if options.json else as_text)(cells, pipes, about))
    return 0


if __name__ == "__main__":
    sys.exit(main())
