"""The `results` section: how large an answer may be, what is masked in it, and what is done about text in it. Pure."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Final, Literal, get_args

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema

from smcp_security.policy.access import TenantAssertion
from smcp_security.policy.globs import matches
from smcp_security.policy.injection import Day, Reason, ToolGlob
from smcp_security.policy.profiles import PROFILES, STANDARD
from smcp_security.policy.section import Section, Size, Truth
from smcp_security.policy.server import MESSAGE_MAX

Redacted = Literal["secrets", "email", "phone", "card", "iban", "national_id", "ip"]
"""Kinds of text that can be masked in results."""

MASK_PATTERN: Final = r"^[a-z][a-z0-9-]{0,63}$"
_MASK: Final = re.compile(MASK_PATTERN, re.ASCII)
_DEFAULTS: Final = {key[1]: value for key, value in PROFILES[STANDARD].items() if key[0] == "results"}


def _mask(value: object) -> str:
    if not isinstance(value, str) or (value not in get_args(Redacted) and _MASK.fullmatch(value) is None):
        raise ValueError("expected what a mask names, such as github-token, or a kind of results.redact")
    return value


MaskName = Annotated[
    str, BeforeValidator(_mask), WithJsonSchema({"type": "string", "pattern": r"^[a-z][a-z0-9_-]{0,63}$"})
]


class Kept(Section):
    """What is not masked in the results of some tools, with the reason and, if wanted, the day it ends."""

    mask: MaskName = Field(description="What is kept: a kind of results.redact, or what a mask names: github-token.")
    tool: ToolGlob = Field(description="Glob on the name of the tool whose results keep it.")
    reason: Reason = Field(description="Why these results may hold it.")
    until: Day | None = Field(default=None, description="Last day (UTC) on which it is kept.")

    def covers(self, mask: str, kind: str, tool: str, today: date) -> bool:
        """True if what `mask` names, of that kind, is kept in results of `tool` on this day (UTC)."""
        if self.mask not in (mask, kind) or not matches(self.tool, tool):
            return False
        return self.until is None or today <= self.until


class ResultsPolicy(Section):
    """What an answer of the server may be."""

    max_size: Size = Field(default=MESSAGE_MAX, description="Largest JSON body or single SSE event of an answer.")
    max_tokens: Annotated[int, Strict(), Field(ge=1, le=100_000_000)] | None = Field(
        default=None, description="Most tokens of a tool's texts; what is over is cut off, and the answer says so."
    )
    redact: tuple[Redacted, ...] = Field(
        default=_DEFAULTS["redact"], description="Kinds of text that are masked in answers; an empty list: none."
    )
    keep: tuple[Kept, ...] = Field(
        default=(), max_length=256, description="What is not masked in the results of some tools, each with a reason."
    )
    injection: Literal["off", "annotate", "datamark", "block"] = Field(
        default=_DEFAULTS["injection"],
        description="Instructions to the model in results: report them, mark the text as data too, or withhold it.",
    )
    untrusted: tuple[ToolGlob, ...] = Field(
        default=(), max_length=256, description="Tools whose texts strangers write: datamark marks each of them."
    )
    strip: Truth = Field(
        default=True, description="Whether terminal escapes and characters that nobody sees are taken out of answers."
    )
    errors: Literal["pass", "mask", "hide"] = Field(
        default=_DEFAULTS["errors"],
        description="Errors of the server: as they are, with traces and other insides masked, or without any detail.",
    )
    descriptions: Literal["off", "annotate", "drop"] = Field(
        default=_DEFAULTS["descriptions"],
        description="Definitions that speak to the model or shadow another's name: report them, or leave them out.",
    )
    tenant: tuple[TenantAssertion, ...] = Field(
        default=(), max_length=64, description="Tools whose results hold rows of the caller's tenant alone."
    )
