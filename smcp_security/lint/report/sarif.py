"""Findings as SARIF 2.1.0, for code scanning services."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from smcp_security.lint.finding import Confidence, Finding, Severity
from smcp_security.lint.registry import Rule
from smcp_security.lint.run import Report
from smcp_security.version import VERSION

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
HELP: Final = "urn:smcp-security:lint"
"""Names a rule's page without saying where it is published; the page itself goes along as `help`."""

_LEVELS: Final[Mapping[Severity, str]] = {
    Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note", Severity.INFO: "note",
}  # fmt: skip
# The scale of CVSS, by which services sort.
_SCORES: Final[Mapping[Severity, str]] = {
    Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "3.0", Severity.INFO: "1.0",
}  # fmt: skip
_PRECISION: Final[Mapping[Confidence, str]] = {
    Confidence.HIGH: "very-high", Confidence.MEDIUM: "medium", Confidence.LOW: "low",
}  # fmt: skip


def render(report: Report) -> str:
    """The report as one SARIF run; inputs that could not be read are notifications of it."""
    codes = list(dict.fromkeys(finding.code for finding in report.findings))
    driver = {
        "name": "smcp lint",
        "semanticVersion": VERSION,
        "rules": [_rule(report.ran[code]) for code in codes],
    }
    notes = [_unreadable(each.file, each.problem) for each in report.unreadable]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": not notes, "toolExecutionNotifications": notes}],
        "results": [_result(finding, codes.index(finding.code)) for finding in report.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(rule: Rule) -> dict[str, Any]:
    page = rule.page
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.slug.split("-")),
        "shortDescription": {"text": page.what},
        "fullDescription": {"text": page.why},
        "helpUri": f"{HELP}:{rule.code.lower()}-{rule.slug}",
        "help": {"text": f"{page.why}\n\n{page.fix}", "markdown": f"{page.why}\n\n**Fix.** {page.fix}"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["security", "mcp"],
            "precision": _PRECISION[rule.confidence],
            "problem.severity": _LEVELS[rule.severity].replace("note", "recommendation"),
            "security-severity": _SCORES[rule.severity],
        },
    }


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    message = f"{finding.at}: {finding.message}" if finding.at else finding.message
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": message},
        "locations": [_location(finding)],
        "partialFingerprints": {"smcpFinding/v1": finding.fingerprint},
    }


def _location(finding: Finding) -> dict[str, Any]:
    span = finding.span
    region = {
        "startLine": span.line, "startColumn": span.column, "endLine": span.end_line,
        # A region is never empty for a service that wants to underline it.
        "endColumn": max(span.end_column, span.column + 1) if span.end_line == span.line else span.end_column,
    }  # fmt: skip
    place: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": _uri(finding.file)}, "region": region}}
    if finding.at:
        place["logicalLocations"] = [{"fullyQualifiedName": finding.at}]
    return place


def _uri(file: str) -> str:
    # As octets: a name need not be UTF-8.
    path = os.fsencode(PurePath(file).as_posix())
    return f"file://{quote(path)}" if path.startswith(b"/") else quote(path)


def _unreadable(file: str, problem: str) -> dict[str, Any]:
    return {"level": "error", "message": {"text": f"{file}: {problem}"}}
