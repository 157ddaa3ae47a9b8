"""One call of a guarded function: who judges it, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass

from smcp_security.adapters.tools.surroundings import Here, Surroundings, within
from smcp_security.checks import Step
from smcp_security.checks.rung import Context
from smcp_security.decision import Decision, Finding
from smcp_security.framework import SMCPSecurityFramework


@dataclass(slots=True)
class Call:
    """One call: who judges it, and what is to be judged. `earlier` is what an edge outside has made of the message.

    `context` is None where nothing is left to be judged. `verdict` is that on the call, `decision` the same until its
    outcome is noted. `findings` are those about what was returned.
    """

    around: Surroundings
    framework: SMCPSecurityFramework
    context: Context | None
    demands: tuple[Step, ...]
    earlier: Decision | None = None
    began: float = 0.0
    decision: Decision | None = None
    findings: tuple[Finding, ...] = ()
    withheld: bool = False
    verdict: Decision | None = None

    @property
    def here(self) -> Here:
        """What holds for the calls that the tool makes of others."""
        known = self.context
        if known is None and self.earlier is not None:
            known = self.earlier.context
        return within(self.around, self.framework, known if known is not None else Context())

    @property
    def asked(self) -> Decision:
        """The verdict that let the call in: its own, or that of the edge outside."""
        decision = self.earlier if self.verdict is None else self.verdict
        if decision is None:
            raise RuntimeError("what a call returns was asked for before the call was judged")
        return decision
