"""Durations of one thing measured many times, in blocks, and what may be said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import median


@dataclass(slots=True)
class Samples:
    """Nanoseconds, block by block."""

    blocks: list[list[int]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many durations there are."""
        return sum(map(len, self.blocks))

    @property
    def p50(self) -> float:
        """The least of the blocks' medians, in microseconds: what else the machine does only ever adds."""
        return min(median(block) for block in self.blocks) / 1000

    @property
    def p99(self) -> float:
        """The least of the blocks' 99th percentiles, in microseconds: the pauses of our own come in every block."""
        return min(percentile(block, 0.99) for block in self.blocks) / 1000

    @property
    def p99_of_all(self) -> float:
        """Microseconds below which 99 % of all durations lie, those that the machine disturbed included."""
        return percentile([duration for block in self.blocks for duration in block], 0.99) / 1000


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that is not less than `share` of them (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, ceil(share * len(ranked)) - 1)]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns; the first is text, the others are numbers."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (header, rule, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
