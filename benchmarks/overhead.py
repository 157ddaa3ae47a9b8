"""What the whole pipeline costs in process, hot: each rung and in total, beside the budget.

    python benchmarks/overhead.py [--short] [--json]

Owns the measurement; what is measured comes from `messages.py`. Ends with exit code 1 if a message is not let through.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this folder: its http.py would stand in for the standard library's.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from benchmarks.callers import headers, issue, policy
from benchmarks.machine import facts
from benchmarks.messages import ADDRESS, WORKLOADS, Workload, request, response
from benchmarks.samples import Samples, markdown
from benchmarks.startup import BUDGET as START_BUDGET
from benchmarks.startup import startup
from smcp_security import Decision, RequestContext, SMCPSecurityFramework

REQUEST: Final = "request"
BOTH: Final = "request and response"
ASYNC: Final = "request, async driver"
KINDS: Final = (REQUEST, BOTH, ASYNC)

BUDGET: Final[Mapping[tuple[str, str], tuple[int, int]]] = {
    ("300 B", REQUEST): (40, 120),
    ("1 KB", REQUEST): (50, 150),
    ("16 KB (390 strings)", REQUEST): (200, 600),
    ("256 KB (one string)", REQUEST): (1300, 3000),
    ("300 B", BOTH): (55, 160),
    ("1 KB", BOTH): (70, 200),
    ("16 KB (390 strings)", BOTH): (350, 900),
    ("256 KB (one string)", BOTH): (2600, 5000),
}
"""Microseconds, p50 and p99, of a full policy."""

REQUEST_RUNGS: Final = (
    *("transport", "flood", "identity", "session", "body", "envelope", "access", "ownership", "arguments"),
    *("contracts", "injection", "limits"),
)
RESPONSE_RUNGS: Final = (
    *("size", "parse", "standing", "trace", "ownership", "pins", "learning", "listing", "descriptions", "hidden_text"),
    *("redaction", "internals", "instructions"),
)
LEAST: Final = 20
"""Fewest messages in a block: a median of less says nothing."""


@dataclass(slots=True)
class Cell:
    """One size measured one way, by a caller with a token: whole durations, and microseconds by rung."""

    work: Workload
    kind: str
    token: str = field(default="", repr=False)
    loops: int = LEAST
    samples: Samples = field(default_factory=Samples)
    rungs: dict[str, list[float]] = field(default_factory=dict)

    def note(self, timings: Mapping[str, float]) -> None:
        """Keep what each rung took."""
        for name, spent in timings.items():
            self.rungs.setdefault(name, []).append(spent)


Once = Callable[[], tuple[Decision, Decision | None]]


class Denied(Exception):
    """The benchmark's own message was refused or found fault with: its numbers would mean nothing."""


def measure(audit: Path, *, blocks: int, seconds: float) -> tuple[list[Cell], dict[str, str]]:
    """Every size in every way, in `blocks` rounds of about `seconds` each; rounds alternate, so that noise is shared.

    `audit` is the file that the records go to; the keys of the issuer are written beside it. Raises `Denied`.
    """
    jwks = audit.with_name("jwks.json")
    token = issue(jwks)
    cells = [Cell(work, kind, token) for work in WORKLOADS for kind in KINDS]
    with SMCPSecurityFramework(policy(audit, jwks)) as security:
        about = facts(security)
        for cell in cells:
            _warm(security, cell, seconds)
        for _ in range(blocks):
            for cell in cells:
                cell.samples.blocks.append(_block(security, cell, cell.loops))
                # What waits for the disk now must not be written while the next size is measured.
                security.flush()
    return cells, about


def _warm(security: SMCPSecurityFramework, cell: Cell, seconds: float) -> None:
    spent = median(_block(security, cell, LEAST)[LEAST // 2 :])
    _block(security, cell, max(LEAST, int(seconds * 5e8 / spent)))
    cell.loops = max(LEAST, int(seconds * 1e9 / spent))
    cell.rungs.clear()
    security.flush()


def _block(security: SMCPSecurityFramework, cell: Cell, loops: int) -> list[int]:
    body, answer = request(cell.work), response(cell.work)
    context = RequestContext(user_id="ann", ip_address=ADDRESS, headers=headers(body, cell.token))
    if cell.kind == ASYNC:
        return asyncio.run(_async_block(security, body, context, loops))

    def once() -> tuple[Decision, Decision | None]:
        decision = security.process_request_sync(body, context)
        judged = security.process_response_sync(answer, decision) if cell.kind == BOTH else None
        return decision, judged

    return _timed(once, loops, cell)


def _timed(once: Once, loops: int, cell: Cell) -> list[int]:
    durations = []
    for _ in range(loops):
        began = time.perf_counter_ns()
        decision, judged = once()
        durations.append(time.perf_counter_ns() - began)
        for verdict in (decision, judged):
            if verdict is not None:
                _accepted(verdict)
                cell.note(verdict.timings)
    return durations


async def _async_block(security: SMCPSecurityFramework, body: bytes, context: RequestContext, loops: int) -> list[int]:
    durations = []
    for _ in range(loops):
        began = time.perf_counter_ns()
        decision = await security.process_request(body, context)
        durations.append(time.perf_counter_ns() - began)
        _accepted(decision)
    return durations


def _accepted(decision: Decision) -> None:
    if not decision.allowed or decision.findings:
        codes = ", ".join(finding.code for finding in decision.findings)
        raise Denied(f"an honest message of the benchmark was refused or reported: {codes}")


# -- the report --------------------------------------------------------------------------------------------------------


def totals(cells: list[Cell]) -> str:
    """The table of whole durations beside the budget."""
    rows = []
    for cell in cells:
        budget = BUDGET.get((cell.work.name, cell.kind))
        rows.append([
            cell.work.name,
            cell.kind,
            f"{cell.samples.p50:,.0f}",
            f"{cell.samples.p99:,.0f}",
            "-" if budget is None else f"{budget[0]:,} ({budget[1]:,})",
            "-" if budget is None else f"{cell.samples.p50 / budget[0]:.2f}",
            f"{cell.samples.count:,}",
        ])  # fmt: skip
    header = ("message", "what", "p50 µs", "p99 µs", "budget p50 (p99)", "p50 / budget", "messages")
    return markdown(header, rows)


def by_rung(cells: list[Cell], kind: str, rungs: tuple[str, ...]) -> str:
    """The table of medians by rung; `outside` is what the rungs do not account for: context, verdict, audit record."""
    chosen = [cell for cell in cells if cell.kind == kind]
    rows = [[rung, *(_spent(cell, rung) for cell in chosen)] for rung in rungs]
    if kind == REQUEST:
        rows.append(["outside", *(f"{_outside(cell):,.1f}" for cell in chosen)])
    return markdown(("rung, p50 µs", *(cell.work.name for cell in chosen)), rows)


def _spent(cell: Cell, rung: str) -> str:
    return f"{median(cell.rungs[rung]):,.1f}" if rung in cell.rungs else "off"


def _outside(cell: Cell) -> float:
    return max(0.0, cell.samples.p50 - sum(median(spent) for spent in cell.rungs.values()))


def as_text(cells: list[Cell], about: Mapping[str, str], starts: Mapping[str, float]) -> str:
    """The whole report in Markdown."""
    started = [[name, f"{spent:,.0f}", str(START_BUDGET[name])] for name, spent in starts.items()]
    return "\n\n".join((
        "# Overhead in process, hot",
        "\n".join(f"- {name}: {value}" for name, value in about.items()),
        totals(cells),
        by_rung(cells, REQUEST, REQUEST_RUNGS),
        by_rung(cells, BOTH, RESPONSE_RUNGS),
        markdown(("start", "ms", "budget ms"), started),
    ))  # fmt: skip


def as_json(cells: list[Cell], about: Mapping[str, str], starts: Mapping[str, float]) -> str:
    """The same facts for a machine; microseconds, and milliseconds for the start."""
    measured: list[dict[str, Any]] = [
        {
            "message": cell.work.name,
            "what": cell.kind,
            "p50": cell.samples.p50,
            "p99": cell.samples.p99,
            "p99_of_all_blocks": cell.samples.p99_of_all,
            "budget": BUDGET.get((cell.work.name, cell.kind)),
            "rungs": {name: median(spent) for name, spent in cell.rungs.items()},
        }
        for cell in cells
    ]
    return json.dumps({"about": about, "pipeline": measured, "start_ms": starts}, indent=2)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if a message of the benchmark is refused."""
    parser = argparse.ArgumentParser(description="What the pipeline costs in process, hot.")
    parser.add_argument("--short", action="store_true", help="fewer repetitions, below 15 seconds")
    parser.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    options = parser.parse_args(arguments)
    blocks, seconds, runs = (5, 0.06, 3) if options.short else (8, 0.35, 7)
    with tempfile.TemporaryDirectory() as folder:
        try:
            cells, about = measure(Path(folder) / "audit.jsonl", blocks=blocks, seconds=seconds)
        except Denied as denied:
            print(denied, file=sys.stderr)
            return 1
    report = as_json if options.json else as_text
    print(report(cells, about, startup(runs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
