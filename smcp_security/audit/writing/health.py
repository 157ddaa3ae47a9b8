"""What went wrong with a sink, what it cost and what the operator is told. Must not import threads or a file system.

The spool guards a `Health` with its lock and logs the messages it returns after letting the lock go.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Loss:
    """`count` records that were not taken, the first and the last of them offered at these unix seconds."""

    count: int = 0
    first: float = 0.0
    last: float = 0.0


NOTHING: Final = Loss()


class Health:
    """The state of one sink: writing or failing and why, losing records or not, how many in all."""

    def __init__(self, path: str) -> None:
        self.failing = False
        self.losing = False
        self._path = path
        self._unreported = NOTHING
        self._lost = 0
        self.total = 0
        self.reason = ""

    @property
    def good(self) -> bool:
        """True while the last write succeeded and no record is being lost."""
        return not (self.failing or self.losing)

    @property
    def unreported(self) -> Loss:
        """The loss that no record in the file speaks of yet."""
        return self._unreported

    def failed(self, error: OSError) -> str | None:
        """A write failed. The message to log, once per failure."""
        if self.failing:
            return None
        self.failing, self.reason = True, _reason(error)
        return (
            f"audit file {self._path} cannot be written: {self.reason}. {_advice(error.errno)} Writing is tried again."
        )

    def broke_off(self) -> str | None:
        """The writer ended by an error that no disk makes. The message to log, once per failure."""
        if self.failing:
            return None
        self.failing, self.reason = True, "the writer broke off"
        return f"audit file {self._path}: the writer broke off, see the traceback. The next record starts another one."

    def lost(self, now: float, reason: str) -> str | None:
        """A record offered at `now` (unix seconds) was not taken. The message to log, once until it recovers."""
        past = self._unreported
        self._unreported = Loss(past.count + 1, past.first if past.count else now, now)
        self._lost += 1
        self.total += 1
        if self.losing:
            return None
        self.losing = True
        return f"audit file {self._path} loses records: {reason}. They are counted."

    def written(self, reported: Loss, *, relieved: bool) -> str | None:
        """A write succeeded and said `reported`; `relieved`: the queue has room again. The message to log, if any."""
        recovered, self.failing, self.reason = self.failing, False, ""
        rest = self._unreported.count - reported.count
        self._unreported = Loss(rest, self._unreported.first, self._unreported.last) if rest else NOTHING
        if self.losing and relieved and not rest:
            lost, self._lost, self.losing = self._lost, 0, False
            return f"audit file {self._path} is written again; {lost} records were lost"
        if recovered and not self.losing:
            return f"audit file {self._path} is written again; no record was lost"
        return None


def _reason(error: OSError) -> str:
    """Of the file of callers the text says what is wrong with it: it was not the disk that refused."""
    if error.errno == errno.EBADMSG and error.strerror:
        return error.strerror
    return os.strerror(error.errno) if error.errno else type(error).__name__


def _advice(number: int | None) -> str:
    match number:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return "Free some space or raise the limit."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "Let this user read and append to the file."
        case errno.EBADMSG:
            return "Put the file of callers right."
        case errno.ENOENT | errno.ENOTDIR:
            return "Create its directory."
        case _:
            return "Check the file and the device it is on."
