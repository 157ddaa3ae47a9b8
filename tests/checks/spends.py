"""What the limits rung asks of the store: a store that answers as told and keeps the questions, and ways to climb."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smcp_security.checks import limits
from smcp_security.checks.budgets import Tokenizer
from smcp_security.checks.rung import Context, Question, Refusal, Spend
from smcp_security.decision import Caller, Outcome
from smcp_security.message import Era, parse, typed
from smcp_security.policy import Policy
from tests.envelopes import ASSUMED, climb, encoded

NOON = 1_795_262_400.0  # 2026-11-21 12:00 UTC
ANN = Caller("ann", True)


def context(value: dict[str, Any] | None = None, **facts: Any) -> Context:
    """The context of a message as the rung sees it; `facts` are fields of it."""
    message = None if value is None else typed(parse(encoded(value), max_depth=64), Era.LEGACY, ASSUMED)
    plain = {"id": "d1", "now": NOON, "network": "192.0.2.1"}
    return Context(message=message, **{**plain, **facts})


class Till:
    """Answers every spend the same way and keeps the questions."""

    def __init__(self, refusal: Refusal | None = None) -> None:
        self.refusal = refusal
        self.asked: list[Spend] = []

    def __call__(self, question: Question) -> Refusal | None:
        assert isinstance(question, Spend)
        self.asked.append(question)
        return self.refusal

    @property
    def spend(self) -> Spend:
        """The only question."""
        [question] = self.asked
        return question


def spent(
    sections: dict[str, Any],
    context: Context,
    store: Callable[[Question], object],
    count_tokens: Tokenizer | None = None,
) -> Outcome:
    """What the limits rung says of one message under a policy of these sections (no limits unless they are named)."""
    policy = Policy.from_dict({"limits": [], **sections})
    return climb(limits.build_limits(policy, count_tokens)(context), store)


def asked(sections: dict[str, Any], context: Context, count_tokens: Tokenizer | None = None) -> Spend | None:
    """What the rung asks for one message; None if it asks nothing."""
    till = Till()
    spent(sections, context, till, count_tokens)
    return till.spend if till.asked else None
