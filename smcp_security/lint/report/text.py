"""Findings for people: one line each, the source line, and a caret."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from smcp_security.lint.finding import Finding, Severity
from smcp_security.lint.report.excerpt import excerpts
from smcp_security.lint.run import Report
from smcp_security.lint.secrets import printable

_RESET: Final = "\x1b[0m"
_BOLD: Final = "\x1b[1m"
_DIM: Final = "\x1b[2m"
_COLOURS: Final = {
    Severity.HIGH: "\x1b[1;31m",
    Severity.MEDIUM: "\x1b[33m",
    Severity.LOW: "\x1b[36m",
    Severity.INFO: "\x1b[2m",
}


def render(report: Report, *, colour: bool = False) -> str:
    """All findings, file by file, and how many there are."""
    paint = _Paint(colour)
    lines: list[str] = []
    for file, group in groupby(report.findings, lambda finding: finding.file):
        findings = list(group)
        shown = excerpts(report.documents[file], findings)
        for finding, (line, carets) in zip(findings, shown, strict=True):
            lines += _told(finding, line, carets, paint)
    return "\n".join([*lines, summary(report)])


class _Paint:
    def __init__(self, on: bool) -> None:
        self._on = on

    def __call__(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_RESET}" if self._on and text else text


def _told(finding: Finding, line: str, carets: str, paint: _Paint) -> Iterator[str]:
    span, colour = finding.span, _COLOURS[finding.severity]
    place = f"{printable(finding.file)}:{span.line}:{span.column}:"
    name = paint(f"{finding.code} {finding.slug}", colour)
    what = f"{finding.at}: {finding.message}" if finding.at else finding.message
    mendable = f" {paint('[--fix]' if finding.fix.safe else '[--unsafe-fixes]', _DIM)}" if finding.fix else ""
    yield f"{paint(place, _BOLD)} {name} ({finding.severity.value}): {printable(what)}{mendable}"
    number = f"{span.line:>5}"
    yield f"{paint(number + ' |', _DIM)} {line}".rstrip()
    yield f"{paint('      |', _DIM)} {paint_carets(carets, colour, paint)}"
    yield ""


def paint_carets(carets: str, colour: str, paint: _Paint) -> str:
    """The carets alone in colour, not the blanks before them."""
    bare = carets.lstrip(" ")
    return carets[: len(carets) - len(bare)] + paint(bare, colour)


def summary(report: Report) -> str:
    """How much was looked at and found, in a line."""
    count = len(report.findings)
    counts = Counter(finding.severity for finding in report.findings)
    told = ", ".join(f"{counts[each]} {each.value}" for each in reversed(Severity) if counts[each])
    files = f"{len(report.documents)} file{'' if len(report.documents) == 1 else 's'}"
    found = f"{count} finding{'' if count == 1 else 's'} ({told})" if count else "no findings"
    ignored = f"; {report.ignored} ignored" if report.ignored else ""
    unread = f"; {len(report.unreadable)} not read" if report.unreadable else ""
    mendable = sum(finding.fix is not None and finding.fix.safe for finding in report.findings)
    return f"{found} in {files}{unread}{ignored}" + (f"; {mendable} can be mended with --fix" if mendable else "")


def statistics(report: Report) -> str:
    """How often each rule found something, the most frequent first."""
    counts = Counter((finding.code, finding.slug, finding.severity.value) for finding in report.findings)
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    width = max((len(slug) for (_, slug, _), _ in rows), default=0)
    lines = [f"{number:>5}  {code}  {slug:<{width}}  {severity}" for (code, slug, severity), number in rows]
    return "\n".join([*lines, summary(report)])
