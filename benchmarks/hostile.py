"""What hostile input costs on first sight: the worst of a family of 100 KB inputs, fresh text each time.

    python benchmarks/hostile.py [--short] [--json] [--only WORD] [--check [--factor 1.0]]

Measures CPU time of the deciding thread, so that other work on the machine does not count. `--check` ends with exit
code 1 if any input costs more than 10 ms times the factor.
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
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from random import Random
from statistics import median
from typing import Any, Final
from unittest.mock import patch

from benchmarks.floods import Door, Family, families
from benchmarks.machine import facts
from benchmarks.messages import ADDRESS, SEED, TOOL, call, encoded, policy
from benchmarks.samples import markdown
from benchmarks.typed_floods import tools, typed_families
from smcp_security import Decision, RequestContext, SMCPSecurityFramework
from smcp_security.rulebook import SENT, Rulebook, Surface
from smcp_security.rules.catalogue import RawRule, read_rules
from smcp_security.sse import EventReader

SIZE: Final = 100_000
BUDGET_MS: Final = 10.0
EXCLUSIONS: Final = 500
_EVENT_LIMIT: Final = 2**20

Pass = Callable[[], Iterable[Decision]]
Policies = Callable[[Path], dict[str, Any]]
"""What makes a policy with its audit in a file."""


@dataclass(slots=True)
class Cost:
    """What the inputs of one family took, in milliseconds of CPU, and how they were judged."""

    family: Family
    spent: list[float] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)

    @property
    def worst(self) -> float:
        """The most expensive input."""
        return max(self.spent)


def measure(
    folder: Path, *, repeats: int, size: int, seed: int, only: str = "", cold: bool = False
) -> tuple[list[Cost], dict[str, str]]:
    """Every family `repeats` times. `folder` is for the audit; `only` chooses families by a part of their name.

    `cold`: each family meets a rulebook of its own, whose automata no other family has built.
    """
    random = Random(seed)
    chosen = [family for family in all_families() if only in family.name]
    with ExitStack() as stack:
        met: dict[Policies, SMCPSecurityFramework] = {}
        for which in dict.fromkeys([_plain, *map(_met_by, chosen)]):
            met[which] = stack.enter_context(SMCPSecurityFramework(which(folder / f"{which.__name__}.jsonl")))
        about = facts(met[_plain])
        _wake(*met.values())
        if not cold:
            return [_cost(family, met[_met_by(family)], random, repeats, size) for family in chosen], about
    costs = []
    for family in chosen:
        with _fresh(_met_by(family)(folder / "cold.jsonl")) as security:
            _wake(security)
            costs.append(_cost(family, security, random, repeats, size))
    return costs, about


def _fresh(given: dict[str, Any]) -> SMCPSecurityFramework:
    """A framework with a rulebook of its own: a process compiles each level once."""

    def compiled(level: int, surfaces: frozenset[Surface] = SENT) -> Rulebook:
        return Rulebook([rule for rule in _rules() if rule.level <= level], surfaces)

    with patch("smcp_security.armed.load", compiled):
        return SMCPSecurityFramework(given)


@cache
def _rules() -> tuple[RawRule, ...]:
    return read_rules()


def _met_by(family: Family) -> Policies:
    return _excluding if family.excluded else _typed if family.typed else _plain


def _plain(audit: Path) -> dict[str, Any]:
    """The policy of all benchmarks without its contracts, which would refuse most families before they are scanned."""
    rest = policy(audit)
    tools = {name: {"schema": entry["schema"]} for name, entry in rest["tools"].items()}
    return {**rest, "tools": tools}


def all_families() -> tuple[Family, ...]:
    """Every family: of messages and texts, and of values for each kind of contract."""
    return (*families(), *typed_families())


def _typed(audit: Path) -> dict[str, Any]:
    """The policy with a contract of every kind."""
    rest = _plain(audit)
    return {**rest, "tools": {**rest["tools"], **tools()}}


def _excluding(audit: Path) -> dict[str, Any]:
    """The policy with many exclusions, none of which covers what is sent."""
    rules = [rule.id for rule in read_rules()]
    exclude = [
        {"rule": rules[place % len(rules)], "tool": "wiki.*", "pointer": f"/page/{place}/*", "reason": "benchmark"}
        for place in range(EXCLUSIONS)
    ]
    rest = _plain(audit)
    return {**rest, "injection": {**rest["injection"], "exclude": exclude}}


def _wake(*securities: SMCPSecurityFramework) -> None:
    """First use builds models and threads; that is the cost of a start, not of an input."""
    for security in securities:
        for _ in range(3):
            security.process_response_sync(encoded({"jsonrpc": "2.0", "id": 1, "result": {}}), _listing(security))
        # The first non-ASCII text and the first query load what only they need.
        for tool, value in (("set_value", "na\u00efve \u0430a"), ("typed_sql", "SELECT a FROM t WHERE b = 1")):
            params = {"name": tool, "arguments": {"value": value}}
            body = encoded({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
            security.process_request_sync(body, RequestContext(ip_address=ADDRESS))


def _cost(family: Family, security: SMCPSecurityFramework, random: Random, repeats: int, size: int) -> Cost:
    cost = Cost(family)
    for _ in range(repeats):
        once = _prepared(family.door, security, family.draw(random, size))
        began = time.thread_time_ns()
        decisions = list(once())
        cost.spent.append((time.thread_time_ns() - began) / 1e6)
        cost.verdicts.update({_verdict(decision) for decision in decisions})
        security.flush()
    return cost


def _prepared(door: Door, security: SMCPSecurityFramework, given: bytes) -> Pass:
    """The work to be timed, with everything made ready that a real edge has in hand."""
    if door is Door.REQUEST:
        context = RequestContext(ip_address=ADDRESS)
        return lambda: (security.process_request_sync(given, context),)
    if door is Door.HEADERS:
        with_headers = RequestContext(ip_address=ADDRESS, headers=_headers(given))
        body = encoded(call({"title": "t"}))
        return lambda: (security.process_request_sync(body, with_headers),)
    asked = _listing(security)
    if door is Door.RESPONSE:
        return lambda: (security.process_response_sync(given, asked),)
    return lambda: _judged_events(security, given, asked)


def _judged_events(security: SMCPSecurityFramework, stream: bytes, asked: Decision) -> Iterable[Decision]:
    for event in EventReader(_EVENT_LIMIT).feed(stream):
        if event.data is not None:
            yield security.inspect_response_sync(event.data, asked)


def _headers(values: bytes) -> dict[str, str]:
    fields = {"host": "127.0.0.1", "content-type": "application/json", "mcp-name": TOOL}
    lines = values.decode().split("\n")
    return fields | {"x-forwarded-for": ",".join(lines)[:4000]} | {f"x-{n}": line for n, line in enumerate(lines)}


def _listing(security: SMCPSecurityFramework) -> Decision:
    request = encoded({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})
    return security.process_request_sync(request, RequestContext(ip_address=ADDRESS))


def _verdict(decision: Decision) -> str:
    blocking = decision.blocking
    if decision.allowed:
        return "passed, reported" if decision.findings else "passed"
    return "denied" if blocking is None else blocking.code


# -- the report --------------------------------------------------------------------------------------------------------


def as_text(costs: list[Cost], about: dict[str, str], limit: float) -> str:
    """The whole report in Markdown; what is over the limit is marked."""
    rows = [
        [
            cost.family.name,
            f"{cost.spent[0]:.2f}",
            f"{median(cost.spent):.2f}",
            f"{cost.worst:.2f}{' !' if cost.worst > limit else ''}",
            ", ".join(name for name, _ in cost.verdicts.most_common(3)),
        ]
        for cost in costs
    ]
    return "\n\n".join((
        f"# Hostile input of about {SIZE // 1000} KB, CPU ms; budget: {BUDGET_MS:.0f} ms at worst",
        "\n".join(f"- {name}: {value}" for name, value in about.items()),
        markdown(("family", "first", "median", "worst", "verdict"), rows),
    ))  # fmt: skip


def as_json(costs: list[Cost], about: dict[str, str]) -> str:
    """The same facts for a machine."""
    table = {cost.family.name: {"ms": cost.spent, "verdicts": dict(cost.verdicts)} for cost in costs}
    return json.dumps({"about": about, "budget_ms": BUDGET_MS, "families": table}, indent=2)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if `--check` was asked for and an input is over the limit."""
    parser = argparse.ArgumentParser(description="What hostile input costs on first sight.")
    parser.add_argument("--short", action="store_true", help="5 inputs a family in place of 25")
    parser.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    parser.add_argument("--only", default="", metavar="WORD", help="families with this in their name")
    parser.add_argument("--seed", type=int, default=SEED, help="another seed, other texts")
    parser.add_argument("--check", action="store_true", help="exit code 1 if an input costs more than the budget")
    parser.add_argument("--factor", type=float, default=1.0, help="with --check: how many times the budget is allowed")
    options = parser.parse_args(arguments)
    # Each refusal is a warning; a terminal's speed is not what is measured.
    log = logging.getLogger("smcp_security")
    before = log.level
    log.setLevel(logging.CRITICAL)
    repeats = 5 if options.short else 25
    try:
        with tempfile.TemporaryDirectory() as folder:
            costs, about = measure(
                Path(folder), repeats=repeats, size=SIZE, seed=options.seed, only=options.only, cold=True
            )
    finally:
        log.setLevel(before)
    limit = BUDGET_MS * options.factor
    print(as_json(costs, about) if options.json else as_text(costs, about, limit))
    return int(options.check and any(cost.worst > limit for cost in costs))


if __name__ == "__main__":
    sys.exit(main())
