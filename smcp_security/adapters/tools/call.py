"""One call of a guarded function: who judges it, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smcp_security.adapters.tools.surroundings import Here, Surroundings, within
from smcp_security.checks import Step
from smcp_security.checks.custody import Given
from smcp_security.checks.rung import Context
from smcp_security.decision import Decision, Finding
from smcp_security.framework import SMCPSecurityFramework

if TYPE_CHECKING:
    from smcp_security.adapters.tools.masking import Masks


@dataclass(slots=True)
class Call:
    """One call: who judges it, and what is to be judged. `earlier` is what an edge outside has made of the message.

    `context` is None where nothing is left to be judged. `verdict` is that on the call, `decision` the same until its
    outcome is noted. `findings` are those about what was returned, and `masks` what is looked for in it. `ended`: the
    outcome is noted, and what is still to come of a returned generator is beside it.
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
    masks: Masks | None = None
    ended: bool = False

    @property
    def here(self) -> Here:
        """What holds for the calls that the tool makes of others."""
        known = self.context
        if known is None and self.earlier is not None:
            known = self.earlier.context
        return within(self.around, self.framework, known if known is not None else Context())

    @property
    def watched(self) -> bool:
        """Whether an edge outside sees what becomes of the call, and what the vault has handed out for it."""
        exchange = self.around.exchange
        return self.earlier is not None or (exchange is not None and exchange.framework is self.framework)

    @property
    def asked(self) -> Decision:
        """The verdict that let the call in: its own, or that of the edge outside."""
        decision = self.earlier if self.verdict is None else self.verdict
        if decision is None:
            raise RuntimeError("what a call returns was asked for before the call was judged")
        return decision

    def found(self, findings: tuple[Finding, ...]) -> None:
        """Note what was found in what the function says."""
        self.findings += findings
        if self.ended and findings:
            self.framework.finish(self.asked, result="complete", findings=findings, beside=True)

    def take_given(self) -> Sequence[Given]:
        """What the vault has opened for the function, once: nothing keeps it after that."""
        if self.context is None:
            return ()
        given, self.context.given = self.context.given, ()
        return given
