"""Callers, limits, waits and reloads in any order: nobody gets more than burst + rate * time, and nobody less."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from smcp_security import RequestContext, SMCPSecurityFramework, armed
from smcp_security.stores.memory import MemoryStore
from tests.envelopes import call, legacy, response

# Intervals and waits are binary fractions, so that the reference and the store compute the same without rounding.
POLICIES: Final[tuple[list[dict[str, Any]], ...]] = (
    [{"per": "address", "rate": "4/second", "burst": 3}, {"per": "caller", "rate": "2/second", "burst": 2}],
    [{"per": "caller", "rate": "1/second", "burst": 2}],
    [{"per": "caller", "rate": "2/second", "burst": 2}],
)
# The last two are one customer's.
ADDRESSES: Final = ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2")
MESSAGES: Final = {
    "limit": call("echo"),
    "grace": legacy("tools/list"),
    "free": response(1, {"action": "accept"}),
    "attack": call("echo", {"command": "a; cat /etc/passwd | sh"}),
}


class Bucket:
    """A token bucket: the other way to say what GCRA promises."""

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self.rate, self.burst, self.tokens, self.at = rate, burst, float(burst), now

    def wait(self, now: float) -> float:
        """Seconds until one more is allowed."""
        self.tokens, self.at = min(self.burst, self.tokens + (now - self.at) * self.rate), now
        return max(0.0, (1 - self.tokens) / self.rate)


class Rates(RuleBasedStateMachine):
    """A framework on a clock of its own, and a bucket for each counter that it should have."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.limits = POLICIES[0]
        self.security = SMCPSecurityFramework({"limits": self.limits})
        store = self.security._armed.store
        assert isinstance(store, MemoryStore)
        self.store, store._clock = store, lambda: self.now
        self.buckets: dict[tuple[str, ...], Bucket] = {}
        self.refused: tuple[str, str, str] | None = None
        self.wait = 0.0

    @rule(
        address=st.sampled_from(ADDRESSES),
        label=st.sampled_from(["", "ann", "bob"]),
        kind=st.sampled_from(list(MESSAGES)),
    )
    def send(self, address: str, label: str, kind: str) -> None:
        """A message is allowed exactly where every bucket of it has room, and takes from all or from none."""
        decision = self.security.process_request_sync(MESSAGES[kind], RequestContext(user_id=label, ip_address=address))
        codes = [item.code for item in decision.findings]
        if kind in ("free", "attack"):
            assert decision.allowed is (kind == "free") and "SMCP402" not in codes
            return
        buckets = [self._bucket(limit, address, label, kind) for limit in self.limits]
        wait = max(bucket.wait(self.now) for bucket in buckets)
        assert decision.allowed is (wait == 0.0), (wait, codes)
        if decision.allowed:
            for bucket in buckets:
                bucket.tokens -= 1
        else:
            [found] = [item for item in decision.findings if item.code == "SMCP402"]
            assert found.retry_after == wait
            self.refused, self.wait = (address, label, kind), wait

    @rule(eighths=st.integers(1, 40))
    def pass_time(self, eighths: int) -> None:
        """Nothing happens for a while."""
        self.now += eighths / 8
        self.refused = None

    @precondition(lambda self: self.refused)
    @rule()
    def do_as_told(self) -> None:
        """Whoever waits as long as the refusal said is served."""
        refused, self.refused = self.refused, None
        assert refused is not None
        self.now += self.wait
        self.send(*refused)
        assert self.refused is None

    @rule(limits=st.sampled_from(POLICIES))
    def reload(self, limits: list[dict[str, Any]]) -> None:
        """A limit that stays goes on counting; one with other numbers begins anew."""
        self.limits, self.refused = limits, None
        self.security.reload({"limits": limits})

    @invariant()
    def every_counter_is_one_of_the_buckets(self) -> None:
        """Messages that are free or refused for another reason make none."""
        assert len(self.store._rates.idle_at) <= len(self.buckets)

    def teardown(self) -> None:
        """Nothing stays open."""
        self.security.close()

    def _bucket(self, limit: dict[str, Any], address: str, label: str, kind: str) -> Bucket:
        network = "2001:db8::/64" if ":" in address else address
        subject = network if limit["per"] == "address" else f"{network}|{label}"
        rate, burst = float(limit["rate"].split("/")[0]), limit["burst"]
        key = (kind, limit["per"], limit["rate"], subject)
        return self.buckets.setdefault(key, Bucket(rate, burst, self.now))


@pytest.fixture(scope="module", autouse=True)
def _rules_compiled_once() -> Iterator[None]:
    """Compiling the rules takes a third of a second, and the machine makes a framework for each history."""
    with pytest.MonkeyPatch.context() as context:
        context.setattr(armed, "load", cache(armed.load))
        yield


Rates.TestCase.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestRates = Rates.TestCase
