"""A framework that forgets: the policy is compiled once, and every case finds it as if it had just been started."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from smcp_security.framework import SMCPSecurityFramework
from smcp_security.pins.lock import Lock, schemas_of
from smcp_security.policy import Policy
from smcp_security.resolution import Resolution
from smcp_security.schemas import ToolSchema, compile_schema
from smcp_security.sources import Sources
from smcp_security.stores.definitions import Definitions
from smcp_security.stores.exchanges import Exchanges
from smcp_security.stores.memory import MemoryStore
from smcp_security.stores.store import open_store

_ONE_WORKER: Final = 1


class Bench(SMCPSecurityFramework):
    """Judges case after case. What one has used up, learned or left open the next one does not see."""

    def __init__(self, policy: Policy, resolution: Resolution) -> None:
        super().__init__(policy, resolution=resolution)
        self._schemas = _stated(policy)

    def anew(self) -> None:
        """Forget everything but the policy."""
        armed, around = self._armed, replace(self._around, flood=MemoryStore(), exchanges=Exchanges())
        definitions = Definitions(self._schemas, *_pinned(armed.lock))
        store = open_store(armed.policy.store, _ONE_WORKER, on_change=around.on_store)
        sources = Sources(
            definitions, around.exchanges, around.flood, store, armed.keys, around.resolution, armed.detectors,
            armed.custody,
        )  # fmt: skip
        armed.store.close()
        self._around, self._armed = around, replace(armed, definitions=definitions, store=store, sources=sources)


def _stated(policy: Policy) -> dict[str, ToolSchema]:
    return {name: compile_schema(tool.schema) for name, tool in policy.tools.items() if tool.schema is not None}


def _pinned(lock: Lock | None) -> tuple[dict[str, ToolSchema], dict[str, ToolSchema]]:
    return ({}, {}) if lock is None else (schemas_of(lock, "outputSchema"), schemas_of(lock, "inputSchema"))
