"""The values of a lint run: how bad, how sure, where, what to change. Knows no rule and no file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from smcp_security.errors import SMCPError
from smcp_security.policy.places import Path


class Severity(Enum):
    """What it costs if the finding is right."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for info, up to 3 for high."""
        return list(Severity).index(self)


class Confidence(Enum):
    """How often the finding is right."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Span(NamedTuple):
    """Lines and columns from 1; the end is the first column behind it."""

    line: int
    column: int
    end_line: int
    end_column: int


class Edit(NamedTuple):
    """The characters from `start` to `end` of a text become `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that belong together. Unsafe: what the file means may change, so somebody must have a look."""

    edits: tuple[Edit, ...]
    safe: bool = True


class Found(NamedTuple):
    """What a rule says: about the value at a path (or its key, or a span), and what would mend it."""

    where: Path | Span
    message: str
    key: bool = False
    fix: Fix | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found. `at` is the path in the document as people write it, "" for the whole.

    `fingerprint` stays the same while lines move and other findings come and go.
    """

    code: str
    slug: str
    severity: Severity
    confidence: Confidence
    message: str
    file: str
    span: Span
    at: str = ""
    fingerprint: str = ""
    fix: Fix | None = None


class Unreadable(NamedTuple):
    """An input that could not be looked at, and why."""

    file: str
    problem: str


class LintError(SMCPError):
    """What keeps a run from being one: a rule that crashed, a name that no rule has, a baseline that is none."""

    code = "lint_failed"
