"""Addresses, telephone, card and bank numbers: by their checksum, their form or the words beside them."""

from __future__ import annotations

import pytest

from smcp_security.redaction.redactor import Redactor


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor(["email", "phone", "card", "iban", "ip"])


def seen(redactor: Redactor, text: str, name: str = "") -> list[tuple[str, str]]:
    return [(span.mask, text[span.start : span.end]) for span in redactor.find([text], [name])]


MASKED = [
    ("email", "write to {} today", "ann.smith+news@mail.example.org"),
    ("email", "<{}>", "a@example.co"),
    ("email", '{{"to": "{}"}}', "ann@xn--80ak6aa92e.com"),
    ("email", "a\\n{}\\nb", "nobody@example.net"),
    ("email", "mailto:{}?subject=x", "ann@example.com"),
    ("email", "ann's address is {}.", "ANN@EXAMPLE.COM"),
    ("card", "card {} expires", "4111 1111 1111 1111"),
    ("card", "{}", "4012-8888-8888-1881"),
    ("card", "n={};", "5555555555554444"),
    ("card", "{}", "378282246310005"),
    ("card", "paid with {}", "3782 822463 10005"),
    ("card", "{}", "6011111111111117"),
    ("card", "{}", "30569309025904"),
    ("card", "{}", "2223003122003222"),
    ("card", '"number": {},', "3530111333300000"),
    ("iban", "to {} please", "DE89 3704 0044 0532 0130 00"),
    ("iban", "{}", "GB82WEST12345698765432"),
    ("iban", "IBAN:{}.", "FR14 2004 1010 0505 0001 3M02 606"),
    ("iban", "{} and on", "NO9386011117947"),
    ("iban", '{{"iban": "{}"}}', "NL91ABNA0417164300"),
    ("iban", "{}", "CH93-0076-2011-6238-5295-7"),
    ("phone", "call {} now", "+49 30 901820"),
    ("phone", "{}", "+1 (415) 555-2671"),
    ("phone", "tel: {}", "020 7946 0018"),
    ("phone", "my phone is {}", "555-123-4567"),
    ("phone", "{}", "+442079460018"),
    ("phone", "reach me at {}", "(415) 555-2671"),
    ("phone", '{{"phone": "{}"}}', "0301234567"),
    ("phone", "({})", "+358 9 1234567"),
    ("ip", "from {} at noon", "203.0.113.77"),
    ("ip", "http://{}/x", "192.168.1.40"),
    ("ip", "{}", "2001:db8::8a2e:370:7334"),
    ("ip", "[{}]:8080", "2001:db8::1"),
    ("ip", "server {}", "8.8.4.4"),
    ("ip", "{}", "::ffff:192.0.2.1"),
]


@pytest.mark.parametrize(("mask", "around", "value"), MASKED, ids=[value for _, _, value in MASKED])
def test_what_is_personal_is_masked(redactor: Redactor, mask: str, around: str, value: str) -> None:
    assert seen(redactor, around.format(value)) == [(mask, value)]


QUIET = [
    "logo@2x.png",
    "git@example.com:a/b.git",
    "npm i @scope/pkg@1.2.3",
    "user@localhost",
    "@ann see this",
    "a@b",
    "x @ y.z",
    "https://ann@example.com/",
    "3 @ 4.50",
    "actions/checkout@v4.1.0",
    "ann@example.py",
    "4111 1111 1111 1112",
    "1234 5678 9012 3456",
    "4111111111111111000012345",
    "0000 0000 0000 0000",
    "1700000000000",
    "4111-1111-1111-1111-9999-2222",
    "a4111111111111111",
    "20260131120000123",
    "3f2b8c1e-4111-1111-1111-111111111117",
    "DE89 3704 0044 0532 0130 01",
    "GB82WEST1234569876543",
    "XX89370400440532013000",
    "DE00 order 12 of 2026",
    "AB12CDEF34567890",
    "+1",
    "+12 -3 lines",
    "1 + 2345678",
    "version 12.345.6789",
    "2026-01-31 12:00:00",
    "order 4155552671",
    "1700000000",
    "c++11 2020-2023",
    "a+4930901820",
    "52.520008, 13.404954",
    "telephone numbers have digits",
    "10-20-30",
    "call 911",
    "phone 2026-01-31",
    "version 1.2.3.4",
    "127.0.0.1",
    "0.0.0.0",
    "255.255.255.0",
    "1.2.3",
    "256.1.1.300",
    "v10.20.30.40",
    "12:34:56",
    "std::cout",
    "::1",
    "a::b",
    "1:2:3:4",
    "aa:bb:cc:dd:ee:ff",
    "10.15.7.1.2",
]


@pytest.mark.parametrize("text", QUIET)
def test_what_only_looks_personal_stays(redactor: Redactor, text: str) -> None:
    assert seen(redactor, text) == []


def test_a_kind_that_is_not_asked_for_stays() -> None:
    text = "ann@example.com, 4111 1111 1111 1111, DE89370400440532013000, +49 30 901820, 203.0.113.77"
    kinds = ("email", "phone", "card", "iban", "ip")
    assert {span.kind for span in Redactor(kinds).find([text], [""])} == set(kinds)
    for kind in kinds:
        assert {span.kind for span in Redactor([kind]).find([text], [""])} == {kind}
    assert Redactor([]).find([text], [""]) == []


def test_the_name_of_a_field_is_context_for_its_value(redactor: Redactor) -> None:
    for name in ("phone", "homePhone", "contact_phone", "Mobile Number", "fax"):
        assert seen(redactor, "030 1234567", name) == [("phone", "030 1234567")]
    for name in ("", "order", "isbn", "phase"):
        assert seen(redactor, "030 1234567", name) == []
