"""Host names as arguments: one name, spelt so that all readers agree, and where it leads if the policy asks."""

from __future__ import annotations

import pytest

from smcp_security.contracts.contract import HostLookup
from smcp_security.contracts.hostname import HostnameRule
from smcp_security.policy.contracts import HostnameContract

ANY = HostnameRule(HostnameContract())
ADDRESSES = HostnameRule(HostnameContract(addresses=True))
OPEN = HostnameRule(HostnameContract(addresses=True, public_only=False))
ASKED = HostnameRule(HostnameContract(addresses=True, resolve=True))


@pytest.mark.parametrize(
    "host", ["example.com", "A.Example.COM", "bücher.example", "xn--bcher-kva.example", "a_b.example.org"]
)
def test_a_plain_name_passes(host: str) -> None:
    assert ANY.fault(host) is None


@pytest.mark.parametrize(("host", "code"), [
    ("", "SMCP517"), ("a b.com", "SMCP517"), ("example.com.", "SMCP517"), ("-o.example.com", "SMCP517"), ("a/b.com",
    "SMCP517"),
    ("x.com:80", "SMCP517"), ("http://x.com", "SMCP517"), ("a@x.com", "SMCP517"), ("x.com;id", "SMCP517"), ("x.com\n",
    "SMCP517"),
    ("exam\u00adple.com", "SMCP517"), ("8.8.8.8", "SMCP517"), ("a" * 64 + ".com", "SMCP517"), ("a." * 200, "SMCP517"),
    ("localhost", "SMCP512"), ("intranet", "SMCP512"), ("db.internal", "SMCP512"), ("127.0.0.1", "SMCP512"), ("127.1",
    "SMCP512"),
    ("2852039166", "SMCP512"), ("::1", "SMCP512"), ("10.0.0.1.nip.io", "SMCP512"), ("metadata.google.internal.",
    "SMCP512"),
])  # fmt: skip
def test_what_is_no_public_name_is_refused(host: str, code: str) -> None:
    fault = ANY.fault(host)
    assert fault is not None
    assert fault.code == code


def test_addresses_pass_where_the_policy_allows_them() -> None:
    assert ADDRESSES.fault("8.8.8.8") is None
    assert ADDRESSES.fault("2606:4700::1111") is None
    for odd in ("[2606:4700::1111]", "8.8.2056", "010.8.8.8", "::1", "fe80::1%eth0"):
        assert ADDRESSES.fault(odd) is not None
    assert OPEN.fault("10.0.0.1") is None
    assert OPEN.fault("localhost") is None
    assert OPEN.fault("127.1") is not None


def test_only_hosts_that_the_policy_names_pass() -> None:
    rule = HostnameRule(HostnameContract(hosts=("*.example.com",)))
    assert rule.fault("a.example.com") is None
    assert rule.fault("example.com") is not None
    assert rule.fault("a.example.com.evil.org") is not None


def test_a_name_is_asked_for_only_where_the_policy_wants_it() -> None:
    assert ANY.lookups("example.com") == ()
    assert ASKED.lookups("8.8.8.8") == ()
    assert ASKED.lookups("Example.com") == (HostLookup("example.com"),)


@pytest.mark.parametrize(("addresses", "code"), [(("8.8.8.8",), None), (("10.0.0.1",), "SMCP512"), ((), "SMCP519")])
def test_the_addresses_of_a_name_must_be_public(addresses: tuple[str, ...], code: str | None) -> None:
    fault = ASKED.fault_found("example.com", (addresses,))
    assert (None if fault is None else fault.code) == code
    assert ANY.fault_found("example.com", ()) is None


@pytest.mark.parametrize(("typed", "fits"), [("", True), ("ex", True), ("example.", True), ("my-", True), ("a b",
        False), ("a..", False),
                                             ("-x", False), ("/", False), ("x" * 300, False), ("169.254.169.254",
                                             False)])  # fmt: skip
def test_a_name_is_judged_while_it_is_typed(typed: str, fits: bool) -> None:
    assert (ANY.fault_of_beginning(typed) is None) is fits


def test_an_address_may_be_typed_where_addresses_are_allowed() -> None:
    assert ADDRESSES.fault_of_beginning("2606:") is None
    assert ANY.fault_of_beginning("2606:") is not None


@pytest.mark.parametrize("host", ["a9fea9fe.nip.io", "x.a9fea9fe.sslip.io", "www-a9fea9fe.nip.io"])
def test_a_metadata_address_in_hexadecimal_is_refused(host: str) -> None:
    fault = HostnameRule(HostnameContract()).fault(host)
    assert fault is not None and fault.code == "SMCP512"
    assert HostnameRule(HostnameContract()).fault(host.replace("a9fea9fe", "0a1b2c3d")) is None
