"""The settings of the shell as commands see them. Must not import the engine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def without_overrides() -> Iterator[None]:
    """Hide `SMCP_<SECTION>__<KEY>` for a moment, for a framework whose policy is settled before it is made."""
    with _without(name for name in os.environ if name.startswith("SMCP_") and "__" in name):
        yield


@contextmanager
def without_settings() -> Iterator[None]:
    """Hide every `SMCP_` variable of the shell: a case must come out the same wherever it is played."""
    with _without(name for name in os.environ if name.startswith("SMCP_")):
        yield


@contextmanager
def _without(names: Iterable[str]) -> Iterator[None]:
    hidden = {name: os.environ[name] for name in list(names)}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)
