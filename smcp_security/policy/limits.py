"""The `limits`, `budgets` and `concurrency` sections: how often, how much and how many at once. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, PlainSerializer, Strict, WithJsonSchema, model_validator

from smcp_security.policy.injection import ToolGlob
from smcp_security.policy.pointers import Argument
from smcp_security.policy.section import Frequency, Section
from smcp_security.policy.server import Burst
from smcp_security.policy.units import ALLOWANCE_PATTERN, COUNT_MAX, Allowance, parse_allowance, parse_rate

Subject: TypeAlias = Literal["address", "caller", "tenant", "tool", "method"]


def _subjects(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple) and len(set(map(str, value))) != len(value):
        raise ValueError("expected each of address, caller, tenant, tool and method at most once")
    return value


Subjects = Annotated[
    tuple[Subject, ...],
    BeforeValidator(_subjects),
    Field(min_length=1),
    PlainSerializer(lambda words: words[0] if len(words) == 1 else list(words)),
    WithJsonSchema({
        "anyOf": [
            {"enum": ["address", "caller", "tenant", "tool", "method"]},
            {"type": "array", "minItems": 1, "uniqueItems": True,
             "items": {"enum": ["address", "caller", "tenant", "tool", "method"]}},
        ]
    }),
]  # fmt: skip
Tokens = Annotated[
    Allowance,
    BeforeValidator(parse_allowance),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": ALLOWANCE_PATTERN}),
]


class CostPolicy(Section):
    """What one call costs, taken from an argument: an exact integer, clamped to [1, max]; else max."""

    argument: Argument = Field(description="Argument with the number of units: its name, or a JSON pointer.")
    max: Annotated[int, Strict(), Field(ge=1, le=COUNT_MAX)] = Field(description="Most units that a call costs.")


class LimitPolicy(Section):
    """One rate (GCRA): at most burst + rate * time."""

    per: Subjects = Field(description="Whose messages are counted together; several words: for each combination.")
    rate: Frequency = Field(description="Count per time, such as 100/minute.")
    burst: Burst = Field(description="Messages that may come at once. Left out: the count of the rate.")
    tools: tuple[ToolGlob, ...] | None = Field(
        default=None, description="Only calls of these tools. null: all messages."
    )
    methods: tuple[ToolGlob, ...] | None = Field(default=None, description="Only these methods. null: all.")
    cost: CostPolicy | None = Field(default=None, description="What a call costs. null: 1.")

    @model_validator(mode="before")
    @classmethod
    def _burst_is_the_count(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "burst" in value or "rate" not in value:
            return value
        try:
            return {**value, "burst": parse_rate(value["rate"]).count}
        except ValueError:  # reported once, at the rate itself
            return {**value, "burst": 1}


class BudgetPolicy(Section):
    """Tokens of arguments and results in a day or month (UTC). A result may overdraw it, once."""

    per: Subjects = Field(description="Whose tokens are counted together.")
    tokens: Tokens = Field(description="Tokens per day or month, such as 2000000/day.")


class ConcurrencyPolicy(Section):
    """Calls that may run at once."""

    per: Subjects = Field(description="Whose calls are counted together.")
    max: Annotated[int, Strict(), Field(ge=1, le=100_000)] = Field(description="Calls that may run at once.")
    tools: tuple[ToolGlob, ...] | None = Field(default=None, description="Only calls of these tools. null: all tools.")
