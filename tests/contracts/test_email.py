"""Mail addresses as arguments: one address, nothing that a mailer, a shell or a header reads as more."""

from __future__ import annotations

import pytest

from smcp_security.contracts.email import EmailRule
from smcp_security.policy.contracts import EmailContract

ANY = EmailRule(EmailContract())
OWN = EmailRule(EmailContract(domains=("example.com", "*.example.org")))


@pytest.mark.parametrize("address", ["ann@example.com", "Ann.Lee+tag@Example.co.uk", "o'brien@example.ie",
                                     "a_b-c@x-y.org", "1@2.example",
                                     "ann@bücher.example", "bounce+ann=x.org@lists.example.org",
                                     "#42@example.com"])  # fmt: skip
def test_an_honest_address_passes(address: str) -> None:
    assert ANY.fault(address) is None


@pytest.mark.parametrize("address", [
    "", "ann", "@example.com", "ann@", "ann@@example.com", "a@b@example.com", "ann@localhost", "ann@127.0.0.1",
    "ann@[127.0.0.1]",
    "ann@example.com.", "ann@-example.com", "ann@exa mple.com", ".ann@example.com", "ann.@example.com",
    "a..b@example.com",
    "-oQ/tmp@example.com", '"a b"@example.com', "ann(x)@example.com", "ann@example.com,bob@example.com",
    "ann@example.com\r\nBcc: x@y.org",
    "ann@example.com\n", " ann@example.com", "Ann <ann@example.com>", "a!b@example.com", "a%b@example.com",
    "a|b@example.com",
    "`id`@example.com", "${x}@example.com", "{{7}}@example.com", "'or'1'='1@example.com", "a'@example.com",
    "änn@example.com",
    "a" * 65 + "@example.com", "a@" + "b." * 130 + "com", "a\0b@example.com", "ann@exam\u00adple.com",
])  # fmt: skip
def test_what_is_not_one_plain_address_is_refused(address: str) -> None:
    fault = ANY.fault(address)
    assert fault is not None
    assert fault.code == "SMCP517"


@pytest.mark.parametrize(("address", "fits"), [("a@example.com", True), ("a@EXAMPLE.com", True), ("a@b.example.org",
        True),
                                               ("a@example.org", False), ("a@b.example.com", False),
                                               ("a@example.com.evil.net", False),
                                               ("a@evilexample.com", False)])  # fmt: skip
def test_only_domains_that_the_policy_names_pass(address: str, fits: bool) -> None:
    assert (OWN.fault(address) is None) is fits


@pytest.mark.parametrize(("typed", "fits"), [("", True), ("ann", True), ("ann.", True), ("o'", True), ("ann@", True),
        ("ann@ex", True),
                                             ("ann@example.", True), ("ann@x-", True), ("-o", False), ("a b", False),
                                             ("ann@@", False),
                                             ("a" * 300, False), ("ann@a..", False)])  # fmt: skip
def test_an_address_is_judged_while_it_is_typed(typed: str, fits: bool) -> None:
    assert (ANY.fault_of_beginning(typed) is None) is fits
