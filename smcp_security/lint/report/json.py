"""Findings for programs: `findings.schema.json` beside this file says what every version of it means."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

from smcp_security.lint.finding import Finding, Severity
from smcp_security.lint.run import Report
from smcp_security.version import VERSION

FORMAT: Final = 1
"""Grows when a key changes its meaning or goes. New keys may come without."""


def render(report: Report) -> str:
    """The whole report as JSON."""
    counts = Counter(finding.severity for finding in report.findings)
    return json.dumps(
        {
            "format": FORMAT,
            "tool": {"name": "smcp lint", "version": VERSION},
            "findings": [_finding(finding) for finding in report.findings],
            "unreadable": [{"file": each.file, "problem": each.problem} for each in report.unreadable],
            "summary": {
                "files": len(report.documents),
                "findings": {severity.value: counts[severity] for severity in Severity},
                "ignored": report.ignored,
                "rules": len(report.ran),
            },
        },
        indent=2,
    )


def _finding(finding: Finding) -> dict[str, Any]:
    span, fix = finding.span, finding.fix
    return {
        "code": finding.code,
        "slug": finding.slug,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "message": finding.message,
        "file": finding.file,
        "start": {"line": span.line, "column": span.column},
        "end": {"line": span.end_line, "column": span.end_column},
        "at": finding.at,
        "fingerprint": finding.fingerprint,
        "fix": None if fix is None else ("safe" if fix.safe else "unsafe"),
    }
