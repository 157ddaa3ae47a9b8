"""One host name, or an address where the policy allows those, in the spelling that all readers take alike. Pure."""

from __future__ import annotations

from typing import Final

from smcp_security.contracts.addresses import LONGEST
from smcp_security.contracts.contract import Contract, Fault, Found, HostLookup, Lookup
from smcp_security.contracts.expected import JUDGED
from smcp_security.contracts.host_names import HostGlobs, answers_code, ascii_name, is_inside, read_host
from smcp_security.contracts.hosts import leads_inside
from smcp_security.policy.contracts import HostnameContract

_IN_ADDRESSES: Final = frozenset("0123456789abcdefABCDEF.:")


class HostnameRule(Contract):
    """A host that a policy allows. IPv6 addresses stand without brackets."""

    kind = "hostname"
    expects = JUDGED["hostname"]

    def __init__(self, policy: HostnameContract) -> None:
        self._hosts = HostGlobs(policy.hosts)
        self._addresses = policy.addresses
        self._public_only = policy.public_only
        self._resolve = policy.public_only and policy.resolve
        what = "a host name or IP address" if policy.addresses else "a host name"
        named = "" if policy.hosts is None else " that the policy names"
        accepted = f"{'public ' if policy.public_only else ''}{what}{named} in its plain spelling"
        self._faults = {code: Fault(code, accepted) for code in ("SMCP512", "SMCP517", "SMCP519")}

    def fault(self, value: str) -> Fault | None:
        """What is wrong with the host as text; None if nothing is."""
        if len(value) > LONGEST:
            return self._faults["SMCP517"]
        host = read_host(value, brackets=False)
        if self._public_only and is_inside(host, value):
            return self._faults["SMCP512"]
        if host is None or (host.address is not None and not self._addresses) or host not in self._hosts:
            return self._faults["SMCP517"]
        return None

    def fault_of_beginning(self, value: str) -> Fault | None:
        """The same for a host that is still being typed: its last label may be half of one."""
        if len(value) > LONGEST:
            return self._faults["SMCP517"]
        if self._public_only and leads_inside(value):
            return self._faults["SMCP512"]
        name = value.removesuffix(".").rstrip("-")
        begun = not value or ascii_name(name) is not None or (self._addresses and not set(value) - _IN_ADDRESSES)
        return None if begun else self._faults["SMCP517"]

    def lookups(self, value: str) -> tuple[Lookup, ...]:
        """The name, where the policy wants to know its addresses."""
        host = read_host(value, brackets=False) if self._resolve else None
        return () if host is None or host.address is not None else (HostLookup(host.name),)

    def fault_found(self, value: str, found: tuple[Found, ...]) -> Fault | None:
        """What is wrong with the addresses of the name: none is known, or one of them is not public."""
        if not self.lookups(value):
            return None
        code = answers_code(found)
        return self._faults[code] if code else None
