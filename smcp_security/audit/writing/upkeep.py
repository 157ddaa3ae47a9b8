"""How an audit file is kept: when it is synced, when a checkpoint is written, when a segment is full. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Fsync = Literal["always", "interval", "never"]

SECONDS_A_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Upkeep:
    """`fsync` as in the policy; seconds between checkpoints; bytes of a segment, a new one each UTC day or not; seconds
    that a segment is kept. None: any number."""

    fsync: Fsync = "interval"
    checkpoint: float = 60.0
    size: int | None = 256 * 1024 * 1024
    daily: bool = False
    retention: float | None = None

    def is_full(self, size: int, begun: int, today: int) -> bool:
        """Whether a file of `size` bytes, begun on the day `begun`, has to be put aside.

        A day that lies a little ahead is a clock that was set back: waiting for it makes no second segment of one day.
        One that lies further ahead was never true.
        """
        if not size:
            return False
        if self.size is not None and size >= self.size:
            return True
        return self.daily and (today > begun or today < begun - 1)


def day_of(at: float) -> int:
    """The UTC day of a time, counted from 1970."""
    return int(at // SECONDS_A_DAY)
