"""What a check-up found: each part by itself, and what follows for the whole. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Status = Literal["ready", "degraded", "unready", "closed"]

CLOSED: Final = "framework"
"""The only part of a guard that is closed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one thing said, after so many seconds: whether all is well, in a line why; if not, whether it works yet."""

    ok: bool
    detail: str
    seconds: float
    works: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One part that judging needs. `denies`: because it fails, every message is denied now.

    `detail` is one line for the operator; it holds no secret and nothing of a message, but names of files and issuers.
    """

    name: str
    ok: bool
    detail: str
    seconds: float
    denies: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """`live`: the process serves, and a restart would mend nothing. `ready`: messages that ought to pass do pass."""

    live: bool
    ready: bool
    parts: tuple[Part, ...]

    @property
    def status(self) -> Status:
        """ready; degraded: ready, and a part fails; unready: every message is denied; closed: for good."""
        if not self.live:
            return "closed"
        if not self.ready:
            return "unready"
        return "ready" if all(part.ok for part in self.parts) else "degraded"


def part_of(name: str, answers: Sequence[tuple[Answer, bool]]) -> Part:
    """A part that has several sources, each with whether it is vital: it denies once none of them works."""
    found = [answer for answer, _ in answers]
    failing = [answer.detail for answer in found if not answer.ok]
    return Part(
        name,
        not failing,
        "; ".join(failing or [answer.detail for answer in found]),
        max(answer.seconds for answer in found),
        any(vital for _, vital in answers) and not any(answer.ok or answer.works for answer in found),
    )


def health_of(parts: Sequence[Part]) -> Health:
    """The health of an open guard with these parts."""
    return Health(True, not any(part.denies for part in parts), tuple(parts))


def closed() -> Health:
    """The health of a guard that is closed: it never opens again, so a new process is what helps."""
    return Health(False, False, (Part(CLOSED, False, "closed; every message is denied", 0.0, True),))
