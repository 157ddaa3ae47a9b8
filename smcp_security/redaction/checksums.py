"""The checksums that numbers carry, each as its standard has it. Pure; they take digits without separators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_PERMUTED: Final = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip
_DIHEDRAL: Final = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip

LENGTHS_OF_IBANS: Final = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
}  # fmt: skip
"""Characters of an IBAN by its country (SWIFT's registry of IBANs)."""


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1: card numbers and many others."""
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def weighted(digits: str, weights: Sequence[int]) -> int:
    """The sum of digits times their weights."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def verhoeff(digits: str) -> bool:
    """Verhoeff's check over the dihedral group: Aadhaar."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_DIHEDRAL[check][int(_PERMUTED[place % 8][int(digit)])])
    return check == 0


def mod_97_10(text: str) -> bool:
    """ISO/IEC 7064 mod 97-10, letters counting from A = 10."""
    return int("".join(str(int(sign, 36)) for sign in text)) % 97 == 1


def mod_11_10(digits: str) -> bool:
    """ISO/IEC 7064 mod 11,10: tax ids of Germany and Croatia."""
    check = 10
    for digit in digits[:-1]:
        check = (check + int(digit)) % 10 or 10
        check = check * 2 % 11
    return (11 - check) % 10 == int(digits[-1])


def icao(text: str) -> bool:
    """ICAO 9303: documents that a machine reads; weights 7, 3, 1."""
    total = sum(int(sign, 36) * (7, 3, 1)[place % 3] for place, sign in enumerate(text[:-1]))
    return text[-1].isdigit() and total % 10 == int(text[-1])


def ean13(digits: str) -> bool:
    """The check digit of GS1: also of Swiss social insurance numbers."""
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


def iban(text: str) -> bool:
    """ISO 13616: the length by country and mod 97-10; without spaces, in capitals."""
    return LENGTHS_OF_IBANS.get(text[:2]) == len(text) and mod_97_10(text[4:] + text[:4])
