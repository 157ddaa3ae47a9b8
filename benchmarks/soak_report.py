"""What is said of a soak: lines through what was held, the bounds on them, the tables, and what grew. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import linear_regression
from typing import Any, Final, Protocol

from benchmarks.samples import markdown

EXACT: Final = ("tasks", "fds")
"""Counted while nothing is on its way: they must not move at all, and end as they began."""
OBJECTS: Final = 1_000
"""Objects of the garbage collector that may be more at the end of the line than at its beginning, beyond the bare
server's. One kept for each request would be thousands in the shortest run."""
MEGABYTES: Final = 8.0
"""Resident memory, likewise: the allocator's own unrest is a few."""
THREADS: Final = 2
"""Threads, likewise: pools of workers that come and go."""
COUNTED: Final = (*EXACT, "threads", "objects", "blocks")
ROUTE: Final = ("server", "requests", "kinds", "seconds under load", "requests/s", "how sessions ended")


class Measured(Protocol):
    """A server that was measured."""

    name: str
    samples: list[Sample]
    done: Any
    ended: Any
    seconds: float


@dataclass(frozen=True, slots=True)
class Sample:
    """What a server held after so many requests, with nothing on its way: megabytes, and counts by name."""

    requests: int
    memory: float
    held: Mapping[str, Any]

    def of(self, name: str) -> float:
        """One of the numbers."""
        return self.memory if name == "memory" else float(self.held[name])


def warm_up(slices: int) -> int:
    """How many slices fill caches and pools before what is held must be flat."""
    return slices // 5


def steady(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The samples that must lie on a flat line: the first and the last are taken without the held streams."""
    slices = samples[1:-1]
    return slices[warm_up(len(slices)) :]


def growth(samples: Sequence[Sample], name: str) -> float:
    """How much more there is at the end of the line through the steady samples than at its beginning."""
    line = steady(samples)
    spread = [sample.requests for sample in line]
    if len(line) < 2 or spread[0] == spread[-1]:
        raise ValueError("a line needs two samples after the warm-up")
    slope, _ = linear_regression(spread, [sample.of(name) for sample in line])
    return slope * (spread[-1] - spread[0])


def faults(bare: Sequence[Sample], guarded: Sequence[Sample]) -> list[str]:
    """What is not flat on the protected server, in words; what the bare server does as well is not ours."""
    found = []
    for name in EXACT:
        if len({sample.of(name) for sample in steady(guarded)}) > 1:
            found.append(f"{name} moved: {[int(sample.of(name)) for sample in steady(guarded)]}")
        if guarded[-1].of(name) != guarded[0].of(name):
            found.append(f"{name} ended at {guarded[-1].of(name):.0f} and began at {guarded[0].of(name):.0f}")
    for name, bound in (("threads", THREADS), ("objects", OBJECTS), ("memory", MEGABYTES)):
        ours = growth(guarded, name) - max(0.0, growth(bare, name))
        if ours > bound:
            found.append(f"{name} grew by {ours:,.1f} more than on the bare server; at most {bound:,.1f}")
    return found


def as_text(sides: Sequence[Measured], verdict: Sequence[str], about: Mapping[str, str]) -> str:
    """The whole report in Markdown."""
    guarded = sides[-1]
    columns = ("what is held", "server", "start", "after warm-up", "last slice", "line", "end")
    rows = [_row(side, name) for name in ("memory", *COUNTED) for side in sides]
    kept = [
        [name, *(f"{sample.held['stores'][name]:,}" for sample in _marks(guarded.samples))]
        for name in guarded.samples[0].held["stores"]
    ]
    return "\n\n".join((
        "# An MCP SDK server under long mixed traffic, bare and protected in turn",
        markdown(("", ""), [[name, value] for name, value in about.items()]),
        markdown(ROUTE, [_load(side) for side in sides]),
        markdown(columns, rows),
        markdown(("the middleware remembers", "start", "after warm-up", "last slice", "end"), kept),
        markdown(("objects that grew most after the warm-up", "more"), grown(guarded.samples) or [["none", "0"]]),
        "Verdict: " + ("flat." if not verdict else "not flat: " + "; ".join(verdict) + "."),
    ))  # fmt: skip


def _load(side: Measured) -> list[str]:
    total = sum(side.done.values())
    ends = ", ".join(f"{way} {count}" for way, count in sorted(side.ended.items()))
    return [
        side.name, f"{total:,}", str(len(side.done)), f"{side.seconds:,.0f}", f"{total / side.seconds:,.0f}", ends
    ]  # fmt: skip


def _marks(samples: Sequence[Sample]) -> tuple[Sample, Sample, Sample, Sample]:
    line = steady(samples)
    return samples[0], line[0], line[-1], samples[-1]


def _row(side: Measured, name: str) -> list[str]:
    digits = ".1f" if name == "memory" else ",.0f"
    first, begun, last, end = (format(sample.of(name), digits) for sample in _marks(side.samples))
    line = f"{growth(side.samples, name):+,.1f}"
    return [{"memory": "resident MB"}.get(name, name), side.name, first, begun, last, line, end]


def grown(samples: Sequence[Sample]) -> list[list[str]]:
    """The types with the most objects more than after the warm-up."""
    begun, last = (sample.held.get("types", {}) for sample in (steady(samples)[0], steady(samples)[-1]))
    more = {name: count - begun.get(name, 0) for name, count in last.items() if count > begun.get(name, 0)}
    return [[name, f"{more[name]:,}"] for name in sorted(more, key=lambda name: -more[name])[:10]]


def as_json(sides: Sequence[Measured], verdict: Sequence[str], about: Mapping[str, str]) -> str:
    """The same facts for a machine, with every sample."""
    servers = {
        side.name: {
            "requests": dict(side.done),
            "ends": dict(side.ended),
            "seconds": side.seconds,
            "samples": [{"requests": each.requests, "memory": each.memory, **each.held} for each in side.samples],
        }
        for side in sides
    }
    return json.dumps(
        {"flat": not verdict, "faults": list(verdict), "about": dict(about), "servers": servers}, indent=2
    )
