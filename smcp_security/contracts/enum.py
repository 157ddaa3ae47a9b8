"""One of some texts, exactly: case, blanks and form of accents count. Pure."""

from __future__ import annotations

from typing import Final

from smcp_security.contracts.contract import Contract, Fault
from smcp_security.contracts.expected import JUDGED
from smcp_security.policy.contracts import EnumContract

_MAX_TOLD: Final = 200


class EnumRule(Contract):
    """One of the texts of the policy. They are told to the caller if they are short."""

    kind = "enum"
    expects = JUDGED["enum"]

    def __init__(self, policy: EnumContract) -> None:
        self._values = frozenset(policy.values)
        named = ", ".join(policy.values)
        told = named if len(named) <= _MAX_TOLD else f"{len(self._values)} texts"
        self._fault = Fault("SMCP517", f"one of {told}")

    def fault(self, value: str) -> Fault | None:
        """What is wrong with the text; None if nothing is."""
        return None if value in self._values else self._fault

    def fault_of_beginning(self, value: str) -> Fault | None:
        """The same for the first characters of one of the texts."""
        return None if any(whole.startswith(value) for whole in self._values) else self._fault
