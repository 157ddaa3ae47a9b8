"""Texts through the whole engine: a policy with the defaults but no rate, one `tools/call` a text."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch

from benchmarks.detection_corpus import UNTYPED, Row, message
from benchmarks.detection_groups import Group
from smcp_security import Decision, SMCPSecurityFramework
from smcp_security.rulebook import Rulebook, load

_DEFAULTS: Final[Mapping[str, Any]] = {"version": 1, "limits": [], "server": {"flood": "off", "max_body": "8MiB"}}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one text, and the codes of what was found."""

    row: Row
    blocked: bool
    codes: tuple[str, ...]

    @property
    def flagged(self) -> bool:
        """Whether anything was found, blocked or only reported."""
        return bool(self.codes)

    def caught(self, group: Group) -> bool:
        """Whether the text counts as caught for its group."""
        return self.flagged if group.flagged else self.blocked


@contextmanager
def engine(level: int = 2, *, rules: Rulebook | None = None, **sections: Any) -> Iterator[SMCPSecurityFramework]:
    """A framework with the default policy of a level; `rules` in place of the package's, `sections` besides."""
    log = logging.getLogger("smcp_security")
    before = log.level
    # Each refusal is a warning; a terminal's speed is not what is measured.
    log.setLevel(logging.CRITICAL)
    policy = {**_DEFAULTS, "injection": {"level": level}, **sections}
    try:
        if rules is None:
            security = SMCPSecurityFramework(policy)
        else:
            # The rules for definitions are asked for by surface; nothing is asked for here.
            with patch(
                "smcp_security.armed.load", lambda level, *surfaces: load(level, *surfaces) if surfaces else rules
            ):
                security = SMCPSecurityFramework(policy)
        with security:
            yield security
    finally:
        log.setLevel(before)


def judge(security: SMCPSecurityFramework, rows: Iterable[Row]) -> list[Verdict]:
    """Every row in the argument it is meant for."""
    return [Verdict(row, *_judged(security, *row.call())) for row in rows]


def judge_untyped(security: SMCPSecurityFramework, rows: Iterable[Row]) -> list[Verdict]:
    """Every row in an argument whose name says nothing."""
    tool, argument = UNTYPED
    return [Verdict(row, *_judged(security, tool, {argument: row.text})) for row in rows]


def judge_as(security: SMCPSecurityFramework, tool: str, rows: Iterable[Row], values: Sequence[Any]) -> list[Verdict]:
    """Every row as one of `values` in the argument `value` of a tool."""
    return [Verdict(row, *_judged(security, tool, {"value": value})) for row, value in zip(rows, values, strict=True)]


def _judged(security: SMCPSecurityFramework, tool: str, arguments: Mapping[str, Any]) -> tuple[bool, tuple[str, ...]]:
    decision: Decision = security.process_request_sync(message(tool, arguments))
    return not decision.allowed, tuple(dict.fromkeys(finding.code for finding in decision.findings))
