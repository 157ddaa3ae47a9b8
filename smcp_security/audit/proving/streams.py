"""What a verifier remembers of one stream of records. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

Vouched = Literal["mac", "sig", "nothing"]
MOST_MISSING: Final = 10_000
"""Numbers of missing records that are remembered, to tell a record that was moved from one that was copied."""

_NEVER: Final = b"%d%b"
"""No line begins like this."""


@dataclass(slots=True, eq=False)
class Stream:
    """`next` is the number that its next record must have, `last` the hash of its last line.

    `filed`: its records cite the line before them in the file, whoever wrote it; else the last one of their own.
    `proved` says of a line and its number whether it is proved; `head` is how its next line must begin.
    """

    name: str
    vouched: Vouched
    next: int = 0
    last: bytes = b""
    filed: bool = True
    opened: bool = False
    ended: bool = False
    head: bytes = _NEVER
    proved: Callable[[bytes, int], bool] = lambda line, number: False
    missing: dict[int, int] = field(default_factory=dict)
    """Of each record that is missing, which fault tells of it."""

    def begin(self) -> None:
        """Its open record is there: from now on its lines are usual ones."""
        self.opened = True
        self.head = b'{"stream":"%b","seq":%%d,"prev":"%%b","v":2,"kind":"' % self.name.encode()

    def end(self) -> None:
        """Nothing may follow."""
        self.ended, self.head = True, _NEVER

    def miss(self, until: int, fault: int) -> None:
        """The records before `until` are not where they belong."""
        for number in range(self.next, min(until, self.next + MOST_MISSING)):
            self.missing[number] = fault
