"""What is known of one destination, and what the operator is told of it. Must not import threads or sockets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_REASONS: Final = 20


@dataclass(frozen=True, slots=True)
class ShipHealth:
    """One destination. In a process that stands by it is what the one that sends has written down.

    `leading`: this process sends. `lag_bytes`: of the file, not yet sent. `skipped`: lines left out since the cursor
    was made. `last_error` is empty while lines go out. `last_sent`: unix seconds of the last success.
    """

    name: str
    target: str
    leading: bool
    lag_bytes: int
    skipped: int
    last_error: str
    last_sent: float | None


class Word:
    """What to say to the operator, each thing once until it is over. For one thread."""

    def __init__(self, name: str, target: str) -> None:
        self._where = f"audit.ship {name} ({target})"
        self._said: set[str] = set()
        self._skipping = False

    def failed(self, reason: str) -> str | None:
        """Lines cannot be sent."""
        if reason in self._said or len(self._said) >= _REASONS:
            return None
        self._said.add(reason)
        return f"{self._where} {reason}. The lines wait in the audit file; sending is tried again."

    @property
    def failing(self) -> bool:
        """Whether a failure was told and nothing was sent since."""
        return bool(self._said)

    def recovered(self, lag: int) -> str:
        """Lines were sent again."""
        self._said = set()
        return f"{self._where} takes lines again; {lag} bytes are still to be sent"

    def skipped(self, spool: int) -> str | None:
        """Lines are left out, because more than `spool` bytes wait."""
        if self._skipping:
            return None
        self._skipping = True
        return (
            f"{self._where} lags more than {spool} bytes behind: older lines are left out, and counted."
            " They stay in the audit file."
        )

    def caught_up(self) -> None:
        """No more lines wait than may."""
        self._skipping = False

    def refused(self, count: int) -> str:
        """Lines that can never be sent there."""
        return f"{self._where}: {count} lines are too long for it or refused for good; they are left out, and counted"

    def strayed(self) -> str:
        """The next line does not follow the one that was sent last."""
        return (
            f"{self._where}: the audit does not go on where it was sent up to; lines were removed before they were"
            " sent, or the file was replaced"
        )
