"""Rates: what a message is charged by each limit of the policy (GCRA). Pure: the store keeps the counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from json import dumps
from typing import Any, TypeAlias

from smcp_security.checks.rung import Charge, Refusal
from smcp_security.checks.subjects import Asking, Listing, listing
from smcp_security.decision import Finding, finding
from smcp_security.pointer import at_pointer
from smcp_security.policy import LimitPolicy
from smcp_security.policy.limits import CostPolicy

Price: TypeAlias = Callable[[Any], int]


@dataclass(frozen=True, slots=True)
class Tariff:
    """One limit, as far as it is known before any message comes. `name` is what answers call it.

    `grace` begins the keys of what a client that is out of calls may still say; empty: no exception is made.
    `priced`: what a call costs depends on its arguments.
    """

    name: str
    prefix: str
    grace: str
    per: tuple[str, ...]
    interval: float
    burst: int
    of_calls: bool
    tools: Listing | None
    methods: Listing | None
    price: Price
    priced: bool

    def applies(self, asking: Asking) -> bool:
        """Whether a message is charged by this limit."""
        if asking.tool is None:
            if self.of_calls:
                return False
        elif self.tools is not None and not self.tools(asking.tool):
            return False
        return self.methods is None or self.methods(asking.method)

    def charge(self, asking: Asking) -> Charge:
        """What a message is charged by this limit."""
        prefix = self.grace if asking.grace and self.grace else self.prefix
        cost = 1 if asking.tool is None else self.price(asking.arguments)
        return Charge(prefix + asking.subject(self.per), self.interval, self.burst, prefix + asking.crowd, cost)

    def refused(self, refusal: Refusal, _: float) -> Finding:
        """What is said when this limit is used up."""
        # A burst and the time in which as much is earned back: the rate itself where the burst is its count.
        quota = {"name": self.name, "quota": self.burst, "window": self.burst * self.interval}
        return finding("SMCP402", retry_after=refusal.wait, data=quota)


def build_tariff(limit: LimitPolicy, name: str) -> Tariff:
    """A limit of the policy under the name that answers give it."""
    # A call of the highest cost must pass when nothing else was charged, or it never could.
    burst = limit.burst if limit.cost is None else max(limit.burst, limit.cost.max)
    # The numbers are in the key: a reloaded policy with other ones begins anew.
    what = f"{'+'.join(limit.per)}:{limit.rate}:{burst}:{_scope(limit)}:"
    special = limit.tools is not None or limit.methods is not None
    return Tariff(
        name,
        f"limit:{what}",
        "" if special else f"grace:{what}",
        limit.per,
        limit.rate.period / limit.rate.count,
        burst,
        limit.tools is not None or "tool" in limit.per,
        listing(limit.tools),
        listing(limit.methods),
        build_price(limit.cost),
        limit.cost is not None,
    )


def build_price(cost: CostPolicy | None) -> Price:
    """The units that a call with some arguments costs: an exact integer within [1, max]; max where there is none."""
    if cost is None:
        return lambda _: 1
    place, most = cost.argument, cost.max
    name = place[1:] if place.count("/") == 1 and "~" not in place else None

    def price(arguments: Any) -> int:
        plain = name is not None and type(arguments) is dict
        stated = arguments.get(name) if plain else at_pointer(arguments, place)
        # No bool, no 5.0 and no "5": what a server makes of those is its own affair.
        return min(max(stated, 1), most) if type(stated) is int else most

    return price


def _scope(limit: LimitPolicy) -> str:
    """What sets limits of the same numbers apart: the names they are for and their cost. Empty for plain ones."""
    if limit.tools is None and limit.methods is None and limit.cost is None:
        return ""
    stated = limit.model_dump(mode="json", include={"tools", "methods", "cost"})
    return sha256(dumps(stated, sort_keys=True).encode()).hexdigest()[:16]
