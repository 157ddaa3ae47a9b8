"""Which line a line says it follows: how the next file is known, whatever somebody has called it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

GENESIS: Final = "0" * 64
"""What the first line of all cites."""

_HEAD: Final = 512
_CITES: Final = re.compile(rb'\{"stream":"[0-9a-f]{1,64}","seq":[0-9]{1,20},"prev":"([0-9a-f]{64})"')


def cited(line: bytes) -> str:
    """The hash of the line before, as `line` has it; empty where that is no line of a chain."""
    found = _CITES.match(line)
    return found[1].decode() if found else ""


def cited_in(path: str) -> str | None:
    """The hash that the first line of a file cites; None of a file that has none yet. Raises `OSError`."""
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    return cited(head) if head else None


def citing(paths: Iterable[str], sought: str) -> str | None:
    """The first of these files that begins right after the line with that hash."""
    return next((path for path in paths if _readably_cited(path) == sought), None)


def _readably_cited(path: str) -> str | None:
    # What another program keeps beside the audit, and this one may not read, is none of it.
    try:
        return cited_in(path)
    except OSError:
        return None
