"""What brings lines to a place outside, as the shipper sees it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Undelivered(Exception):
    """Lines did not arrive, as far as is known. `reason` is for the operator: nothing of what either side sent.

    `wait`: the seconds the other side asks for. `hopeless`: it will say the same until somebody changes something.
    `smaller`: it takes fewer lines at once.
    """

    def __init__(
        self, reason: str, *, wait: float | None = None, hopeless: bool = False, smaller: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait
        self.hopeless = hopeless
        self.smaller = smaller


class Carrier(Protocol):
    """One way out. For one thread, but for `abort`."""

    @property
    def most_lines(self) -> int:
        """Lines of one `send`."""
        ...

    @property
    def most_bytes(self) -> int:
        """Bytes of one `send`; a single line may be longer."""
        ...

    @property
    def doubt(self) -> float:
        """Seconds: what was sent so shortly before a connection broke may be lost, and is sent again."""
        ...

    def send(self, lines: Sequence[bytes], ends: float) -> int:
        """Bring these lines there, in order, before `ends` (monotonic). How many of them can never be taken.

        Raises `Undelivered`; then some of them may have arrived.
        """
        ...

    def check(self) -> None:
        """Raises `Undelivered` if the connection that is open has been closed by the other side."""
        ...

    def abort(self) -> None:
        """Make a `send` in another thread end soon."""
        ...

    def abandon(self) -> None:
        """Forget the connection without a word: it is another process' too."""
        ...

    def close(self, ends: float) -> None:
        """End the connection politely before `ends`; the next `send` opens another one."""
        ...
