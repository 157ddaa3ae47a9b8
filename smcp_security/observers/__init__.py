"""Who is told of every verdict and of what became of it, besides the audit: metrics and traces. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from smcp_security.decision import Decision, Finding

if TYPE_CHECKING:
    from smcp_security.checks.rung import Context


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of an allowed message.

    `status` is the HTTP status (0 where there is none), `size` bytes of the answer. `result` is complete, error,
    tool-error, withheld, refused, cancelled or broken. `seconds` from the verdict to the end of the answer. `tokens` of
    the answer, None where nobody counted. `error` is the class of a failure: a JSON-RPC code, or `tool`; empty for
    none.
    """

    result: str
    status: int = 0
    size: int = 0
    seconds: float = 0.0
    tokens: int | None = None
    error: str = ""
    findings: tuple[Finding, ...] = ()


class Observer(Protocol):
    """Must not wait, and is not asked again after it raised: what it does decides nothing."""

    def decided(self, decision: Decision, context: Context, edge: str) -> None:
        """A verdict takes effect."""

    def ended(self, decision: Decision, ending: Ending) -> None:
        """An allowed message has its answer, or will have none."""

    def close(self) -> None:
        """Let go of what it holds."""


class Watched(Protocol):
    """What observers read off an audit sink: none of it waits for the disk or a network."""

    @property
    def healthy(self) -> bool:
        """True while records are taken and reach the file."""
        ...

    @property
    def waiting(self) -> int:
        """Records taken and not yet written."""
        ...

    @property
    def lost(self) -> int:
        """Records that were not taken since it was opened: never falls."""
        ...

    def lags(self) -> Mapping[str, int]:
        """Bytes not yet sent, by destination."""
        ...


@dataclass(frozen=True, slots=True)
class Subject:
    """What observers see of a policy in force. `digest`, `rules`, `mode`: of the policy, the rule set, as in the audit.

    `declared` says of a tool and an upstream whether the policy, the lock file or a list of the server names it. `away`
    says whether the shared store is.
    """

    digest: str
    rules: str
    mode: str
    declared: Callable[[str, str], bool]
    sink: Watched
    away: Callable[[], bool]
