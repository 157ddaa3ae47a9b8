"""One UUID (RFC 9562) in its usual form: 36 characters, without braces or `urn:uuid:`. Pure."""

from __future__ import annotations

import string
from typing import Final

from smcp_security.contracts.contract import Contract, Fault
from smcp_security.contracts.expected import JUDGED
from smcp_security.policy.contracts import UuidContract

_SHAPE: Final = "00000000-0000-0000-8000-000000000000"
_VERSION: Final = 14
_VARIANT: Final = 19
_HEX: Final = frozenset(string.hexdigits)


class UuidRule(Contract):
    """A UUID of some versions. Nil and Max have no version of the eight, so they pass only where any does."""

    kind = "uuid"
    expects = JUDGED["uuid"]

    def __init__(self, policy: UuidContract) -> None:
        self._versions = None if policy.versions is None else frozenset(map(str, policy.versions))
        numbers = "" if policy.versions is None else f" of version {', '.join(sorted(self._versions or ()))}"
        self._fault = Fault("SMCP517", f"a UUID{numbers} in the form 8-4-4-4-12")

    def fault(self, value: str) -> Fault | None:
        """What is wrong with the text; None if nothing is."""
        return None if len(value) == len(_SHAPE) and self._begins(value) else self._fault

    def fault_of_beginning(self, value: str) -> Fault | None:
        """The same for the first characters of a UUID."""
        return None if len(value) <= len(_SHAPE) and self._begins(value) else self._fault

    def _begins(self, value: str) -> bool:
        shaped = all(have == want if want == "-" else have in _HEX for have, want in zip(value, _SHAPE, strict=False))
        if self._versions is None or not shaped:
            return shaped
        version, variant = value[_VERSION : _VERSION + 1], value[_VARIANT : _VARIANT + 1]
        return (not version or version in self._versions) and (not variant or variant in "89abAB")
