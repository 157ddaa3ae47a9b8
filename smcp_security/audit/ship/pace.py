"""How long to wait before the next attempt. Pure but for chance."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from smcp_security.audit.ship.carrier import Undelivered

_JITTER: Final = 0.5
_LITTLE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. `poll` between two looks at the file, `stand_by` between two at the lock, `attempt` for one attempt.

    After failures the pauses double from `first` to `last`; from `hopeless_first` to `hopeless_last` where the other
    side will say the same until somebody changes something.
    """

    poll: float = 0.25
    stand_by: float = 2.0
    attempt: float = 30.0
    first: float = 0.5
    last: float = 60.0
    hopeless_first: float = 60.0
    hopeless_last: float = 900.0

    def pause(self, problem: Undelivered, failures: int) -> float:
        """What to wait after `failures` attempts in a row that failed, the last one with `problem`.

        A part of it is left to chance, so that many processes do not come back to a collector all at once.
        """
        if problem.smaller:
            return 0.0
        doubled = 2.0 ** min(failures - 1, 30)
        if problem.wait is not None:
            return max(problem.wait, self.first) * (1 + random.uniform(0, _LITTLE))
        first, last = (self.hopeless_first, self.hopeless_last) if problem.hopeless else (self.first, self.last)
        return min(first * doubled, last) * random.uniform(_JITTER, 1)
