"""A bar on stderr for files that take a while, where somebody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

LONG: Final = 64 * 1024 * 1024
"""Bytes; what is shorter is read within a second."""


@contextmanager
def progress(label: str, size: Callable[[], int]) -> Iterator[Callable[[int], None]]:
    """Gives a function that is told how many bytes were read. `size` is asked when the first of them are."""
    bar: Any = None

    def told(count: int) -> None:
        nonlocal bar
        if bar is None and size() >= LONG and _watched():
            bar = click.progressbar(length=size(), label=label, file=sys.stderr, show_pos=False)
            bar.__enter__()
        if bar is not None:
            bar.update(count)

    try:
        yield told
    finally:
        if bar is not None:
            bar.__exit__(None, None, None)


def _watched() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()
