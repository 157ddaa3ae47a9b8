"""A harness with a defect behind branches, to see whether the fuzzer finds its way. Not in the table of targets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.fuzz.oracle import expect

WORDS: Final = (b"x",)


def judge(data: bytes) -> None:
    """Break for what begins with `smcp`, sign by sign."""
    for place, sign in enumerate(b"smcp"):
        if place >= len(data) or data[place] != sign:
            return
    expect(False, "nothing begins with smcp")


def seeds() -> Iterator[bytes]:
    """One that is far from it."""
    yield b"honest"
