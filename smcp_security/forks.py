"""Preloading servers fork: a lock held by a thread of the parent would stay locked in the child for ever."""

from __future__ import annotations

import os
import weakref
from typing import Final, Protocol


class Locked(Protocol):
    """What has locks or threads that a child must make anew."""

    def reset_locks(self) -> None:
        """Called in the child, before anything else of it."""
        ...


_WATCHED: Final[weakref.WeakSet[Locked]] = weakref.WeakSet()


def watch(locked: Locked) -> None:
    """From now on, for as long as it lives, its locks are made anew in every child."""
    _WATCHED.add(locked)


def _after_fork() -> None:
    for locked in _WATCHED:
        locked.reset_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
