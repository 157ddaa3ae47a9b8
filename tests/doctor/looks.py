"""One look of the doctor at an application made by a test."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from smcp_security.doctor.examination import Examination, Report
from smcp_security.policy import Policy

NO_NAMES: Final[Mapping[str, Any]] = MappingProxyType({})
DEFAULTS: Final = Policy()


def look(app: Any, names: Mapping[str, Any] = NO_NAMES, policy: Policy = DEFAULTS, *, offline: bool = True) -> Report:
    """The report on an application in a module with these names."""
    return Examination("here:app", policy, offline).of(app, names)


def found(report: Report) -> list[tuple[str, str]]:
    """Codes and places."""
    return [(each["code"], each["where"]) for each in report.findings]


def routes(report: Report) -> dict[str, bool]:
    """The routes that look like MCP, and whether each is guarded."""
    return {each["path"]: each["guarded"] for each in report.routes}
