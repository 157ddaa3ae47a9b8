"""A text that an RE2 pattern of the policy matches as a whole. Pure; linear, as RE2 is."""

from __future__ import annotations

from typing import Final

from smcp_security.contracts.contract import Contract, Fault
from smcp_security.contracts.expected import JUDGED
from smcp_security.decoding import pattern
from smcp_security.policy.contracts import RegexContract

_MAX_TOLD: Final = 120


class RegexRule(Contract):
    """The pattern is told to the caller if it is short: it is the only way to say what is accepted."""

    kind = "regex"
    expects = JUDGED["regex"]

    def __init__(self, policy: RegexContract) -> None:
        self._pattern = pattern(policy.pattern)
        self._max_length = policy.max_length
        told = policy.pattern if len(policy.pattern) <= _MAX_TOLD else "of the policy"
        self._fault = Fault(
            "SMCP517", f"a text of at most {policy.max_length} characters that the pattern {told} matches as a whole"
        )

    def fault(self, value: str) -> Fault | None:
        """What is wrong with the text; None if nothing is."""
        fits = len(value) <= self._max_length and self._pattern.fullmatch(value) is not None
        return None if fits else self._fault
