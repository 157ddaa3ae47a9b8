"""The findings that were there when somebody began to look: a file of fingerprints, and what is left beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from smcp_security.lint.comments import UNIGNORED
from smcp_security.lint.finding import Finding, LintError
from smcp_security.lint.run import Report

_FORMAT: Final = 1
_MAX: Final = 16 * 1024 * 1024
_START: Final = 1_000
_BEGINNING: Final = re.compile(r'\s*\{\s*"format":')


def written(findings: Iterable[Finding]) -> str:
    """A baseline that knows these findings; it says for people which they are, and no credential."""
    known = {
        finding.fingerprint: {"code": finding.code, "file": finding.file, "at": finding.at} for finding in findings
    }
    return json.dumps({"format": _FORMAT, "findings": dict(sorted(known.items()))}, indent=2) + "\n"


def read(path: str) -> frozenset[str]:
    """The fingerprints of a baseline. Raises `LintError` for what is none."""
    try:
        with open(path, encoding="utf-8") as file:
            value: Any = json.loads(file.read(_MAX))
    except OSError as error:
        raise LintError(f"lint: --baseline {path}: {error.strerror}; --write-baseline makes one") from None
    except (ValueError, RecursionError):
        value = None
    known = value.get("findings") if isinstance(value, dict) and value.get("format") == _FORMAT else None
    if not isinstance(known, dict):
        raise LintError(f"lint: --baseline {path}: not a baseline of this release; make it anew with --write-baseline")
    return frozenset(known)


def check_replaceable(path: str) -> None:
    """Raises `LintError` for a file that is no baseline of any release: nobody meant that to be written over."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            start = file.read(_START)
    except OSError:
        return
    if start.strip() and _BEGINNING.match(start) is None:
        raise LintError(f"lint: --write-baseline {path}: is there and no baseline; name another file, or remove it")


def without(report: Report, known: frozenset[str]) -> Report:
    """The report without the findings that the baseline knows."""
    fresh = tuple(
        finding for finding in report.findings if finding.code in UNIGNORED or finding.fingerprint not in known
    )
    return replace(report, findings=fresh, ignored=report.ignored + len(report.findings) - len(fresh))
