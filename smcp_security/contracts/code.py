"""Source code or a document: any text within a length. Pure."""

from __future__ import annotations

from smcp_security.contracts.contract import Contract, Fault
from smcp_security.contracts.expected import JUDGED
from smcp_security.policy.contracts import CodeContract


class CodeRule(Contract):
    """What the kind is for is what it expects: text of other languages is no finding here."""

    kind = "code"
    expects = JUDGED["code"]

    def __init__(self, policy: CodeContract) -> None:
        self._max_length = policy.max_length
        self._fault = Fault("SMCP518", f"a text of at most {policy.max_length} characters")

    def fault(self, value: str) -> Fault | None:
        """What is wrong with the text; None if nothing is."""
        return None if len(value) <= self._max_length else self._fault
