"""Who judges for an edge: the framework, or the framework for an edge that cannot await.

The response side of every edge is one piece of code, written for an event loop. Where there is none, its coroutines
are run by hand: every answer is there at once, so they end without having waited.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeAlias, TypeVar

from smcp_security.decision import Decision
from smcp_security.framework import SMCPSecurityFramework
from smcp_security.policy import Policy

T = TypeVar("T")


class Blocking:
    """What the response side asks of the framework, with coroutines that never wait: for WSGI and Django without an
    event loop."""

    def __init__(self, framework: SMCPSecurityFramework) -> None:
        self._framework = framework
        self.too_large = framework.too_large
        self.forget = framework.forget
        self.finish = framework.finish
        self.sought = framework.sought

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._framework.policy

    async def inspect_response(self, raw: bytes, decision: Decision) -> Decision:
        """Judge one JSON body or one SSE event's data."""
        return self._framework.inspect_response_sync(raw, decision)

    async def bind(self, session: str, decision: Decision) -> bool:
        """Whether a session that the server has just begun is the caller's from now on."""
        return self._framework.bind_sync(session, decision)

    async def settle(self, decision: Decision, *, pending: bool = False) -> None:
        """The exchange ends: give back what it holds."""
        self._framework.settle_sync(decision, pending=pending)


Judge: TypeAlias = SMCPSecurityFramework | Blocking
"""What the response side asks."""


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits. Raises `RuntimeError` if it does."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("this was to be answered without waiting")
