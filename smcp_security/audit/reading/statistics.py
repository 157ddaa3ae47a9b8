"""Records counted: verdicts, codes, tools, persons, hours, and how long things took. Bounded in memory. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, log
from typing import Any, Final

MOST: Final = 100_000
"""Different values of one kind that are counted; who calls ever new tools must not fill the memory."""

OTHERS: Final = "(others)"
_FINENESS: Final = 100.0


@dataclass
class Times:
    """Durations in steps of 1 %, so that any number of them takes a few kilobytes."""

    steps: Counter[int] = field(default_factory=Counter)

    def add(self, value: float) -> None:
        """Count one."""
        self.steps[round(log(value) * _FINENESS) if value > 0 else -10_000] += 1

    def quantile(self, share: float) -> float | None:
        """The value below which `share` of them lie, within 1 %; None where there is none."""
        left = share * self.steps.total()
        for step in sorted(self.steps):
            left -= self.steps[step]
            if left <= 0:
                return 0.0 if step == -10_000 else exp(step / _FINENESS)
        return None


@dataclass
class Statistics:
    """What was counted of the records that `add` was told."""

    records: int = 0
    lost: int = 0
    first: str = ""
    last: str = ""
    kinds: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)
    persons: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    hours: dict[str, Counter[str]] = field(default_factory=dict)
    judging: Times = field(default_factory=Times)
    answering: Times = field(default_factory=Times)

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record, as it stands in its line."""
        kind, at = str(record["kind"]), str(record.get("at", ""))
        self.records += 1
        self.kinds[kind] += 1
        self.first = min(self.first or at, at)
        self.last = max(self.last, at)
        for code in record.get("codes", ()):
            _count(self.codes, code)
        if kind == "decision":
            self._decision(record, at)
        elif kind == "outcome":
            _count(self.results, str(record.get("result", "")))
            self.answering.add(float(record.get("seconds", 0)))
        elif kind == "lost":
            self.lost += int(record.get("count", 0))

    def _decision(self, record: Mapping[str, Any], at: str) -> None:
        action = str(record.get("action", ""))
        _count(self.actions, action)
        _count(self.persons, str(record.get("person", "")))
        if record.get("method") == "tools/call":
            _count(self.tools, str(record.get("target", "")))
        hour = at[:13]
        if hour in self.hours or len(self.hours) < MOST:
            self.hours.setdefault(hour, Counter())[action] += 1
        self.judging.add(float(record.get("us", 0)))


def _count(counter: Counter[str], value: str) -> None:
    counter[value if value in counter or len(counter) < MOST else OTHERS] += 1
