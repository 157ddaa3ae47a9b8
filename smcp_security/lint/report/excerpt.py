"""The source line of a finding with a caret below it. Pure; credentials never show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Finding, Span
from smcp_security.lint.secrets import MASK, shown_lines

WIDTH: Final = 120
"""Characters of a line that are shown; of a longer one the part around the caret."""

_CUT: Final = "..."


def excerpts(document: Document, findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """For each finding the line as it may be shown, and the carets below it."""
    lines = shown_lines(document, sorted({finding.span.line for finding in findings}))
    return [_excerpt(lines[finding.span.line], finding.span) for finding in findings]


def _excerpt(line: str, span: Span) -> tuple[str, str]:
    start = min(span.column - 1, len(line))
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    end = max(min(end, len(line)), start + 1)
    if len(line) <= WIDTH:
        return line, " " * start + "^" * (end - start)
    first = max(0, min(start - WIDTH // 4, len(line) - WIDTH))
    shown = line[first : first + WIDTH]
    before, after = (_CUT if first else ""), (_CUT if first + WIDTH < len(line) else "")
    carets = max(min(end, first + WIDTH) - start, 1)
    return f"{before}{shown}{after}", " " * (len(before) + start - first) + "^" * carets


def without_secrets(text: str) -> str:
    """A line that is masked already, for a format that shows no carets."""
    return re.sub(re.escape(MASK) + r"\**", MASK, text)
