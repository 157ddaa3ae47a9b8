"""What this process knows of definitions: schemas that the policy states or the lock file pins, which win, those
learned from lists as they pass, and which pinned definitions have drifted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Final

from smcp_security.checks.rung import AskDrift, Drift, Learn, Recall
from smcp_security.schemas import ToolSchema

# A server with more tools than this is none that a model can use; the oldest lesson is forgotten.
MAX_TOOLS: Final = 5_000

NOTHING_STATED: Final[Mapping[str, ToolSchema]] = {}


class Definitions:
    """(upstream, tool) -> schema; what is stated or pinned holds for every upstream. `outputs` is pinned, of results.

    Reading takes no lock: a dict look-up is atomic, and a schema is immutable.
    """

    def __init__(
        self,
        stated: Mapping[str, ToolSchema],
        outputs: Mapping[str, ToolSchema] = NOTHING_STATED,
        pinned: Mapping[str, ToolSchema] = NOTHING_STATED,
    ) -> None:
        self._stated = dict(stated)
        self._pinned = {**{(name, False): schema for name, schema in pinned.items()},
                        **{(name, True): schema for name, schema in outputs.items()}}  # fmt: skip
        self._learned: OrderedDict[tuple[str, str, bool], ToolSchema] = OrderedDict()
        # Names of the lock file alone, so bounded by it and by the upstreams that the operator has.
        self._drifted: set[tuple[str, str, str]] = set()
        self._lock = Lock()

    def reset_lock(self) -> None:
        """Call in the child after a fork."""
        self._lock = Lock()

    def recall(self, asked: Recall) -> ToolSchema | None:
        """The schema to hold a call, or its result, against: the policy's, else the pinned one, else what was learned.

        Of a tool that has drifted and may still be called, what its last list showed counts before the pin.
        """
        if not asked.output and (stated := self._stated.get(asked.tool)) is not None:
            return stated
        pinned = self._pinned.get((asked.tool, asked.output))
        learned = self._learned.get((asked.upstream, asked.tool, asked.output))
        if pinned is None or learned is None:
            return pinned or learned
        return learned if (asked.upstream, "tool", asked.tool) in self._drifted else pinned

    def learn(self, lesson: Learn) -> ToolSchema | None:
        """Remember what a list showed; answers what was remembered before."""
        key = (lesson.upstream, lesson.tool, lesson.output)
        with self._lock:
            before = self._learned.get(key)
            self._learned[key] = lesson.schema
            if len(self._learned) > MAX_TOOLS:
                self._learned.popitem(last=False)
        return before

    def note_drift(self, told: Drift) -> None:
        """Remember whether a list showed another definition than the pinned one."""
        key = (told.upstream, told.kind, told.name)
        with self._lock:
            (self._drifted.add if told.drifted else self._drifted.discard)(key)

    def has_drifted(self, asked: AskDrift) -> bool:
        """Whether the last list showed another definition than the pinned one."""
        return (asked.upstream, asked.kind, asked.name) in self._drifted

    def adopt(self, other: Definitions, *, same_pins: bool = True) -> None:
        """Keep what another one has learned: a reloaded policy must not forget the schemas, nor what has drifted from
        the same pins."""
        with other._lock:
            self._learned = OrderedDict(other._learned)
            if same_pins:
                self._drifted = set(other._drifted)
