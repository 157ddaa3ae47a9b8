"""Findings as JUnit XML: a suite for each file, a failed case for each finding, one that passes for a clean file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from smcp_security.lint.finding import Finding
from smcp_security.lint.run import Report

# What XML 1.0 cannot hold, not even escaped.
_IMPOSSIBLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    """The report as one document."""
    suites = [
        _suite(file, [finding for finding in report.findings if finding.file == file]) for file in report.documents
    ]
    suites += [_unread(each.file, each.problem) for each in report.unreadable]
    tests = sum(max(1, sum(finding.file == file for finding in report.findings)) for file in report.documents)
    head = f'<testsuites name="smcp lint" tests="{tests + len(report.unreadable)}" failures="{len(report.findings)}"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'{head} errors="{len(report.unreadable)}">',
            *suites,
            "</testsuites>",
        ]
    )


def _suite(file: str, findings: Sequence[Finding]) -> str:
    cases = [_case(finding) for finding in findings] or [
        f"    <testcase name={_attribute(file)} classname={_attribute(file)}/>"
    ]
    head = f'  <testsuite name={_attribute(file)} tests="{len(cases)}" failures="{len(findings)}" errors="0">'
    return "\n".join([head, *cases, "  </testsuite>"])


def _case(finding: Finding) -> str:
    place = f"{finding.file}:{finding.span.line}:{finding.span.column}"
    what = f"{finding.at}: {finding.message}" if finding.at else finding.message
    name = _attribute(f"{finding.code} {finding.slug} {finding.span.line}:{finding.span.column}")
    return (
        f"    <testcase name={name} classname={_attribute(finding.file)}>\n"
        f"      <failure type={_attribute(finding.severity.value)} message={_attribute(what)}>"
        f"{_text(place)}</failure>\n    </testcase>"
    )


def _unread(file: str, problem: str) -> str:
    name = _attribute(file)
    return (
        f'  <testsuite name={name} tests="1" failures="0" errors="1">\n    <testcase name={name} classname={name}>\n'
        f"      <error message={_attribute(problem)}/>\n    </testcase>\n  </testsuite>"
    )


def _attribute(text: str) -> str:
    quoted = _text(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")
    return f'"{quoted}"'


def _text(text: str) -> str:
    known = _IMPOSSIBLE.sub("?", text)
    return known.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
