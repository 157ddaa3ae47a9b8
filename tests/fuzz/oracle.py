"""What every harness says when something does not hold."""

from __future__ import annotations


class Broken(AssertionError):
    """Something that must hold for every input does not hold for this one."""


def expect(truth: object, sentence: str) -> None:
    """Raise `Broken` with the sentence that says what must hold, unless it does."""
    if not truth:
        raise Broken(sentence)
