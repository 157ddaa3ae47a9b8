"""One mail address: RFC 5321 without quotes, comments, address literals and routes. Pure."""

from __future__ import annotations

import re
from typing import Final

from smcp_security.contracts.addresses import looks_numeric
from smcp_security.contracts.contract import Contract, Fault
from smcp_security.contracts.expected import JUDGED
from smcp_security.contracts.host_names import Host, HostGlobs, ascii_name
from smcp_security.policy.contracts import EmailContract

_LONGEST: Final = 254
_MAX_LOCAL: Final = 64
# Of what RFC 5321 allows, not what shells, templates and old relays read as theirs (`!`, `%`, `|`, a grave accent).
# An apostrophe only within a name, as in O'Brien; no hyphen first, which is an option to a mailer.
_LOCAL: Final = re.compile(r"[A-Za-z0-9_+=&~#](?:[A-Za-z0-9_+=&~#.-]|(?<=[A-Za-z])'(?=[A-Za-z]))*", re.ASCII)


class EmailRule(Contract):
    """A mail address at some domains."""

    kind = "email"
    expects = JUDGED["email"]

    def __init__(self, policy: EmailContract) -> None:
        self._domains = HostGlobs(policy.domains)
        named = "" if policy.domains is None else " at a domain that the policy names"
        self._fault = Fault("SMCP517", f"one mail address such as ann@example.com{named}, without quotes and comments")

    def fault(self, value: str) -> Fault | None:
        """What is wrong with the address; None if nothing is."""
        local, at, domain = value.partition("@")
        if len(value) > _LONGEST or not at or not _is_local(local) or "." not in domain or looks_numeric(domain):
            return self._fault
        name = ascii_name(domain)
        return None if name is not None and Host(name) in self._domains else self._fault

    def fault_of_beginning(self, value: str) -> Fault | None:
        """The same for an address that is still being typed."""
        local, at, domain = value.partition("@")
        if len(value) > _LONGEST:
            return self._fault
        if not at:
            return None if not local or _is_local(local.rstrip("'.")) else self._fault
        begun = domain.removesuffix(".").rstrip("-")
        return None if _is_local(local) and (not begun or ascii_name(begun) is not None) else self._fault


def _is_local(text: str) -> bool:
    fits = len(text) <= _MAX_LOCAL and _LOCAL.fullmatch(text) is not None
    return fits and ".." not in text and not text.endswith(".")
