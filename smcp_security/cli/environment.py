"""The settings of the shell as commands see them. Must not import the engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_overrides() -> Iterator[None]:
    """Hide `SMCP_<SECTION>__<KEY>` for a moment, for a framework whose policy is settled before it is made."""
    hidden = {name: value for name, value in os.environ.items() if name.startswith("SMCP_") and "__" in name}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)
