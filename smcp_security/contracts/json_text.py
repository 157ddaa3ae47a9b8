"""A text that is one strict JSON value (RFC 8259), as strict as the messages themselves are read. Pure."""

from __future__ import annotations

from smcp_security.contracts.contract import Contract, Fault
from smcp_security.contracts.expected import JUDGED
from smcp_security.leaves import gather
from smcp_security.policy.contracts import JsonContract
from smcp_security.strict_json import Malformed, load


class JsonRule(Contract):
    """One JSON value, no deeper than the policy says: no duplicate keys, NaN, comments or half characters."""

    kind = "json"
    expects = JUDGED["json"]

    def __init__(self, policy: JsonContract) -> None:
        self._max_length = policy.max_length
        self._max_depth = policy.max_depth
        self._fault = Fault(
            "SMCP517",
            f"one JSON value of at most {policy.max_length} characters and {policy.max_depth} levels, each key once",
        )

    def fault(self, value: str) -> Fault | None:
        """What is wrong with the text; None if nothing is."""
        if len(value) > self._max_length:
            return self._fault
        try:
            found, _ = load(value.encode())
            # The walk that bounds messages bounds this one: depth, nodes, digits. One level more for the dict around.
            gather({"text": found}, self._max_depth + 1)
        except (Malformed, UnicodeEncodeError):
            return self._fault
        return None
