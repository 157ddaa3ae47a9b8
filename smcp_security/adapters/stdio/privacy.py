"""Our environment and memory, with the secrets in them, kept from other processes of the same user."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PR_SET_DUMPABLE: Final = 4
_TOLD: Final = Path("/proc/self/environ")


def keep_private() -> bool:
    """Whether /proc shows them to nobody but root from now on: else the server reads there what it was not given.

    It ends with `exec`: the server itself is as it always was. True where there is no /proc that shows them.
    """
    return _closed() or not _TOLD.exists()


def _closed() -> bool:
    try:
        import ctypes

        number = ctypes.c_ulong
        done: int = ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, number(0), number(0), number(0), number(0))
    except (ImportError, OSError, AttributeError):  # an interpreter or a system without it
        return False
    return done == 0
