"""National identity numbers: what each says by its date, its ranges and its check digits. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from smcp_security.redaction.checksums import ean13, icao, luhn, mod_11_10, verhoeff, weighted

_DNI: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_CODICE_ODD: Final = {
    **dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)),
    **dict(
        zip(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
            strict=True,
        )
    ),
}
_NRIC: Final = {"S": "JZIHGFEDCBA", "T": "GFEDCBAJZIH", "F": "XWUTRQPNMLK", "G": "RQPNMLKXWUT", "M": "XWUTRQPNJLK"}
_NINO_UNUSED: Final = frozenset({"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"})
_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _digits(value: str) -> str:
    return "".join(sign for sign in value if "0" <= sign <= "9")


def _letters(value: str) -> str:
    return "".join(sign for sign in value if sign.isalnum()).upper()


def dated(day: str, month: str) -> bool:
    """Whether there is such a day."""
    return 1 <= int(month) <= 12 and 1 <= int(day) <= _DAYS[int(month) - 1]


def _same(digits: str) -> bool:
    return len(set(digits)) == 1


def us_ssn(digits: str) -> bool:
    """Ranges that were never given out, and the number that a wallet's maker printed."""
    if digits == "078051120" or _same(digits):
        return False
    return digits[:3] not in {"000", "666"} and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def us_itin(digits: str) -> bool:
    """A 9 first, and the groups that the IRS uses."""
    group = int(digits[3:5])
    return digits[0] == "9" and (50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99)


def uk_nino(text: str) -> bool:
    """Prefixes that are not used."""
    return text[:2] not in _NINO_UNUSED


def uk_nhs(digits: str) -> bool:
    """Mod 11."""
    check = (11 - weighted(digits[:9], range(10, 1, -1)) % 11) % 11
    return check == int(digits[9]) and not _same(digits)


def es_dni(text: str) -> bool:
    """The letter by mod 23; the X, Y, Z of foreigners count as 0, 1, 2."""
    return _DNI[int(text[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")) % 23] == text[-1]


def it_codice_fiscale(text: str) -> bool:
    """The last letter by the table of the decree of 23 December 1976."""
    odd = sum(_CODICE_ODD[sign] for sign in text[0:15:2])
    even = sum(int(sign) if sign.isdigit() else ord(sign) - 65 for sign in text[1:15:2])
    return chr((odd + even) % 26 + 65) == text[15]


def fr_nir(text: str) -> bool:
    """97 less the rest by 97; the 2A and 2B of Corsica count as 19 and 18."""
    number = text[:13].replace("2A", "19").replace("2B", "18")
    month = int(number[3:5])
    return (1 <= month <= 12 or month >= 20) and 97 - int(number) % 97 == int(text[13:])


def de_tax_id(digits: str) -> bool:
    """One digit twice or three times, and mod 11,10."""
    counts = sorted(digits[:10].count(digit) for digit in "0123456789")
    return digits[0] != "0" and counts[-1] in (2, 3) and counts.count(counts[-1]) == 1 and mod_11_10(digits)


def de_social_security(text: str) -> bool:
    """The digits' sums, the letter as two digits, weights 2 1 2 5 7 1 2 1 2 1 2 1."""
    number = text[:8] + f"{ord(text[8]) - 64:02d}" + text[9:11]
    products = [int(digit) * weight for digit, weight in zip(number, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True)]
    return dated(text[2:4], text[4:6]) and sum(map(_cross, products)) % 10 == int(text[11])


def _cross(number: int) -> int:
    return sum(map(int, str(number)))


def nl_bsn(digits: str) -> bool:
    """The test by 11, with -1 for the last."""
    return weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and not _same(digits)


def pl_pesel(digits: str) -> bool:
    """The century in the month, and mod 10."""
    month = str(int(digits[2:4]) % 20)
    return dated(digits[4:6], month) and weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def se_personnummer(digits: str) -> bool:
    """A date, or one with 60 added to its day, and Luhn's check."""
    number = digits[-10:]
    day = int(number[4:6])
    return dated(str(day - 60 if day > 60 else day), number[2:4]) and luhn(number)


def fi_hetu(text: str) -> bool:
    """Mod 31 over the date and the number."""
    return dated(text[:2], text[2:4]) and _HETU[int(text[:6] + text[-4:-1]) % 31] == text[-1]


def br_cpf(digits: str) -> bool:
    """Two digits by 11."""
    first = weighted(digits, range(10, 1, -1)) * 10 % 11 % 10
    second = weighted(digits, range(11, 1, -1)) * 10 % 11 % 10
    return (first, second) == (int(digits[9]), int(digits[10])) and not _same(digits)


def in_aadhaar(digits: str) -> bool:
    """Verhoeff's check; none is a palindrome."""
    return verhoeff(digits) and digits != digits[::-1]


def au_tfn(digits: str) -> bool:
    """Weights by 11."""
    return weighted(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0 and not _same(digits)


def au_medicare(digits: str) -> bool:
    """The ninth digit by 10."""
    return "2" <= digits[0] <= "6" and weighted(digits[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(digits[8])


def ca_sin(digits: str) -> bool:
    """Luhn's check; none begins with 0 or 8."""
    return digits[0] not in "08" and luhn(digits) and not _same(digits)


def sg_nric(text: str) -> bool:
    """The letter by 11, by the table of its series."""
    total = weighted(text[1:8], (2, 7, 6, 5, 4, 3, 2)) + (3 if text[0] == "M" else 0)
    table = _NRIC[text[0]]
    return table[total % 11] == text[8] if text[0] in "STFG" else table[10 - total % 11] == text[8]


def kr_rrn(digits: str) -> bool:
    """A date and a century. Numbers given since October 2020 carry no check digit."""
    return dated(digits[4:6], digits[2:4]) and digits[6] in "12345678"


def th_id(digits: str) -> bool:
    """Mod 11."""
    return (11 - weighted(digits[:12], range(13, 1, -1)) % 11) % 10 == int(digits[12]) and digits[0] != "0"


def tr_id(digits: str) -> bool:
    """Two digits by 10."""
    numbers = [int(digit) for digit in digits]
    tenth = (7 * sum(numbers[0:9:2]) - sum(numbers[1:8:2])) % 10
    return numbers[0] != 0 and numbers[9] == tenth and sum(numbers[:10]) % 10 == numbers[10]


def us_npi(digits: str) -> bool:
    """Luhn's check behind 80840."""
    return digits[0] in "12" and luhn(f"80840{digits}")


def aba_routing(digits: str) -> bool:
    """Weights 3, 7, 1 by 10, and the prefixes in use."""
    prefix = int(digits[:2])
    used = prefix <= 12 or 21 <= prefix <= 32 or 61 <= prefix <= 72 or prefix == 80
    return used and weighted(digits, (3, 7, 1) * 3) % 10 == 0 and not _same(digits)


def cn_resident(text: str) -> bool:
    """A date, and mod 11-2 of ISO/IEC 7064."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return dated(text[12:14], text[10:12]) and "10X98765432"[weighted(text[:17], weights) % 11] == text[17]


def mx_curp(text: str) -> bool:
    """A date, and the last digit by 10."""
    signs = "0123456789ABCDEFGHIJKLMN\xd1OPQRSTUVWXYZ"
    total = sum(signs.index(sign) * (18 - place) for place, sign in enumerate(text[:17]))
    return dated(text[8:10], text[6:8]) and str((10 - total % 10) % 10) == text[17]


def cl_rut(text: str) -> bool:
    """Mod 11, with K for 10."""
    total = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(text[:-1])))
    return "0123456789K"[(11 - total % 11) % 11] == text[-1]


def be_number(digits: str) -> bool:
    """97 less the rest by 97; a 2 before the number of who was born since 2000."""
    check = int(digits[9:])
    return check in (97 - int(digits[:9]) % 97, 97 - int(f"2{digits[:9]}") % 97)


def no_number(digits: str) -> bool:
    """Two digits by 11."""
    first = 11 - weighted(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    second = 11 - weighted(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (first % 11, second % 11) == (int(digits[9]), int(digits[10]))


def za_id(digits: str) -> bool:
    """A date, and Luhn's check."""
    return dated(digits[4:6], digits[2:4]) and digits[10] in "012" and luhn(digits)


def pt_nif(digits: str) -> bool:
    """Mod 11."""
    check = 11 - weighted(digits[:8], range(9, 1, -1)) % 11
    return (0 if check > 9 else check) == int(digits[8])


def _of_digits(judge: Callable[[str], bool], *lengths: int) -> Callable[[str, str, str], bool]:
    def check(value: str, before: str, after: str) -> bool:
        digits = _digits(value)
        return len(digits) in lengths and _alone(before, after) and judge(digits)

    return check


def _of_letters(judge: Callable[[str], bool]) -> Callable[[str, str, str], bool]:
    def check(value: str, before: str, after: str) -> bool:
        return _alone(before, after) and judge(_letters(value))

    return check


def _alone(before: str, after: str) -> bool:
    """Whether the number ends where it seems to: not a piece of a longer one, of a UUID, a path or a version."""
    joins = before[-1:] in tuple("-.+/_#") and before[-2:-1].isalnum()
    goes_on = after[:1] in tuple("-.,:/_") and after[1:2].isalnum() and not after.startswith(("/ ", ", "))
    return not joins and not goes_on


def _free(value: str, before: str, after: str) -> bool:
    """For numbers without a check digit that their form or the words beside them tell."""
    return _alone(before, after) and not _same(_digits(value))


IDENTITY_CHECKS: Final[Mapping[str, Callable[[str, str, str], bool]]] = MappingProxyType({
    "alone": _free,
    "us-ssn": _of_digits(us_ssn, 9),
    "us-itin": _of_digits(us_itin, 9),
    "us-npi": _of_digits(us_npi, 10),
    "aba": _of_digits(aba_routing, 9),
    "uk-nino": _of_letters(uk_nino),
    "uk-nhs": _of_digits(uk_nhs, 10),
    "es-dni": _of_letters(es_dni),
    "it-codice-fiscale": _of_letters(it_codice_fiscale),
    "fr-nir": _of_letters(fr_nir),
    "de-tax-id": _of_digits(de_tax_id, 11),
    "de-social-security": _of_letters(de_social_security),
    "icao": _of_letters(icao),
    "nl-bsn": _of_digits(nl_bsn, 9),
    "pl-pesel": _of_digits(pl_pesel, 11),
    "se-personnummer": _of_digits(se_personnummer, 10, 12),
    "fi-hetu": _of_letters(fi_hetu),
    "br-cpf": _of_digits(br_cpf, 11),
    "in-aadhaar": _of_digits(in_aadhaar, 12),
    "au-tfn": _of_digits(au_tfn, 9),
    "au-medicare": _of_digits(au_medicare, 10, 11),
    "ca-sin": _of_digits(ca_sin, 9),
    "sg-nric": _of_letters(sg_nric),
    "kr-rrn": _of_digits(kr_rrn, 13),
    "th-id": _of_digits(th_id, 13),
    "tr-id": _of_digits(tr_id, 11),
    "cn-resident": _of_letters(cn_resident),
    "mx-curp": _of_letters(mx_curp),
    "cl-rut": _of_letters(cl_rut),
    "be-number": _of_digits(be_number, 11),
    "ch-ahv": _of_digits(ean13, 13),
    "no-number": _of_digits(no_number, 11),
    "za-id": _of_digits(za_id, 13),
    "pt-nif": _of_digits(pt_nif, 9),
})  # fmt: skip
"""What a rule's `check` stands for. A number that is a piece of something longer is none."""
