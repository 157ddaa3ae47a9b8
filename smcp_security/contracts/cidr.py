"""One IP network in CIDR notation, or one address. Pure."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from smcp_security.contracts.contract import Contract, Fault
from smcp_security.contracts.expected import JUDGED
from smcp_security.policy.contracts import CidrContract

_LONGEST: Final = 49
_SIGNS: Final = frozenset("0123456789abcdefABCDEF:./")
_PREFIX: Final = frozenset("0123456789")


class CidrRule(Contract):
    """A network without host bits: readers differ on what 10.0.0.5/8 is. No masks, zones and odd spellings."""

    kind = "cidr"
    expects = JUDGED["cidr"]

    def __init__(self, policy: CidrContract) -> None:
        self._within = None if policy.within is None else tuple(map(ip_network, policy.within))
        self._version = policy.version
        family = "IP" if policy.version is None else f"IPv{policy.version}"
        where = "" if policy.within is None else " within one that the policy names"
        self._fault = Fault(
            "SMCP517", f"an {family} network such as 10.0.0.0/8 without host bits, or an address{where}"
        )

    def fault(self, value: str) -> Fault | None:
        """What is wrong with the network; None if nothing is."""
        network = _network(value) if len(value) <= _LONGEST else None
        if network is None or (self._version is not None and network.version != self._version):
            return self._fault
        return None if self._within is None or any(_is_below(network, wide) for wide in self._within) else self._fault

    def fault_of_beginning(self, value: str) -> Fault | None:
        """The same for a network that is still being typed."""
        return None if len(value) <= _LONGEST and not set(value) - _SIGNS else self._fault


def _network(value: str) -> IPv4Network | IPv6Network | None:
    if set(value) - _SIGNS:
        return None
    _, slash, prefix = value.partition("/")
    # `ip_network` takes masks, and prefixes with zeros in front, too.
    if slash and (not prefix or set(prefix) - _PREFIX or (len(prefix) > 1 and prefix.startswith("0"))):
        return None
    try:
        return ip_network(value)
    except ValueError:
        return None


def _is_below(network: IPv4Network | IPv6Network, wide: IPv4Network | IPv6Network) -> bool:
    return network.version == wide.version and network.subnet_of(wide)  # type: ignore[arg-type]
