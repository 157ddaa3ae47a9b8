"""Findings as workflow commands, which GitHub shows beside the lines of a pull request."""

from __future__ import annotations

from typing import Final

from smcp_security.lint.finding import Finding, Severity
from smcp_security.lint.run import Report
from smcp_security.lint.secrets import printable

_COMMANDS: Final = {
    Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "notice", Severity.INFO: "notice",
}  # fmt: skip


def render(report: Report) -> str:
    """One command a line."""
    lines = [_command(finding) for finding in report.findings]
    lines += [f"::error file={_property(each.file)}::{_data(each.problem)}" for each in report.unreadable]
    return "\n".join(lines)


def _command(finding: Finding) -> str:
    span = finding.span
    what = f"{finding.at}: {finding.message}" if finding.at else finding.message
    # An end column counts only where it is on the line that it begins on.
    end = f",endColumn={span.end_column}" if span.end_line == span.line and span.end_column > span.column else ""
    return (
        f"::{_COMMANDS[finding.severity]} file={_property(finding.file)},line={span.line},endLine={span.end_line}"
        f",col={span.column}{end},title={_property(f'{finding.code} {finding.slug}')}::{_data(what)}"
    )


def _data(text: str) -> str:
    # Line ends have an escape of their own; all else that a log would obey, or cannot hold, is shown.
    known = "".join(each if each in "\r\n" else printable(each) for each in text)
    return known.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
