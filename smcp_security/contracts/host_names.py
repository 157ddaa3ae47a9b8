"""Host names and literal addresses: the one spelling that all readers take alike, and where a host leads. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from smcp_security.contracts.addresses import (
    LONGEST,
    Address,
    is_metadata,
    is_public,
    is_public_answer,
    looks_numeric,
    parse_address,
    plain_address,
    readings,
)
from smcp_security.contracts.contract import Found
from smcp_security.policy.globs import matches

MAX_NAME: Final = 253
_MAX_LABEL: Final = 63
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_PUNYCODE: Final = "xn--"

_INNER: Final = (
    "localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "private", "home.arpa", "svc",
    "in-addr.arpa", "ip6.arpa",
)  # fmt: skip
"""Endings of names that only some network of its own knows (RFC 6761, 6762, 8375; ICANN's list of collisions)."""

METADATA_NAMES: Final = frozenset({
    "metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal",
    "metadata.tencentyun.com", "metadata.platformequinix.com", "metadata.packet.net", "rancher-metadata",
})  # fmt: skip

# Looked ahead, so that groups that overlap are found too: 1-10-0-0-1 holds 10-0-0-1.
_FOUR_NUMBERS: Final = re.compile(r"(?<![0-9])(?=([0-9]{1,3})([.-])([0-9]{1,3})\2([0-9]{1,3})\2([0-9]{1,3})(?![0-9]))")
_HEX_LABEL: Final = re.compile(r"(?:^|[.-])([0-9a-f]{8})(?=\.)", re.ASCII)
_VERSIONS: Final = 100
"""Four small numbers with hyphens between them are rather a version than an address: release-10-2-0-1."""
_ADDRESS_GLOB: Final = re.compile(r"[0-9.*]*[0-9][0-9.*]*|.*[:\[].*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Host:
    """A name in lower case with international labels in Punycode, or an address (then `name` is its plain spelling)."""

    name: str
    address: Address | None = None

    @property
    def is_public(self) -> bool:
        """Whether the text itself speaks of the internet at large; where a name leads only a resolver knows."""
        if self.address is not None:
            return is_public(self.address)
        if "." not in self.name or is_inner(self.name) or spells_metadata(self.name):
            return False
        return all(map(is_public, embedded_in(self.name)))


def read_host(text: str, brackets: bool = True) -> Host | None:
    """The host that all readers take `text` for; None where some may differ, or it is none.

    `brackets` is whether IPv6 addresses stand in them, as in URLs.
    """
    if not 0 < len(text) <= LONGEST:
        return None
    if ":" in text or "[" in text:
        bare = text[1:-1] if brackets and text.startswith("[") and text.endswith("]") else "" if brackets else text
        address = plain_address(bare)
        return Host(str(address), address) if isinstance(address, IPv6Address) else None
    if looks_numeric(text):
        address = plain_address(text)
        return Host(text, address) if isinstance(address, IPv4Address) and str(address) == text else None
    name = ascii_name(text)
    return None if name is None else Host(name)


def ascii_name(text: str) -> str | None:
    """The name as DNS has it; None if it is none, or spelt so that readers differ (a final dot, signs that fold)."""
    labels = [_ascii_label(label) for label in text.split(".")]
    name = ".".join(label for label in labels if label)
    return name if all(labels) and len(name) <= MAX_NAME else None


def _ascii_label(label: str) -> str:
    if not 0 < len(label) <= _MAX_LABEL:
        return ""
    if label.isascii():
        lower = label.lower()
        sound = _LABEL.fullmatch(lower) is not None and (not lower.startswith(_PUNYCODE) or _is_sound(lower))
        return lower if sound else ""
    lower = label.lower()
    if not _is_its_own_form(label, lower):
        return ""
    encoded = _PUNYCODE + lower.encode("punycode").decode("ascii")
    return encoded if len(encoded) <= _MAX_LABEL else ""


def _is_its_own_form(label: str, lower: str) -> bool:
    """Whether IDNA 2003, 2008 and UTS 46 all leave the label as it is, but for case."""
    if unicodedata.normalize("NFKC", label) != label or unicodedata.normalize("NFKC", label.casefold()) != lower:
        return False
    categories = [unicodedata.category(sign) for sign in lower]
    letters = all(sign == "-" or kind[0] in "LM" or kind == "Nd" for sign, kind in zip(lower, categories, strict=True))
    return (
        letters
        and lower[2:4] != "--"
        and categories[0][0] != "M"
        and lower[0] != "-"
        and lower[-1] != "-"
        and not lower.isdigit()
    )


def _is_sound(label: str) -> bool:
    """Whether a label in Punycode stands for one that is spelt so itself."""
    try:
        decoded = label.removeprefix(_PUNYCODE).encode("ascii").decode("punycode")
        return not decoded.isascii() and _ascii_label(decoded) == label
    except (ValueError, OverflowError):
        return False


def is_inner(name: str) -> bool:
    """Whether only some network of its own knows the name, or it is one of a metadata service."""
    return name in METADATA_NAMES or any(name == end or name.endswith(f".{end}") for end in _INNER)


def embedded_in(name: str) -> Iterator[Address]:
    """IPv4 addresses that a name is made of: services such as nip.io answer `192-168-0-1.nip.io` with 192.168.0.1."""
    for found in _FOUR_NUMBERS.finditer(name):
        first, between, *others = found.groups()
        address = plain_address(".".join(str(int(number)) for number in (first, *others)))
        if address is not None and (between == "." or int(first) >= _VERSIONS):
            yield address


def spells_metadata(name: str) -> bool:
    """Whether a label is a metadata address in hexadecimal, which the same services answer: a9fea9fe.nip.io."""
    return any(is_metadata(IPv4Address(int(label[1], 16))) for label in _HEX_LABEL.finditer(name))


class HostGlobs:
    """Which hosts a policy allows. `*.example.com` and `.example.com` are all names below it, never itself."""

    def __init__(self, globs: Sequence[str] | None) -> None:
        self._names: list[str] | None = None if globs is None else []
        self._addresses: list[str] = []
        for glob in globs or ():
            bare = glob.strip("[]").lower()
            if _ADDRESS_GLOB.fullmatch(bare):
                address = plain_address(bare)
                self._addresses.append(bare if address is None else str(address))
            elif self._names is not None:
                self._names.append(_ascii_glob(f"*{bare}" if bare.startswith(".") else bare))

    def __contains__(self, host: Host) -> bool:
        if self._names is None:
            return True
        if host.address is not None:
            return "*" in self._names or any(matches(glob, host.name) for glob in self._addresses)
        return any(matches(glob, host.name) for glob in self._names)


def _ascii_glob(glob: str) -> str:
    return ".".join(label if label.isascii() else _ascii_label(label) or label for label in glob.split("."))


def is_inside(host: Host | None, text: str) -> bool:
    """Whether anybody takes the text of a host, well-formed (then it is `host`) or not, for one that is not public."""
    if host is not None:
        return not host.is_public
    return not all(map(is_public, readings(text))) or is_inner(text[: LONGEST + 1].rstrip(".").lower())


def answers_code(found: tuple[Found, ...]) -> str:
    """The code for what a resolver gave: nothing known is unresolved, one address that is not public refuses all."""
    addresses = [parse_address(text) for each in found if isinstance(each, tuple) for text in each]
    if not addresses or None in addresses:
        return "SMCP519"
    return "" if all(address is not None and is_public_answer(address) for address in addresses) else "SMCP512"
