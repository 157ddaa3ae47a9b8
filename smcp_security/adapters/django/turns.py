"""A judge that is asked by code which may wait now and may not the next time: a Django response is begun in one thread,
streamed in another and closed in a third."""

from __future__ import annotations

from smcp_security.adapters.judges import Blocking
from smcp_security.decision import Decision
from smcp_security.framework import SMCPSecurityFramework


class Turns(Blocking):
    """A `Judge`. `waits`: whether its coroutines may wait, because an event loop runs them."""

    def __init__(self, framework: SMCPSecurityFramework, waits: bool) -> None:
        super().__init__(framework)
        self.waits = waits

    async def inspect_response(self, raw: bytes, decision: Decision) -> Decision:
        """Judge one JSON body or one SSE event's data."""
        if self.waits:
            return await self._framework.inspect_response(raw, decision)
        return await super().inspect_response(raw, decision)

    async def bind(self, session: str, decision: Decision) -> bool:
        """Whether a session that the server has just begun is the caller's from now on."""
        if self.waits:
            return await self._framework.bind(session, decision)
        return await super().bind(session, decision)

    async def settle(self, decision: Decision, *, pending: bool = False) -> None:
        """The exchange ends: give back what it holds."""
        if self.waits:
            await self._framework.settle(decision, pending=pending)
        else:
            await super().settle(decision, pending=pending)
