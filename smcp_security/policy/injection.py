"""The `injection` section: how deep detection looks, what a hit does, and what is excluded with a reason. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, Strict, WithJsonSchema

from smcp_security.policy.globs import matches
from smcp_security.policy.profiles import CATEGORIES, PROFILES, STANDARD
from smcp_security.policy.section import FrozenMap, Section

Disposition = Literal["block", "annotate", "off"]
RULE_PATTERN: Final = r"^SMCP(?:[69][0-9]{2}|8[12][0-9])$"
TOOL_GLOB_PATTERN: Final = r"^[!-~]{1,256}$"
POINTER_PATTERN: Final = r"^(/([^~/]|~[01])*)*$"
REASON_PATTERN: Final = r"\S"
DATE_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_DATE: Final = re.compile(DATE_PATTERN, re.ASCII)
_DATE_EXPECTED: Final = "expected a date such as 2027-06-01"
_POINTER: Final = re.compile(POINTER_PATTERN)
_RULE: Final = re.compile(RULE_PATTERN, re.ASCII)


def _date(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        raise ValueError(_DATE_EXPECTED)
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{_DATE_EXPECTED}; the calendar has no such day") from None


def _rule(value: object) -> str:
    if not isinstance(value, str) or _RULE.fullmatch(value) is None:
        raise ValueError("expected the code of one detection rule, such as SMCP631")
    return value


def _pointer(value: object) -> str:
    if not isinstance(value, str) or _POINTER.fullmatch(value) is None:
        raise ValueError("expected a JSON pointer into the tool's arguments such as /body or /items/*/text")
    return value


def _reason(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("expected the reason for the exclusion, for whoever reads the policy next")
    return value


def _tool_glob(value: object) -> str:
    if not isinstance(value, str) or re.fullmatch(TOOL_GLOB_PATTERN, value) is None:
        raise ValueError("expected a tool name or glob such as wiki.*, without spaces")
    return value


def _category(value: object) -> str:
    if not isinstance(value, str) or value not in CATEGORIES:
        raise ValueError(f"expected a category: {', '.join(CATEGORIES)}")
    return value


def _filled(value: Any) -> Any:
    return {**PROFILES[STANDARD]["injection", "action"], **value} if isinstance(value, Mapping) else value


Day = Annotated[
    date,
    BeforeValidator(_date),
    PlainSerializer(date.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date", "pattern": DATE_PATTERN}),
]
RuleCode = Annotated[str, BeforeValidator(_rule), WithJsonSchema({"type": "string", "pattern": RULE_PATTERN})]
Pointer = Annotated[str, BeforeValidator(_pointer), WithJsonSchema({"type": "string", "pattern": POINTER_PATTERN})]
Reason = Annotated[str, BeforeValidator(_reason), WithJsonSchema({"type": "string", "pattern": REASON_PATTERN})]
ToolGlob = Annotated[str, BeforeValidator(_tool_glob), WithJsonSchema({"type": "string", "pattern": TOOL_GLOB_PATTERN})]
Category = Annotated[str, BeforeValidator(_category)]
WrittenActions = Annotated[
    Mapping[Category, Disposition],
    AfterValidator(FrozenMap),
    PlainSerializer(dict, return_type=dict[str, str]),
    WithJsonSchema({
        "type": "object",
        "properties": {category: {"enum": ["block", "annotate", "off"]} for category in CATEGORIES},
        "additionalProperties": False,
    }),
]  # fmt: skip
"""Actions of the categories that are written, and of no other."""

Actions = Annotated[WrittenActions, BeforeValidator(_filled)]
"""An action for every category."""


class Exclusion(Section):
    """One rule that does not count in one place, with the reason and, if wanted, the day it ends."""

    rule: RuleCode = Field(description="Code of the rule, such as SMCP631.")
    tool: ToolGlob | None = Field(default=None, description="Glob on the tool's name; left out: every tool and method.")
    pointer: Pointer | None = Field(
        default=None, description="JSON pointer into the tool's arguments; * matches one segment; left out: everywhere."
    )
    reason: Reason = Field(description="Why the hit is honest here.")
    until: Day | None = Field(default=None, description="Last day (UTC) on which the exclusion counts.")

    def expired(self, today: date) -> bool:
        """True after the day named by `until`. `today` is in UTC."""
        return self.until is not None and today > self.until

    def covers(self, rule: str, tool: str | None, pointer: str) -> bool:
        """True if a hit of `rule` at `pointer` (relative to the arguments of `tool`) is excluded.

        `tool` is None for what is not a tool call; only an exclusion that names neither tool nor pointer covers it.
        The expiry is not looked at here: ask `expired` as well.
        """
        if rule != self.rule or (self.tool is not None and (tool is None or not matches(self.tool, tool))):
            return False
        return self.pointer is None or (tool is not None and _pointer_matches(self.pointer, pointer))


def _pointer_matches(pattern: str, pointer: str) -> bool:
    expected, segments = pattern.split("/"), pointer.split("/")
    return len(expected) == len(segments) and all(
        want in ("*", have) for want, have in zip(expected, segments, strict=True)
    )


class DetectorsPolicy(Section):
    """Detectors that the operator added in code."""

    budget: Annotated[int, Strict(), Field(ge=1, le=10_000)] = Field(
        default=50, description="Milliseconds that each of them may take for a message. 1 to 10,000."
    )
    on_failure: Literal["deny", "allow"] = Field(
        default="deny",
        description="A message that one of them fails on or takes too long for: deny it, or allow and report it.",
    )


class InjectionPolicy(Section):
    """Detection of attacks in caller text."""

    level: Annotated[int, Strict(), Field(ge=1, le=3)] = Field(
        default=PROFILES[STANDARD]["injection", "level"],
        description="1: precise rules only; 2: those with rare honest matches too; 3: all.",
    )
    action: Actions = Field(
        default=FrozenMap(PROFILES[STANDARD]["injection", "action"]),
        description="Per category: block, annotate (report and pass on) or off. Left out: the profile's.",
    )
    threshold: Annotated[int, Strict(), Field(ge=1, le=100)] = Field(
        default=5, description="Score per category and text at which weak rules together count as one certain rule."
    )
    detectors: DetectorsPolicy = Field(
        default=DetectorsPolicy.untouched(),
        description="Detectors of your own: what they may take and what a failure does.",
    )
    exclude: tuple[Exclusion, ...] = Field(
        default=(), description="Rules that do not count in one place, each with a reason."
    )
