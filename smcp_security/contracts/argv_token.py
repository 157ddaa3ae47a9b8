"""The kind `argv_token`: one argument of a command, which its program cannot read as an option. Pure.

A leading `@` is allowed: package scopes, users and revisions begin with it, and few programs read files by it.
"""

from __future__ import annotations

import re
from typing import Final

from smcp_security.contracts.command import like_option
from smcp_security.contracts.contract import Contract, Fault
from smcp_security.contracts.expected import JUDGED
from smcp_security.policy.contracts import ArgvTokenContract

CODE: Final = "SMCP515"
_NOT_PLAIN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff;|`]"  # control characters, and what chains commands in every shell
    r"|\$[({]|[<>]\(|&(?:[&\s]|\Z)|\s&|\A\s"
    r"|\A[\"'\\]+-"  # a dash behind quotes that a shell takes off
)


class ArgvTokenRule(Contract):
    """One argument: no leading dash unless the policy lists the very option, nothing that ends or chains a command."""

    kind = "argv_token"
    expects = JUDGED["argv_token"]

    def __init__(self, policy: ArgvTokenContract) -> None:
        self._max_length = policy.max_length
        self._options = frozenset(policy.options)
        self._too_long = Fault(CODE, f"1 to {policy.max_length} characters")
        listed = ", except a listed option" if self._options else ""
        self._accepted = Fault(
            CODE, f"one argument without a leading dash{listed}, without line breaks, ; | ` && $( and ${{"
        )

    def fault(self, value: str) -> Fault | None:
        """None for a listed option and for a text that no program reads as one."""
        if not value or len(value) > self._max_length:
            return self._too_long
        if value in self._options:
            return None
        return self._accepted if like_option(value) or _NOT_PLAIN.search(value) is not None else None

    def fault_of_beginning(self, value: str) -> Fault | None:
        """A beginning may be that of a listed option too."""
        if not value or any(option.startswith(value) for option in self._options):
            return None
        return self.fault(value)
