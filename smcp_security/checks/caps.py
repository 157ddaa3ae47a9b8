"""Caps on calls that run at once: the slot that a call holds until its exchange ends. Pure: the store keeps the slots.

A call that runs as a task gives its slot back when the task is created: that is when its exchange ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from json import dumps
from typing import Final

from smcp_security.checks.rung import Refusal, Slot
from smcp_security.checks.subjects import Asking, Listing, listing
from smcp_security.decision import Finding, finding
from smcp_security.policy.limits import ConcurrencyPolicy

# The store renews a slot while the call runs; that of a worker that died comes back after this.
SLOT_SECONDS: Final = 30.0
_SHORTEST_WAIT: Final = 1.0


@dataclass(frozen=True, slots=True)
class Cap:
    """One cap, as far as it is known before any message comes. `name` is what answers call it."""

    name: str
    prefix: str
    per: tuple[str, ...]
    limit: int
    tools: Listing | None

    def applies(self, asking: Asking) -> bool:
        """Whether a message needs a slot of this cap: tool calls alone."""
        return asking.tool is not None and (self.tools is None or self.tools(asking.tool))

    def slot(self, asking: Asking, holder: str) -> Slot:
        """The slot that a call needs. Raises `ValueError` without a holder: all calls would share one slot."""
        if not holder:
            raise ValueError("a context without an id can hold no slot")
        return Slot(
            self.prefix + asking.subject(self.per), self.limit, holder, SLOT_SECONDS, self.prefix + asking.crowd
        )

    def refused(self, refusal: Refusal, _: float) -> Finding:
        """What is said when all slots are taken. When one comes free is a guess: a client must not spin on it."""
        quota = {"name": self.name, "quota": self.limit, "unit": "concurrent-requests"}
        return finding("SMCP404", retry_after=max(refusal.wait, _SHORTEST_WAIT), data=quota)


def build_cap(cap: ConcurrencyPolicy, name: str) -> Cap:
    """A cap of the policy under the name that answers give it."""
    scope = "" if cap.tools is None else sha256(dumps(cap.tools).encode()).hexdigest()[:16]
    # The number is in the key: a reloaded policy with another one begins anew.
    return Cap(name, f"slots:{'+'.join(cap.per)}:{cap.max}:{scope}:", cap.per, cap.max, listing(cap.tools))
