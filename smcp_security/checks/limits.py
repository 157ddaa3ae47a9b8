"""The flood and limits rungs: the guard of this process, the policy's rates by GCRA. Pure: spending is a question."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from smcp_security.checks.rung import Charge, Context, Refusal, Run, Rung, Spend
from smcp_security.decision import CLEAN, Outcome, finding
from smcp_security.message import Kind
from smcp_security.policy import FloodPolicy, LimitPolicy

# A client that is out of calls can still connect, list and say goodbye; and connecting costs it no call.
GRACE: Final = frozenset(
    "initialize notifications/initialized server/discover ping logging/setLevel notifications/cancelled "
    "tools/list prompts/list resources/list resources/templates/list".split()
)


_LONGEST: Final = 128


def build_flood(policy: FloodPolicy | None) -> Rung:
    """The flood rung: local to the process, per address, before anything is buffered or parsed."""

    interval = 0.0 if policy is None else policy.rate.period / policy.rate.count

    def flood(context: Context) -> Run[Outcome]:
        if policy is None or context.http is None:
            return CLEAN
        charge = Charge(f"flood:{context.network}", interval, policy.burst, "flood:")
        refusal = yield from Spend((charge,), local=True).ask()
        if refusal is None:
            return CLEAN
        return Outcome((finding("SMCP401", retry_after=refusal.wait),))

    return flood


def build_limits(limits: tuple[LimitPolicy, ...]) -> Rung:
    """The limits rung: every limit that applies is charged at once, all or none."""

    tariffs = [_tariff(limit) for limit in limits]

    def rates(context: Context) -> Run[Outcome]:
        message = context.message
        # A posted answer belongs to a call that was charged when it came in.
        if message is None or not limits or message.kind is Kind.RESPONSE:
            return CLEAN
        grace = message.method in GRACE
        refusal = yield from Spend([_charge(tariff, grace, context) for tariff in tariffs]).ask()
        return CLEAN if refusal is None else _refused(limits[refusal.place], refusal)

    return rates


@dataclass(frozen=True, slots=True)
class _Tariff:
    """What is known of a limit before any message comes: the beginnings of its keys, and its numbers."""

    grace: str
    limit: str
    per: str
    interval: float
    burst: int


def _tariff(limit: LimitPolicy) -> _Tariff:
    # The numbers are in the key: a reloaded policy with other ones begins anew.
    name = f"{limit.per}:{limit.rate}:{limit.burst}:"
    return _Tariff(f"grace:{name}", f"limit:{name}", limit.per, limit.rate.period / limit.rate.count, limit.burst)


def _charge(tariff: _Tariff, grace: bool, context: Context) -> Charge:
    shared = tariff.grace if grace else tariff.limit
    return Charge(shared + _subject(tariff.per, context), tariff.interval, tariff.burst, shared)


def _subject(per: str, context: Context) -> str:
    """Whose counter it is. A label counts only together with the address until a credential vouches for it."""
    if per == "address":
        return context.network
    if context.caller is not None and context.caller.verified:
        return f"caller:{context.caller.id}"
    # Thousands of keys are kept, and an edge may pass on a label of any length.
    label = (
        context.label
        if len(context.label) <= _LONGEST
        else sha256(context.label.encode("utf-8", "surrogatepass")).hexdigest()
    )
    return f"{context.network}|{label}"


def _refused(limit: LimitPolicy, refusal: Refusal) -> Outcome:
    quota = {"name": limit.per, "quota": limit.burst, "window": limit.rate.period}
    return Outcome((finding("SMCP402", retry_after=refusal.wait, data=quota),))
