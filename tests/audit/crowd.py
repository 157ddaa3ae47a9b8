"""What the tests of the file of callers share: one with known people in it."""

from __future__ import annotations

import os
from pathlib import Path

from smcp_security.audit.callers.people import People, open_people

WORDS = "vT3qz8Lw-" + "0aXr9KfJ2uYbN6cHd5eGm7s"
BOUND = b"stream:7"


def opened(path: Path, key: str | None = None, *, create: bool = True, **environ: str) -> People:
    """The people of the file at `path`."""
    return open_people(os.fspath(path), key, "hmac", environ, create=create)[0]


def came(people: People, *names: str) -> dict[str, tuple[str, bytes]]:
    """Handle and something sealed, by name, of people who have come and whose keys are on the disk."""
    sealed = {name: people.seal(name, name.encode(), BOUND) for name in names}
    people.flush()
    return sealed


def readable(people: People, sealed: dict[str, tuple[str, bytes]]) -> set[str]:
    """The names whose sealed text still opens."""
    return {name for name, (handle, text) in sealed.items() if people.open_sealed(handle, text, BOUND) is not None}
