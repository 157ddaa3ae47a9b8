"""What was decided and how it ended, as small tuples that wait to be counted together. Pure: no lock, no clock.

A caller pays for an append; who owns the tally counts a batch now and then (`take`), under a lock of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from smcp_security.decision import Decision, Timings
from smcp_security.observers import Ending
from smcp_security.observers.labels import DENIED, OTHER, RESULTS, ToolNames, asked, counts_as_request, withheld_code
from smcp_security.observers.labels import verdict as verdict_of

if TYPE_CHECKING:
    from smcp_security.checks.rung import Context

T = TypeVar("T")
K = TypeVar("K")

BATCH: Final = 256
"""Verdicts that wait at most: counting them together costs a tenth, and holds a caller up for about 0.2 ms."""

SAMPLED: Final = 16
"""Of so many verdicts one is asked what each rung took: there are twenty rungs, and one verdict is like the next."""

MOST_WAITING: Final = 65_536
"""Where nobody counts, the oldest are forgotten: memory is bounded whatever happens."""

# An exchange that nobody waits for to its end took no time that would say anything.
_UNTIMED: Final = frozenset({"cancelled", "broken", "refused"})


@dataclass(slots=True)
class Batch:
    """What a tally held.

    Verdicts by (action, code, tool), requests by (tool, status), withheld by (code, tool), durations by (tool, method,
    error).
    """

    verdicts: dict[tuple[str, str, str], int] = field(default_factory=dict)
    requests: dict[tuple[str, str], int] = field(default_factory=dict)
    withheld: dict[tuple[str, str], int] = field(default_factory=dict)
    # Seconds, one by one: each reader has buckets of its own.
    decisions: list[float] = field(default_factory=list)
    rungs: dict[str, list[float]] = field(default_factory=dict)
    durations: dict[tuple[str, str, str], list[float]] = field(default_factory=dict)


class Tally:
    """An observer that only remembers. `full` is called by the caller whose verdict makes a batch."""

    __slots__ = ("_endings", "_full", "_names", "_skipped", "_verdicts", "batch")

    def __init__(self, names: ToolNames, full: Callable[[], None], batch: int = BATCH) -> None:
        self._names = names
        self._full = full
        self._verdicts: deque[tuple[str, str, str, bool, Timings, bool]] = deque(maxlen=MOST_WAITING)
        self._endings: deque[tuple[str, str, str, float, str, str]] = deque(maxlen=MOST_WAITING)
        self._skipped = SAMPLED
        self.batch = batch

    def decided(self, decision: Decision, context: Context, edge: str) -> None:
        """Remember a verdict."""
        message = decision.request
        action, code = verdict_of(decision) if decision.findings or not decision.allowed else ("pass", "")
        tool = self._names.label(message, context.upstream)
        self._skipped += 1
        sampled = self._skipped >= SAMPLED
        if sampled:
            self._skipped = 0
        denied = action == "block" and counts_as_request(message)
        self._verdicts.append((action, code, tool, denied, decision.timings, sampled))
        if len(self._verdicts) >= self.batch:
            self._full()

    def ended(self, decision: Decision, ending: Ending) -> None:
        """Remember how an exchange ended."""
        message = asked(decision)
        if message is None or not counts_as_request(message):
            return
        context = decision.context
        tool = self._names.label(message, "" if context is None else context.upstream)
        code = withheld_code(ending.findings) if ending.result == "withheld" else ""
        self._endings.append((tool, message.method, ending.result, ending.seconds, code, ending.error))
        if len(self._endings) >= self.batch:
            self._full()

    @property
    def closed(self) -> bool:
        """Whether its owner has let go of it: what is told now has to be counted now."""
        return self.batch == 1

    def forget(self) -> None:
        """What waits is counted by somebody else: the parent of a forked process."""
        self._verdicts.clear()
        self._endings.clear()

    def take(self) -> Batch:
        """Count what waits. One at a time, please: the owner has the lock."""
        batch = Batch()
        for action, code, tool, denied, timings, sampled in _drained(self._verdicts):
            _more(batch.verdicts, (action, code, tool))
            if denied:
                _more(batch.requests, (tool, DENIED))
            _time(batch, timings, sampled)
        for tool, method, result, seconds, code, error in _drained(self._endings):
            _more(batch.requests, (tool, result if result in RESULTS else OTHER))
            if result not in _UNTIMED:
                batch.durations.setdefault((tool, method, error), []).append(seconds)
            if result == "withheld":
                _more(batch.withheld, (code, tool))
        return batch


def _drained(waiting: deque[T]) -> Iterator[T]:
    """What waits now; what is added meanwhile waits for the next time."""
    for _ in range(len(waiting)):
        try:
            yield waiting.popleft()
        except IndexError:  # a fork's child has let go of it
            return


def _more(counts: dict[K, int], key: K) -> None:
    counts[key] = counts.get(key, 0) + 1


def _time(batch: Batch, timings: Timings, sampled: bool) -> None:
    total = timings.total()
    if not total:  # refused by an edge: no rung ran
        return
    batch.decisions.append(total / 1e6)
    if sampled:
        for rung, spent in timings.items():
            batch.rungs.setdefault(rung, []).append(spent / 1e6)
