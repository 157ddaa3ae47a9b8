"""Networks as arguments: one spelling, within what the policy allows."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.cidr import CidrRule
from smcp_security.policy.contracts import CidrContract

ANY = CidrRule(CidrContract())
TEN = CidrRule(CidrContract(within=("10.0.0.0/8", "2001:db8::/32")))


@pytest.mark.parametrize(
    "network", ["10.0.0.0/8", "0.0.0.0/0", "192.168.1.7", "192.168.1.7/32", "2001:db8::/32", "::/0", "::1"]
)
def test_a_network_or_an_address_passes(network: str) -> None:
    assert ANY.fault(network) is None


@pytest.mark.parametrize("network", ["", "/", "10.0.0.0/", "10.0.0.5/8", "10.0.0.0/255.0.0.0", "10.0.0.0/08",
                                     "10.0.0.0/33", "10.0.0/8",
                                     "010.0.0.0/8", "10.0.0.0 /8", "10.0.0.0/8\n", "10.0.0.0/8,x", "fe80::%eth0/64",
                                     "2001:db8::1/32",
                                     "10.0.0.0/+8", "10.0.0.0/8/8", "１0.0.0.0/8", "10.0.0.0/٨", "x",
                                     "1" * 60])  # fmt: skip
def test_a_network_that_readers_take_differently_is_refused(network: str) -> None:
    fault = ANY.fault(network)
    assert fault is not None
    assert fault.code == "SMCP517"


@pytest.mark.parametrize(("network", "fits"), [("10.1.0.0/16", True), ("10.0.0.0/8", True), ("2001:db8:1::/48", True),
        ("10.1.2.3", True),
                                               ("0.0.0.0/0", False), ("11.0.0.0/8", False), ("::ffff:10.0.0.0/104",
                                               False)])  # fmt: skip
def test_a_network_lies_within_one_that_the_policy_names(network: str, fits: bool) -> None:
    assert (TEN.fault(network) is None) is fits


def test_the_policy_may_ask_for_one_version() -> None:
    assert CidrRule(CidrContract(version=4)).fault("10.0.0.0/8") is None
    assert CidrRule(CidrContract(version=4)).fault("::/0") is not None
    assert CidrRule(CidrContract(within=())).fault("10.0.0.0/8") is not None


@pytest.mark.parametrize(
    ("typed", "fits"), [("", True), ("10.", True), ("10.0.0.0/", True), ("fe", True), ("x", False), ("1" * 50, False)]
)
def test_a_network_is_judged_while_it_is_typed(typed: str, fits: bool) -> None:
    assert (ANY.fault_of_beginning(typed) is None) is fits


@given(st.ip_addresses(), st.integers(0, 32))
@settings(max_examples=50)
def test_every_network_passes_in_its_own_spelling(address: object, prefix: int) -> None:
    assert ANY.fault(str(ip_network(f"{address}/{prefix}", strict=False))) is None
