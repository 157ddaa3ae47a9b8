"""What verdicts are counted under: few values, none of which a caller can choose. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from smcp_security.decision import Decision, Finding
from smcp_security.message import Kind

if TYPE_CHECKING:
    from smcp_security.message import Message

OTHER: Final = "other"
"""Stands for every tool that nobody has declared, and for those beyond the bounds."""

MOST_TOOLS: Final = 500
LONGEST_TOOL: Final = 128
"""A hostile server may list thousands of tools with long names, and each one kept costs series for ever."""

RESULTS: Final = frozenset("complete error tool-error withheld refused cancelled broken".split())
DENIED: Final = "denied"


class ToolNames:
    """The names that may be labels: declared ones, the first 500 that are called, as long as the process lives."""

    __slots__ = ("_declared", "_known")

    def __init__(self, declared: Callable[[str, str], bool], known: dict[str, str] | None = None) -> None:
        """`known` is shared with others that count in the same place."""
        self._declared = declared
        self._known: dict[str, str] = {} if known is None else known

    def label(self, message: Message | None, upstream: str) -> str:
        """The tool that a message calls, `other` for one that is not to be named; empty where it calls none."""
        if message is None or message.method != "tools/call":
            return ""
        name = message.params.get("name")
        if type(name) is not str:
            return OTHER
        return self._known.get(name) or self._named(name, upstream)

    def _named(self, name: str, upstream: str) -> str:
        # A name that cannot be printed (lone surrogates of a policy file among them) would break the exposition.
        if not name or len(name) > LONGEST_TOOL or not name.isprintable() or not self._declared(name, upstream):
            return OTHER
        if len(self._known) >= MOST_TOOLS:
            return OTHER
        self._known[name] = name
        return name


def verdict(decision: Decision) -> tuple[str, str]:
    """Action and code: `block` and what denied, `report` and the first finding, or `pass` and nothing."""
    findings = decision.findings
    if decision.allowed:
        return ("report", findings[0].code) if findings else ("pass", "")
    denying = decision.blocking
    return "block", "" if denying is None else denying.code


def asked(decision: Decision) -> Message | None:
    """The message of the client, also where the decision is about what the server answered to it."""
    context = decision.context
    if context is not None and context.request is not None:
        return context.request
    return decision.request


def counts_as_request(message: Message | None) -> bool:
    """Whether somebody waits for an answer to it: notifications and posted responses are none."""
    return message is not None and message.kind is Kind.REQUEST


def withheld_code(findings: tuple[Finding, ...]) -> str:
    """The code of what withheld an answer; empty where the edge gave no finding."""
    return next((each.code for each in findings if each.action == "block"), findings[0].code if findings else "")
