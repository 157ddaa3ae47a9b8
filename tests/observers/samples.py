"""Verdicts and what surrounds them, as small as the tests of observers need them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smcp_security.checks.rung import Context
from smcp_security.decision import Action, Decision, Finding, Timings, finding
from smcp_security.message import Message, parse, typed
from smcp_security.observers import Subject

TICKS = (0, 2_000, 12_000)
TIMINGS = Timings(("envelope", "injection"), TICKS)
"""2 and 10 microseconds."""


@dataclass
class FakeSink:
    """An audit that is what a test says."""

    healthy: bool = True
    waiting: int = 0
    lost: int = 0
    behind: Mapping[str, int] = field(default_factory=dict)

    def lags(self) -> Mapping[str, int]:
        return self.behind


def subject(
    *, declared: Iterable[str] = ("search",), sink: FakeSink | None = None, away: bool = False, digest: str = "d1"
) -> Subject:
    """A policy in force whose server has some tools."""
    names = frozenset(declared)
    return Subject(digest, "r1", "enforce", lambda tool, _: tool in names, sink or FakeSink(), lambda: away)


def message(method: str = "tools/call", **params: Any) -> Message:
    """A request as it was read; of a tool, `search` where nothing else is said."""
    if method == "tools/call":
        params = {"name": "search", "arguments": {}, **params}
    raw = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    return typed(parse(json.dumps(raw).encode(), max_depth=16))


def notification(method: str = "notifications/initialized") -> Message:
    """A message for whose answer nobody waits."""
    return typed(parse(json.dumps({"jsonrpc": "2.0", "method": method}).encode(), max_depth=16))


def verdict(about: Message | None, *codes: str, allowed: bool = True, id: str = "5f1") -> Decision:
    """Allowed, with findings that were only reported; or denied for the last of them."""
    found = [finding(code, action=Action.REPORT) for code in codes]
    if not allowed:
        found[-1] = finding(codes[-1])
    context = Context(id=id, message=about)
    return Decision(allowed, id, tuple(found), None, None, None, TIMINGS, about, context)


def blocked(*codes: str) -> tuple[Finding, ...]:
    """What withheld an answer."""
    return tuple(finding(code) for code in codes)
