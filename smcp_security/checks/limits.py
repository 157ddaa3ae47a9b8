"""The flood and limits rungs: the guard of this process; the rates, budgets and caps of a policy. Pure: they only ask.

Everything that applies to a message is spent in one question, all or none. A posted answer belongs to a call that was
charged when it came in, and costs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, TypeAlias

from smcp_security.checks.budgets import Purse, Tokenizer, build_purse, tokens_of
from smcp_security.checks.caps import Cap, build_cap
from smcp_security.checks.memo import Memo
from smcp_security.checks.rates import Tariff, build_tariff
from smcp_security.checks.rung import Charge, Context, Draw, Refusal, Run, Rung, Slot, Spend
from smcp_security.checks.subjects import Asking, asking, crowd, sender_of
from smcp_security.decision import CLEAN, Outcome, finding
from smcp_security.message import Kind, Message
from smcp_security.policy import FloodPolicy, Policy

_Counter: TypeAlias = Tariff | Purse | Cap

# Each is about 1 KB at most: what honest callers repeat, and no more for those who never do.
_REMEMBERED: Final = 2_048
_LONGEST_REMEMBERED: Final = 512


def build_flood(policy: FloodPolicy | None) -> Rung:
    """The flood rung: local to the process, per address, before anything is buffered or parsed."""

    interval = 0.0 if policy is None else policy.rate.period / policy.rate.count

    def flood(context: Context) -> Run[Outcome]:
        if policy is None or context.http is None:
            return CLEAN
        network = context.network
        charge = Charge(f"flood:{network}", interval, policy.burst, "flood:" + crowd(network))
        refusal: Refusal | None = yield Spend((charge,), local=True)
        if refusal is None:
            return CLEAN
        return Outcome((finding("SMCP401", retry_after=refusal.wait),))

    return flood


def build_limits(policy: Policy, count_tokens: Tokenizer | None = None) -> Rung:
    """The limits rung of a policy. `count_tokens` is a tokenizer for the budgets; None counts four bytes a token."""
    tariffs, purses, caps = _counters(policy)
    counters: tuple[_Counter, ...] = (*tariffs, *purses, *caps)
    words = frozenset(word for counter in counters for word in counter.per)
    rates = _Rates(tariffs, words)

    def limits(context: Context) -> Run[Outcome]:
        message = context.message
        if message is None or not words or message.kind is Kind.RESPONSE:
            return CLEAN
        charges = rates.charges(context, message)
        draws: tuple[Draw, ...] = ()
        slots: tuple[Slot, ...] = ()
        if purses or caps:
            asked = asking(context, message, words)
            draws = _draws(purses, asked, context.now, message, count_tokens)
            slots = tuple([cap.slot(asked, context.id) for cap in caps if cap.applies(asked)])
        if not charges and not draws and not slots:
            return CLEAN
        refusal: Refusal | None = yield Spend(charges, draws=draws, slots=slots)
        if refusal is not None:
            # Nothing was taken, so nothing is held or settled, even where a refusal is only reported.
            asked = asking(context, message, words)
            counter = [counter for counter in counters if counter.applies(asked)][refusal.place]
            return Outcome((counter.refused(refusal, context.now),))
        return Outcome(slots=slots, draws=draws) if draws or slots else CLEAN

    return limits


class _Rates:
    """What a message is charged by the limits; remembered where its arguments say nothing of it."""

    def __init__(self, tariffs: Sequence[Tariff], words: frozenset[str]) -> None:
        self._tariffs = tariffs
        self._words = words
        self._known: Memo[tuple[str, ...], tuple[Charge, ...]] = Memo(_REMEMBERED)
        self._plain = not any(tariff.priced for tariff in tariffs)

    def charges(self, context: Context, message: Message) -> tuple[Charge, ...]:
        """What is to be charged, by limit."""
        if not self._plain:
            return self._charges(context, message)
        sender = sender_of(context, message)
        found = self._known.get(sender)
        if found is None:
            found = self._charges(context, message)
            if sum(map(len, sender)) <= _LONGEST_REMEMBERED:
                self._known.put(sender, found)
        return found

    def _charges(self, context: Context, message: Message) -> tuple[Charge, ...]:
        asked = asking(context, message, self._words)
        return tuple([tariff.charge(asked) for tariff in self._tariffs if tariff.applies(asked)])


def _counters(policy: Policy) -> tuple[list[Tariff], list[Purse], list[Cap]]:
    """What the policy counts, each under a name of its own. What is written twice counts once."""
    names = _Names()
    return (
        [build_tariff(limit, names.new("+".join(limit.per))) for limit in dict.fromkeys(policy.limits)],
        [
            build_purse(budget, names.new(f"{'+'.join(budget.per)}-tokens-{budget.tokens.span}"))
            for budget in dict.fromkeys(policy.budgets)
        ],
        [build_cap(cap, names.new(f"{'+'.join(cap.per)}-calls")) for cap in dict.fromkeys(policy.concurrency)],
    )


class _Names:
    """Names for answers: they tell counters apart and say nothing of tools that a caller may not know."""

    def __init__(self) -> None:
        self._given: Counter[str] = Counter()

    def new(self, name: str) -> str:
        self._given[name] += 1
        return name if self._given[name] == 1 else f"{name}-{self._given[name]}"


def _draws(
    purses: Sequence[Purse], asked: Asking, now: float, message: Message, count_tokens: Tokenizer | None
) -> tuple[Draw, ...]:
    taken = [purse for purse in purses if purse.applies(asked)]
    if not taken:
        return ()
    # Nothing is free: a budget that is used up refuses the smallest message too.
    tokens = max(tokens_of(message.raw, count_tokens), 1)
    return tuple([purse.draw(asked, tokens, now) for purse in taken])
