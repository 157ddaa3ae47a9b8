"""Numbers that states give people: with their checksum, and beside their name where the form alone says little."""

from __future__ import annotations

import pytest

from smcp_security.redaction.redactor import Redactor

ALONE = [
    ("us-ssn", "536-22-8726"),
    ("us-itin", "911-70-1234"),
    ("us-mbi", "1EG4-TE5-MK73"),
    ("uk-nino", "AB 12 34 56 C"),
    ("uk-driving-licence", "MORGA657054SM9IJ"),
    ("es-dni", "12345678Z"),
    ("es-dni", "X1234567L"),
    ("it-codice-fiscale", "RSSMRA85T10A562S"),
    ("fr-nir", "2 55 08 14 168 025 38"),
    ("de-social-security", "15070649C103"),
    ("fi-hetu", "131052-308T"),
    ("br-cpf", "529.982.247-25"),
    ("in-pan", "ABCPE1234F"),
    ("ca-sin", "130-692-544"),
    ("sg-nric", "S1234567D"),
    ("kr-rrn", "960121-1234567"),
    ("th-id", "1-1037-02071-81-1"),
    ("cn-resident", "11010519491231002X"),
    ("mx-curp", "HEGG560427MVZRRL04"),
    ("cl-rut", "12.345.678-5"),
    ("be-number", "85.07.30-033.28"),
    ("ch-ahv", "756.9217.0769.85"),
]
BESIDE = [
    ("us-ssn", "SSN", "536228726"),
    ("us-ssn", "social security number", "536 22 8726"),
    ("us-npi", "NPI", "1234567893"),
    ("us-itin", "ITIN", "911701234"),
    ("bank-routing", "routing number", "121000358"),
    ("uk-nhs", "NHS number", "401 023 2137"),
    ("de-tax-id", "Steuer-ID", "86095742719"),
    ("de-id-card", "Personalausweis", "T220001293"),
    ("nl-bsn", "BSN", "111222333"),
    ("pl-pesel", "PESEL", "44051401359"),
    ("se-personnummer", "personnummer", "811228-9874"),
    ("br-cpf", "CPF", "52998224725"),
    ("in-aadhaar", "Aadhaar", "2341 2341 2346"),
    ("in-pan", "GSTIN", "27ABCDE1234F1Z5"),
    ("au-tfn", "TFN", "123 456 782"),
    ("au-medicare", "Medicare", "2123 45670 1"),
    ("ca-sin", "SIN", "130 692 544"),
    ("kr-rrn", "RRN", "9601211234567"),
    ("th-id", "Thai ID", "1234567890121"),
    ("tr-id", "TC Kimlik", "10000000146"),
    ("no-number", "fødselsnummer", "01017010170"),
    ("za-id", "South African ID number", "8001015009087"),
    ("pt-nif", "NIF", "123456789"),
    ("passport", "passport", "AB1234567"),
    ("driver-licence", "driver's license", "H12234567"),
    ("de-lanr", "LANR", "123456601"),
    ("driver-licence", "license", "11-22-123456-12"),
]


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor(["national_id"])


def seen(redactor: Redactor, text: str, name: str = "") -> list[tuple[str, str]]:
    return [(span.mask, text[span.start : span.end]) for span in redactor.find([text], [name])]


@pytest.mark.parametrize(("mask", "number"), ALONE, ids=[f"{mask}-{number}" for mask, number in ALONE])
def test_a_number_of_unmistakable_form_is_masked(redactor: Redactor, mask: str, number: str) -> None:
    for around in ("{}", "it is {}.", '{{"id": "{}"}}', "a\\n{}\\nb", "({}), then"):
        assert seen(redactor, around.format(number)) == [(mask, number)], around


@pytest.mark.parametrize(("mask", "word", "number"), BESIDE, ids=[f"{mask}-{number}" for mask, _, number in BESIDE])
def test_a_number_is_masked_beside_the_word_for_it_alone(redactor: Redactor, mask: str, word: str, number: str) -> None:
    for around in ("{}: {}", "my {} is {}.", '"{}": "{}"', "{}\\n{}"):
        assert seen(redactor, around.format(word, number)) == [(mask, number)], around
    assert seen(redactor, number, word) == [(mask, number)]
    if number != "911701234":
        assert seen(redactor, f"order {number}") == []


CHECKED = [
    number
    for mask, number in ALONE
    if mask
    in {
        "es-dni",
        "it-codice-fiscale",
        "fr-nir",
        "de-social-security",
        "fi-hetu",
        "br-cpf",
        "ca-sin",
        "sg-nric",
        "th-id",
        "cn-resident",
        "mx-curp",
        "cl-rut",
        "be-number",
        "ch-ahv",
    }
]


@pytest.mark.parametrize("number", CHECKED)
def test_a_number_with_another_check_digit_stays(redactor: Redactor, number: str) -> None:
    last = number[-1]
    other = str((int(last) + 1) % 10) if last.isdigit() else "A" if last != "A" else "B"
    assert seen(redactor, number[:-1] + other) == []


@pytest.mark.parametrize(
    "text",
    [
        "000-12-3456",
        "666-12-3456",
        "078-05-1120",
        "555-12-0000",
        "123-45-67890",
        "911-40-1234",
        "GB 12 34 56 C",
        "BG123456A",
        "x-536-22-8726-y",
        "536-22-8726-1234",
        "/var/536-22-8726/x",
        "2026-01-3100",
        "960231-9234567",
        "961332-1234567",
        "S12345678D",
        "the SSN form has nine digits",
        "passport control opens at 08:00",
        "BSN is Dutch",
        "SIN is a word 12",
        "3f2b8c1e-77aa-4d5e-9b1c-0242ac120002",
    ],
)
def test_what_no_state_gave_out_stays(redactor: Redactor, text: str) -> None:
    assert seen(redactor, text) == []
