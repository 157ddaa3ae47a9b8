"""What becomes of one exchange: its status, size, ending and findings, told to the audit once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from smcp_security.adapters.judges import Judge
from smcp_security.decision import Decision, Finding
from smcp_security.message import Kind
from smcp_security.settlement import error_of

# A stream may live for days, and a record of the audit tells no more.
_MOST_FINDINGS: Final = 50


class Account:
    """The response side of one exchange as the audit will see it."""

    __slots__ = ("_began", "_decision", "_findings", "_framework", "error", "size", "status", "whole", "withheld")

    def __init__(self, framework: Judge, decision: Decision) -> None:
        self._framework = framework
        self._decision = decision
        self._began = time.monotonic()
        self._findings: list[Finding] = []
        self.error = ""
        self.status = 0
        self.size = 0
        self.whole = False
        self.withheld = False

    def note(self, findings: Iterable[Finding]) -> None:
        """Keep what was found."""
        for finding in findings:
            if len(self._findings) < _MOST_FINDINGS:
                self._findings.append(finding)

    def hear(self, judged: Decision) -> None:
        """Keep what was found in a message of the server, and what failed if it is the answer."""
        self.note(judged.findings)
        asked = self._decision.request
        if asked is not None and asked.kind is Kind.REQUEST:
            self.error = error_of(judged) or self.error

    def failed(self, error: BaseException | None) -> None:
        """What serves the message has raised: the type is told, never the text. A cancellation is no failure."""
        if isinstance(error, Exception):
            self.error = type(error).__name__

    def close(self, gone: bool) -> None:
        """Write it down. `gone`: the client hung up."""
        ending = "complete" if self.whole else "cancelled" if gone else "broken"
        self._framework.finish(
            self._decision,
            result="withheld" if self.withheld else ending,
            status=self.status,
            size=self.size,
            seconds=time.monotonic() - self._began,
            error=self.error,
            findings=tuple(self._findings),
        )
