"""Schemas of tools known to this process: the policy's, which win, and those learned from lists as they pass."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Final

from smcp_security.schemas import ToolSchema

# A server with more tools than this is none that a model can use; the oldest lesson is forgotten.
MAX_TOOLS: Final = 5_000


class Definitions:
    """(upstream, tool) -> schema; what the policy states holds for every upstream.

    Reading takes no lock: a dict look-up is atomic, and a schema is immutable.
    """

    def __init__(self, stated: Mapping[str, ToolSchema]) -> None:
        self._stated = dict(stated)
        self._learned: OrderedDict[tuple[str, str], ToolSchema] = OrderedDict()
        self._lock = Lock()

    def reset_lock(self) -> None:
        """Call in the child after a fork."""
        self._lock = Lock()

    def recall(self, tool: str, upstream: str = "") -> ToolSchema | None:
        """The schema to hold a call against."""
        return self._stated.get(tool) or self._learned.get((upstream, tool))

    def learn(self, tool: str, schema: ToolSchema, upstream: str = "") -> ToolSchema | None:
        """Remember what a list showed; answers what was remembered before."""
        with self._lock:
            before = self._learned.get((upstream, tool))
            self._learned[upstream, tool] = schema
            if len(self._learned) > MAX_TOOLS:
                self._learned.popitem(last=False)
        return before

    def adopt(self, other: Definitions) -> None:
        """Keep what another one has learned: a reloaded policy must not forget the schemas."""
        with other._lock:
            self._learned = OrderedDict(other._learned)
