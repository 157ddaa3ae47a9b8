"""Checksums against numbers that the standards and the states print as their examples."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smcp_security.redaction import checksums, identities, naming
from smcp_security.redaction.naming import PASSWORD, SECRET, WEAK, says, spoken

GOOD: list[tuple[Callable[[str], bool], str]] = [
    (checksums.luhn, "79927398713"),
    (checksums.verhoeff, "2363"),
    (checksums.mod_97_10, "3214282912345698765432161182"),
    (checksums.mod_11_10, "86095742719"),
    (checksums.icao, "L898902C36"),
    (checksums.ean13, "7569217076985"),
    (checksums.iban, "GB82WEST12345698765432"),
    (checksums.iban, "DE89370400440532013000"),
    (identities.uk_nhs, "9434765919"),
    (identities.es_dni, "12345678Z"),
    (identities.it_codice_fiscale, "RSSMRA85T10A562S"),
    (identities.fr_nir, "255081416802538"),
    (identities.nl_bsn, "111222333"),
    (identities.pl_pesel, "44051401359"),
    (identities.se_personnummer, "8112289874"),
    (identities.fi_hetu, "131052308T"),
    (identities.br_cpf, "52998224725"),
    (identities.au_tfn, "123456782"),
    (identities.sg_nric, "S1234567D"),
    (identities.tr_id, "10000000146"),
    (identities.cn_resident, "11010519491231002X"),
    (identities.mx_curp, "HEGG560427MVZRRL04"),
    (identities.cl_rut, "123456785"),
    (identities.be_number, "85073003328"),
    (identities.za_id, "8001015009087"),
    (identities.aba_routing, "121000358"),
    (identities.us_npi, "1234567893"),
]


@pytest.mark.parametrize(("judge", "number"), GOOD, ids=[judge.__name__ for judge, _ in GOOD])
def test_an_example_of_the_standard_holds(judge: Callable[[str], bool], number: str) -> None:
    assert judge(number)


@pytest.mark.parametrize(("judge", "number"), GOOD, ids=[judge.__name__ for judge, _ in GOOD])
def test_another_last_sign_does_not_hold(judge: Callable[[str], bool], number: str) -> None:
    last = number[-1]
    others = [sign for sign in ("0123456789" if last.isdigit() else "ABCDEFGHJKLMNPQRSTUVWXYZ") if sign != last]
    assert sum(judge(number[:-1] + sign) for sign in others) <= (0 if last.isdigit() else 1)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("password", PASSWORD),
        ("dbPassword", PASSWORD),
        ("DB_PASSWORD_VALUE", PASSWORD),
        ("pwd", PASSWORD),
        ("client-secret", SECRET),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("apiKey2", SECRET),
        ("access_token", SECRET),
        ("token", WEAK),
        ("userAuth", WEAK),
        ("openai_key", SECRET),
        ("nextPageToken", ""),
        ("csrf_token", ""),
        ("public_key", ""),
        ("token_count", ""),
        ("secret_name", ""),
        ("key", ""),
        ("author", ""),
        ("monkey", ""),
        ("", ""),
        ("x" * 200 + "password", ""),
        ("[redacted:password]", ""),
    ],
)
def test_a_name_says_whether_it_is_of_a_secret(name: str, said: str) -> None:
    assert says(name) == said


def test_a_name_is_spoken_as_words_apart() -> None:
    assert spoken("homePhone") == spoken("home_phone") == spoken("home-phone") == "home phone"
    assert spoken("SSNNumber2") == "ssn number 2"
    assert spoken("x" * 200) == ""


def test_a_name_that_is_none_is_not_remembered() -> None:
    for judge, remembered in ((says, naming._says), (spoken, naming._spoken)):
        judge("password")
        before = remembered.cache_info()
        assert judge("password" * 1000) == judge("[redacted:email]") == ""
        assert remembered.cache_info() == before
        assert judge("password") == "password"
