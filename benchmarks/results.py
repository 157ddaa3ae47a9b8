"""What judging answers costs in process, hot: each rung and in total, beside the budget; and hostile answers.

    python benchmarks/results.py [--short] [--json] [--only WORD] [--honest | --hostile]

Three policies take turns, so that their ratio holds whatever else the machine does: none of the results section, the
profile `standard`, and everything on. Ends with exit code 1 if an honest answer is changed, reported or withheld.
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
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import Any, Final

from benchmarks.answer_floods import answer_families, is_list
from benchmarks.answers import Case, as_event, asked, cases
from benchmarks.floods import Door, Family
from benchmarks.hostile import BUDGET_MS, SIZE, Cost, as_text
from benchmarks.machine import facts
from benchmarks.messages import ADDRESS, SEED, encoded, policy
from benchmarks.samples import Samples, markdown
from smcp_security import Decision, RequestContext, SMCPSecurityFramework
from smcp_security.sse import EventReader

_LIMIT: Final = 2**21
LEAST: Final = 10
"""Fewest answers in a block: a median of less says nothing."""

_OFF: Final[Mapping[str, Any]] = {
    "redact": [], "injection": "off", "strip": False, "errors": "pass", "descriptions": "off"
}  # fmt: skip
_ALL: Final[Mapping[str, Any]] = {
    "redact": ["secrets", "email", "phone", "card", "iban", "national_id", "ip"],
    "injection": "datamark",
    "errors": "mask",
    "descriptions": "drop",
    "max_tokens": 1_000_000,
}
POLICIES: Final[Mapping[str, Mapping[str, Any]]] = {"off": _OFF, "standard": {}, "all": _ALL}
"""What each policy says of results."""


class Changed(Exception):
    """An honest answer of the benchmark was changed, reported or withheld: its numbers would mean nothing."""


@dataclass(slots=True)
class Cell:
    """One answer measured under one policy: whole durations, and microseconds by rung."""

    case: Case
    policy: str
    loops: int = LEAST
    samples: Samples = field(default_factory=Samples)
    rungs: dict[str, list[float]] = field(default_factory=dict)
    codes: tuple[str, ...] = ()


def results_policy(audit: Path, results: Mapping[str, Any]) -> dict[str, Any]:
    """The policy of all benchmarks with another section for results."""
    rest = policy(audit)
    return {**rest, "results": {"max_size": _LIMIT, **results}}


def measure(folder: Path, *, blocks: int, seconds: float, only: str = "") -> tuple[list[Cell], dict[str, str]]:
    """Every answer under every policy, in `blocks` rounds of about `seconds` each. Raises `Changed`."""
    with ExitStack() as stack:
        frameworks = {
            name: stack.enter_context(SMCPSecurityFramework(results_policy(folder / f"{name}.jsonl", results)))
            for name, results in POLICIES.items()
        }
        cells = [Cell(case, name) for case in cases() if only in case.name for name in frameworks]
        for cell in cells:
            _warm(frameworks[cell.policy], cell, seconds)
        for _ in range(blocks):
            for cell in cells:
                cell.samples.blocks.append(_block(frameworks[cell.policy], cell))
                frameworks[cell.policy].flush()
        return cells, facts(frameworks["standard"])


def _warm(security: SMCPSecurityFramework, cell: Cell, seconds: float) -> None:
    spent = median(_block(security, cell))
    cell.loops = max(LEAST, int(seconds * 1e9 / spent))
    _block(security, cell)
    cell.rungs.clear()
    security.flush()


def _block(security: SMCPSecurityFramework, cell: Cell) -> list[int]:
    decision = security.process_request_sync(asked(), RequestContext(ip_address=ADDRESS))
    body = as_event(cell.case.body) if cell.case.event else cell.case.body
    durations = []
    for _ in range(cell.loops):
        began = time.perf_counter_ns()
        judged = (
            next(iter(_events(security, body, decision)))
            if cell.case.event
            else security.process_response_sync(body, decision)
        )
        durations.append(time.perf_counter_ns() - began)
        _accepted(judged, cell)
        for name, spent in judged.timings.items():
            cell.rungs.setdefault(name, []).append(spent)
    return durations


def _accepted(judged: Decision, cell: Cell) -> None:
    cell.codes = tuple(sorted({finding.code for finding in judged.findings}))
    if cell.case.honest and (not judged.allowed or judged.findings or judged.message != cell.case.body):
        raise Changed(f"{cell.case.name}, policy {cell.policy}: changed or reported: {', '.join(cell.codes)}")


def _events(security: SMCPSecurityFramework, stream: bytes, decision: Decision) -> Iterable[Decision]:
    for event in EventReader(_LIMIT).feed(stream):
        if event.data is not None:
            yield security.inspect_response_sync(event.data, decision)


# -- hostile answers ---------------------------------------------------------------------------------------------------


def measure_hostile(folder: Path, *, repeats: int, size: int, seed: int, only: str = "") -> list[Cost]:
    """Every family `repeats` times, under the policy with everything on: milliseconds of CPU on fresh text."""
    random, costs = Random(seed), []
    with SMCPSecurityFramework(results_policy(folder / "hostile.jsonl", _ALL)) as security:
        for family in answer_families():
            if only in family.name:
                costs.append(_cost(security, family, random, repeats, size))
    return costs


def _cost(security: SMCPSecurityFramework, family: Family, random: Random, repeats: int, size: int) -> Cost:
    cost = Cost(family)
    for _ in range(repeats):
        body, decision = family.draw(random, size), _asked_for(security, family)
        began = time.thread_time_ns()
        judged = (
            list(_events(security, body, decision))
            if family.door is Door.EVENTS
            else [security.inspect_response_sync(body, decision)]
        )
        cost.spent.append((time.thread_time_ns() - began) / 1e6)
        cost.verdicts.update({_verdict(each) for each in judged})
    return cost


def _asked_for(security: SMCPSecurityFramework, family: Family) -> Decision:
    listing = encoded({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})
    return security.process_request_sync(listing if is_list(family) else asked(), RequestContext(ip_address=ADDRESS))


def _verdict(decision: Decision) -> str:
    codes = ", ".join(sorted({finding.code for finding in decision.findings})[:3])
    return ("passed " if decision.allowed else "withheld ") + codes


# -- the report --------------------------------------------------------------------------------------------------------


def totals(cells: list[Cell]) -> str:
    """The table of whole durations beside the budget."""
    bare = {cell.case.name: cell.samples.p50 for cell in cells if cell.policy == "off"}
    rows = [
        [
            cell.case.name,
            cell.policy,
            f"{cell.samples.p50:,.0f}",
            f"{cell.samples.p99:,.0f}",
            "-" if cell.case.budget is None else f"{cell.case.budget:,.0f}",
            f"{cell.samples.p50 / bare[cell.case.name]:.2f}",
            ", ".join(cell.codes) or "-",
        ]
        for cell in cells
    ]
    return markdown(("answer", "policy", "p50 µs", "p99 µs", "budget p50", "to off", "findings"), rows)


def by_rung(cells: list[Cell], name: str) -> str:
    """The table of medians by rung under one policy."""
    chosen = [cell for cell in cells if cell.policy == name]
    rungs = dict.fromkeys(rung for cell in chosen for rung in cell.rungs)
    rows = [
        [cell.case.name, *(f"{median(cell.rungs[rung]):,.1f}" if rung in cell.rungs else "-" for rung in rungs)]
        for cell in chosen
    ]
    return markdown((f"{name}: p50 µs by rung", *rungs), rows)


def honest_text(cells: list[Cell], about: Mapping[str, str]) -> str:
    """The whole report of honest answers in Markdown."""
    return "\n\n".join((
        "# Answers in process, hot",
        "\n".join(f"- {name}: {value}" for name, value in about.items()),
        totals(cells),
        *(by_rung(cells, name) for name in POLICIES if name != "off"),
    ))  # fmt: skip


def as_json(cells: list[Cell], costs: list[Cost], about: Mapping[str, str]) -> str:
    """The same facts for a machine; microseconds, and milliseconds for hostile answers."""
    honest = [
        {
            "answer": cell.case.name, "policy": cell.policy, "p50": cell.samples.p50, "p99": cell.samples.p99,
            "budget": cell.case.budget, "rungs": {name: median(spent) for name, spent in cell.rungs.items()},
        }
        for cell in cells
    ]  # fmt: skip
    hostile = {cost.family.name: {"ms": cost.spent, "verdicts": dict(cost.verdicts)} for cost in costs}
    return json.dumps({"about": about, "honest": honest, "hostile": hostile}, indent=2)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if an honest answer is not passed as it is."""
    parser = argparse.ArgumentParser(description="What judging answers costs in process.")
    parser.add_argument("--short", action="store_true", help="fewer repetitions")
    parser.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    parser.add_argument("--only", default="", metavar="WORD", help="answers and families with this in their name")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--honest", action="store_true", help="honest answers alone")
    which.add_argument("--hostile", action="store_true", help="hostile answers alone")
    options = parser.parse_args(arguments)
    log = logging.getLogger("smcp_security")
    before = log.level
    # Each refusal is a warning; a terminal's speed is not what is measured.
    log.setLevel(logging.CRITICAL)
    try:
        return _measured(options)
    finally:
        log.setLevel(before)


def _measured(options: argparse.Namespace) -> int:
    blocks, seconds, repeats = (3, 0.05, 3) if options.short else (7, 0.3, 15)
    cells, costs, about = [], [], dict[str, str]()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        try:
            if not options.hostile:
                cells, about = measure(place, blocks=blocks, seconds=seconds, only=options.only)
        except Changed as changed:
            print(changed, file=sys.stderr)
            return 1
        if not options.honest:
            costs = measure_hostile(place, repeats=repeats, size=SIZE, seed=SEED, only=options.only)
    if options.json:
        print(as_json(cells, costs, about))
        return 0
    print("\n\n".join(part for part in (
        honest_text(cells, about) if cells else "", as_text(costs, {}, BUDGET_MS) if costs else "",
    ) if part))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
