"""What a bad policy, its report and its good twin are called."""

from __future__ import annotations

from typing import NamedTuple


class Mistake(NamedTuple):
    """`bad` is refused with exactly `report` (after the file's name); `good` differs only in the mistake.

    `beyond` is true where the JSON Schema cannot say what is wrong.
    """

    bad: str
    report: str
    good: str
    beyond: bool = False
