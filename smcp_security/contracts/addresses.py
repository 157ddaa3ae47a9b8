"""IP addresses in every literal form that some reader takes, and which of them are of the internet at large. Pure.

The ranges are written out (IANA's special-purpose registries) rather than asked of `ipaddress`, whose `is_global` has
changed its mind between releases of Python and calls 6to4 and NAT64 global, wherever they lead.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

_SPECIAL4: Final = tuple(map(ip_network, (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    # Azure's own service for its machines, in a range that looks public.
    "168.63.129.16/32",
)))  # fmt: skip
_SPECIAL6: Final = tuple(map(ip_network, (
    # Of 2000::/3, all that is public: protocols (Teredo among them), documentation, 6to4, AS112, documentation again.
    "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)))  # fmt: skip
_UNICAST6: Final = ip_network("2000::/3")

_NAT64: Final = ip_network("64:ff9b::/96")
_NAT64_LOCAL: Final = ip_network("64:ff9b:1::/48")
_6TO4: Final = ip_network("2002::/16")
_TEREDO: Final = ip_network("2001::/32")

_METADATA: Final = tuple(map(ip_network, (
    # Link-local, where most clouds answer; then Alibaba, Oracle, Azure, AWS (IMDS, time and pods) and Google over IPv6.
    "169.254.0.0/16", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32", "fe80::/10", "fd00:ec2::/32",
    "fd20:ce::254/128", "fd00:42::42/128",
)))  # fmt: skip

LONGEST: Final = 255
_MAX_DIGITS: Final = 64


def is_public(address: Address) -> bool:
    """Whether it is an address of the internet at large, as itself: none that only wraps or carries another."""
    if isinstance(address, IPv4Address):
        return not _within(address, _SPECIAL4)
    if address not in _UNICAST6 or _within(address, _SPECIAL6):
        return False
    return all(map(is_public, embedded(address)))


def is_public_answer(address: Address) -> bool:
    """Whether an address that a resolver gave is public. Behind NAT64 it wraps the public IPv4 address of the host."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(_ipv4_at(address, 0))
    return is_public(address)


def is_metadata(address: Address) -> bool:
    """Whether clouds keep credentials there, or it is link-local, in whatever it is wrapped."""
    return any(_within(each, _METADATA) for each in (address, *embedded(address)))


def embedded(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that an IPv6 one may lead to: mapped, compatible, NAT64, 6to4, Teredo, ISATAP."""
    if isinstance(address, IPv4Address):
        return
    number = int(address)
    if number >> 32 in (0, 0xFFFF, 0xFFFF0000) or address in _NAT64 or number >> 32 & 0xFDFFFFFF == 0x5EFE:
        yield _ipv4_at(address, 0)
    if address in _NAT64_LOCAL:
        # RFC 6052: with a prefix of 48 bits the address lies around bits 64 to 71, with one of 96 at the end.
        yield _ipv4_at(address, 0)
        yield IPv4Address((number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF)
    if address in _6TO4:
        yield _ipv4_at(address, 80)
    if address in _TEREDO:
        yield _ipv4_at(address, 64)
        yield IPv4Address(~number & 0xFFFFFFFF)


def parse_address(text: str) -> Address | None:
    """The address that a resolver gave, its zone left out; None if it is none."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def plain_address(text: str) -> Address | None:
    """The address in the one spelling that all readers take alike: four decimal numbers, or IPv6 without a zone."""
    if not text.isascii() or "%" in text or len(text) > LONGEST:
        return None
    return parse_address(text)


def readings(host: str) -> tuple[Address, ...]:
    """Every address that some reader takes `host` for; none for a name. Brackets, zones and final dots may be there.

    Decimal, octal, hexadecimal, short and overflowing forms; in letters of any width.
    """
    if len(host) > LONGEST:
        return ()
    text = host if host.isascii() else unicodedata.normalize("NFKC", host).replace("\u3002", ".")
    text = text.strip("[] \t").partition("%")[0].lower()
    if ":" in text:
        address = parse_address(text.strip("[]"))
        return () if address is None else (address,)
    parts = text.rstrip(".").split(".")
    if len(parts) > 4:
        return ()
    numbers = [_numbers(part) for part in parts]
    if not all(numbers):
        return ()
    # Octal for some is decimal for others: all as the one, or all as the other.
    combined = (_joined([each[min(way, len(each) - 1)] for each in numbers]) for way in (0, 1))
    return tuple(dict.fromkeys(map(IPv4Address, combined)))


def looks_numeric(host: str) -> bool:
    """Whether URL parsers take the host for an IPv4 address, or fail: its last label is a number (URL standard)."""
    last = host.rstrip(".").rpartition(".")[2]
    return last.isdigit() or bool(_numbers(last.lower()))


def _numbers(part: str) -> tuple[int, ...]:
    """What one part of an IPv4 address may stand for; nothing if it is no number."""
    if not part.isascii() or len(part) > _MAX_DIGITS:
        return ()
    try:
        if part.startswith("0x"):
            return (int(part[2:] or "0", 16),) if part[2:].isalnum() or part == "0x" else ()
        if not part.isdigit():
            return ()
        decimal = int(part)
        octal = part.startswith("0") and not set(part) - set("01234567")
        return (int(part, 8), decimal) if octal else (decimal,)
    except ValueError:
        return ()


def _joined(numbers: list[int]) -> int:
    """Four bytes of one to four numbers, as `inet_aton` joins them: the last fills what is left, and what is too big
    wraps around.
    """
    *leading, last = numbers
    room = 8 * (4 - len(leading))
    result = last & (1 << room) - 1
    for place, number in enumerate(leading):
        result |= (number & 0xFF) << 24 - 8 * place
    return result


def _ipv4_at(address: IPv6Address, shift: int) -> IPv4Address:
    return IPv4Address(int(address) >> shift & 0xFFFFFFFF)


def _within(address: Address, networks: tuple[object, ...]) -> bool:
    return any(address in network for network in networks)  # type: ignore[operator]
