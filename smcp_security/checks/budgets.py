"""Token budgets: what a message weighs, and the calendar window (UTC) that it is taken from. Pure: the rung knows now.

A request is charged before it runs, its result at the end of the exchange, whether it fits or not: a result may
overdraw the budget, once. A result counts to the window in which its request was made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, TypeAlias

from msgspec.structs import replace

from smcp_security.checks.rung import Context, Draw, Refusal
from smcp_security.checks.subjects import Asking
from smcp_security.decision import Finding, finding
from smcp_security.policy.limits import BudgetPolicy

Tokenizer: TypeAlias = Callable[[str], int]
"""A tokenizer: how many tokens a text has."""

# About four characters a token; counted in bytes, because text that is not ASCII has more tokens a character.
_BYTES_A_TOKEN: Final = 4
_DAY: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()


def tokens_of(raw: bytes, count_tokens: Tokenizer | None = None) -> int:
    """The tokens of canonical JSON, by the tokenizer if there is one. Raises what it raises.

    Raises `TypeError` for a count that is no whole number of at least 0: what was not counted must not pass.
    """
    if count_tokens is None:
        return tokens_of_size(len(raw))
    count = count_tokens(raw.decode("utf-8", "replace"))
    if type(count) is not int or count < 0:
        raise TypeError("the tokenizer gave no whole number of at least 0")
    return count


def tokens_of_size(size: int) -> int:
    """The tokens of so many bytes that no tokenizer is asked about."""
    return -(-size // _BYTES_A_TOKEN)


def result_draws(context: Context, tokens: int) -> tuple[Draw, ...]:
    """What a result of `tokens` takes from the budgets that its request was charged to (`Context.draws`)."""
    return tuple(replace(draw, cost=tokens) for draw in context.draws)


@dataclass(frozen=True, slots=True)
class Window:
    """One day or month: its name, the ordinal of the day after its last, and how many days it has."""

    name: str
    end: int
    days: int


def window(span: str, now: float) -> tuple[Window, float]:
    """The "day" or "month" that holds `now`, and the seconds to its end: above 0, at most its length."""
    day = _EPOCH + int(now // _DAY)
    found = _window(span, day)
    return found, (found.end - _EPOCH) * _DAY - now


@lru_cache(maxsize=8)
def _window(span: str, day: int) -> Window:
    today = date.fromordinal(day)
    if span == "day":
        return Window(today.isoformat(), day + 1, 1)
    first = today.replace(day=1)
    # No month has more than 31 days, and none has fewer than 28.
    after = date.fromordinal(first.toordinal() + 31).replace(day=1)
    return Window(today.isoformat()[:7], after.toordinal(), (after - first).days)


@dataclass(frozen=True, slots=True)
class Purse:
    """One budget, as far as it is known before any message comes. `name` is what answers call it."""

    name: str
    prefix: str
    per: tuple[str, ...]
    limit: int
    span: str

    def applies(self, asking: Asking) -> bool:
        """Whether a message is taken from this budget: one that carries content, so no notification and no list."""
        if asking.grace or asking.method.startswith("notifications/"):
            return False
        return asking.tool is not None or "tool" not in self.per

    def draw(self, asking: Asking, tokens: int, now: float) -> Draw:
        """What a message of `tokens` takes from this budget."""
        found, ends = window(self.span, now)
        prefix = f"{self.prefix}{found.name}:"
        return Draw(prefix + asking.subject(self.per), self.limit, tokens, ends, prefix + asking.crowd)

    def refused(self, refusal: Refusal, now: float) -> Finding:
        """What is said when this budget is used up."""
        days = window(self.span, now)[0].days
        quota = {"name": self.name, "quota": self.limit, "window": days * _DAY, "unit": "tokens"}
        return finding("SMCP403", retry_after=refusal.wait, data=quota)


def build_purse(budget: BudgetPolicy, name: str) -> Purse:
    """A budget of the policy under the name that answers give it."""
    # The numbers are in the key: a reloaded policy with other ones begins anew.
    prefix = f"budget:{'+'.join(budget.per)}:{budget.tokens}:"
    return Purse(name, prefix, budget.per, budget.tokens.count, budget.tokens.span)
