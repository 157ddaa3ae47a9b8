"""Which addresses a fetch may go to. Pure.

The ranges are written out (IANA's special-purpose registries) rather than asked of `ipaddress`, whose `is_global` has
changed its mind between releases of Python.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address

_LOOPBACK: Final = tuple(map(ip_network, ("127.0.0.0/8", "::1/128")))
# Somebody's own network: may be allowed. The shared space of carriers (RFC 6598) is what clusters and overlays use.
_PRIVATE: Final = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))
# Nobody's: unspecified, link-local (where clouds keep credentials), documentation, benchmarks, multicast, reserved.
_NOBODY: Final = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
            "192.88.99.0/24", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
            "2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20",
        ),
    )
)  # fmt: skip
_UNICAST6: Final = ip_network("2000::/3")
_NAT64: Final = ip_network("64:ff9b::/96")
_6TO4: Final = ip_network("2002::/16")


def parse_address(text: str) -> Address | None:
    """The address that a resolver gave, its zone left out; None if it is none."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def is_loopback(address: Address) -> bool:
    """Whether it is this very machine."""
    return _within(_plain(address), _LOOPBACK)


def is_private(address: Address) -> bool:
    """Whether it belongs to somebody's own network, this machine among them."""
    plain = _plain(address)
    return _within(plain, _LOOPBACK) or _within(plain, _PRIVATE)


def is_public(address: Address) -> bool:
    """Whether it is an address of the internet at large."""
    plain = _plain(address)
    if _within(plain, _NOBODY) or is_private(plain):
        return False
    return isinstance(plain, IPv4Address) or plain in _UNICAST6


def _within(address: Address, networks: tuple[object, ...]) -> bool:
    return any(address in network for network in networks)  # type: ignore[operator]


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to, or itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _6TO4:
        return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    return address
