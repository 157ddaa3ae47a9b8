"""Addresses of people and machines: e-mail, telephone, card, IBAN, IP. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from types import MappingProxyType
from typing import Final

from smcp_security.redaction.checksums import luhn

_FILES: Final = frozenset(
    "png jpg jpeg gif svg webp ico bmp pdf css scss js mjs ts jsx tsx json py rb rs java class html htm xml yaml yml md"
    " txt lock zip gz tgz tar jar whl so dll exe local internal localhost invalid".split()
)
"""What stands where a top-level domain would, as in logo@2x.png, and the names that no mail reaches."""

_ACCOUNTS: Final = frozenset({"git", "hg", "svn", "gitlab", "ssh"})
"""Users of remotes: `git@example.com:owner/repository` is nobody's address."""

_SAYS_IP: Final = re.compile(r"\b(?:ipv?4?|addr|address|host|server|gateway|ping)\b", re.ASCII | re.IGNORECASE)

_CALLING: Final = frozenset(
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86"
    " 90 91 92 93 94 95 98".split()
)
_CALLING_OF_THREE: Final = frozenset({"21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59",
                                      "67", "68", "69", "85", "88", "96", "97", "99"})  # fmt: skip
"""Country codes of ITU-T E.164: those of one and two digits, and the beginnings of those of three."""


def joins(sign: str) -> bool:
    """Whether a number does not end beside this sign. Texts come as bytes: those of other scripts have no blanks."""
    return sign.isascii() and sign.isalnum()


def email(value: str, before: str, after: str) -> bool:
    """Not a remote of a version control system, a file's name, a package or what a URL signs in with."""
    account, _, host = value.rpartition("@")
    top = host.rpartition(".")[2]
    if account.lower() in _ACCOUNTS or top.lower() in _FILES or top.isdigit() or ".." in value:
        return False
    if before.endswith(("://", "//")) or (":" in before[-40:] and "://" in before and not _closed(before)):
        return False
    return not account.startswith(".") and not account.endswith(".")


def _closed(before: str) -> bool:
    """Whether the URL before has ended."""
    tail = before[before.rindex("://") :]
    return any(sign in tail for sign in " \t\n\"'<>(),;") or tail.count("/") > 2


def phone(value: str, before: str, after: str) -> bool:
    """A number that E.164 knows, by its code and its length; not a piece of a longer one."""
    digits = "".join(sign for sign in value if sign.isdigit())
    if joins(before[-1:]) or before[-1:] in tuple("+-./=_") or joins(after[:1]) or len(set(digits)) < 3:
        return False
    if not value.startswith(("+", "00")):
        return False
    digits = digits.removeprefix("00") if value.startswith("00") else digits
    known = digits[:1] in _CALLING or digits[:2] in _CALLING or digits[:2] in _CALLING_OF_THREE
    return known and (len(digits) == 11 if digits[0] == "1" else 8 <= len(digits) <= 15)


def local_phone(value: str, before: str, after: str) -> bool:
    """A number beside a word that says telephone: of a plausible length, no date, no version, no decimal."""
    digits = "".join(sign for sign in value if sign.isdigit())
    if not 7 <= len(digits) <= 15 or joins(before[-1:]) or joins(after[:1]) or len(set(digits)) < 3:
        return False
    if before[-1:] in tuple("-./_=") or (after[:1] in tuple("-./_:") and joins(after[1:2])):
        return False
    return not (len(digits) == 8 and digits[:2] in ("19", "20") and value.count("-") == 2)


def card(value: str, before: str, after: str) -> bool:
    """An issuer's prefix and length, and Luhn's check; not a piece of something longer."""
    digits = "".join(sign for sign in value if sign.isdigit())
    if not _issued(digits) or not luhn(digits) or len(set(digits)) < 2:
        return False
    goes_before = before[-1:] in tuple("-._/+#") and joins(before[-2:-1])
    return not goes_before and not (after[:1] in tuple("-._/") and joins(after[1:2]))


def _issued(digits: str) -> bool:
    """Whether an issuer gives out numbers with this beginning in this length."""
    size, two, four = len(digits), int(digits[:2]), int(digits[:4])
    return (
        (digits[0] == "4" and size in (16, 19))
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and size == 16)
        or (two in (34, 37) and size == 15)
        or ((four == 6011 or two == 65 or 644 <= int(digits[:3]) <= 649) and size in (16, 19))
        or (3528 <= four <= 3589 and size == 16)
        or ((300 <= int(digits[:3]) <= 305 or two in (36, 38, 39)) and size == 14)
        or (two == 62 and size in (16, 19))
        or (two in (50, 56, 57, 58, 63, 67) and size in (16, 19))
    )


def ipv4(value: str, before: str, after: str) -> bool:
    """An address that says where somebody is: not of this machine, no mask, no version."""
    try:
        address = IPv4Address(value)
    except AddressValueError:
        return False
    if address.is_loopback or address.is_unspecified or value.startswith("255."):
        return False
    if before[-1:] in tuple("-_.@v=/") and not before.endswith(("//", " =", "=", "@")):
        return False
    if (after[:1] in tuple("-_") or (after[:1] == "." and after[1:2].isdigit())) and not after.startswith("- "):
        return False
    # Four small numbers are a version more often than a host.
    return max(map(int, value.split("."))) > 30 or _SAYS_IP.search(before[-16:]) is not None or after[:1] == ":"


def ipv6(value: str, before: str, after: str) -> bool:
    """An address that the standard library reads; `::` and `::1` are nobody's."""
    try:
        address = IPv6Address(value.partition("%")[0])
    except AddressValueError:
        return False
    joined = joins(before[-1:]) or before[-1:] in tuple(":.") or joins(after[:1]) or after[:1] == ":"
    return not joined and not address.is_loopback and not address.is_unspecified and len(value) > 5


ADDRESS_CHECKS: Final[Mapping[str, Callable[[str, str, str], bool]]] = MappingProxyType({
    "phone": phone,
    "local-phone": local_phone,
    "card": card,
    "ipv4": ipv4,
})  # fmt: skip
"""What a rule's `check` stands for."""
