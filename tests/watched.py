"""A framework whose sink and observers a test exchanges for its own, and what observers were told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from smcp_security import Decision, SMCPSecurityFramework
from smcp_security.checks.rung import Context
from smcp_security.observers import Ending, Observer
from tests.audit.disk import Disk
from tests.envelopes import call, encoded, response

POLICY: Final[dict[str, Any]] = {"limits": [], "server": {"flood": "off"}}
HONEST: Final = call("echo", {"text": "hello"})
HOSTILE: Final = call("echo", {"text": "a; cat /etc/passwd | sh"})
ANSWER: Final = encoded(response(1, {"content": [{"type": "text", "text": "hi"}]}))
Arrange: TypeAlias = Callable[..., SMCPSecurityFramework]
"""The framework with these observers, and with a disk of the test's."""


@dataclass
class Watcher:
    """An observer that keeps what it is told, and breaks where a test says."""

    breaks: bool = False
    verdicts: list[tuple[str, bool, str]] = field(default_factory=list)
    endings: list[tuple[str, Ending]] = field(default_factory=list)
    closed: int = 0

    def decided(self, decision: Decision, context: Context, edge: str) -> None:
        self.verdicts.append((decision.id, decision.allowed, edge))
        self._break()

    def ended(self, decision: Decision, ending: Ending) -> None:
        self.endings.append((decision.id, ending))
        self._break()

    def close(self) -> None:
        self.closed += 1
        self._break()

    def _break(self) -> None:
        if self.breaks:
            raise ValueError("secret-text-of-a-message")


@contextmanager
def arranging(security: SMCPSecurityFramework) -> Iterator[Arrange]:
    """Afterwards the framework is as it was."""
    armed = security._armed

    def arrange(*observers: Observer, disk: Disk | None = None, on_failure: str = "deny") -> SMCPSecurityFramework:
        audit = armed.policy.audit.model_copy(update={"on_failure": on_failure})
        policy = armed.policy.model_copy(update={"audit": audit})
        sink = armed.sink if disk is None else disk
        security._around.commits._missed = 0
        security._armed = replace(armed, policy=policy, sink=sink, observers=observers, deaf=set())
        return security

    yield arrange
    security._armed = armed


def judge(security: SMCPSecurityFramework, message: Any) -> Decision:
    """The verdict on a message in process."""
    return security.process_request_sync(message)
