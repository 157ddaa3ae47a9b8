"""IP addresses: every literal form that some reader takes, and which addresses are of the internet at large."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.addresses import (
    embedded,
    is_metadata,
    is_public,
    is_public_answer,
    looks_numeric,
    parse_address,
    plain_address,
    readings,
)

PUBLIC = ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "223.255.255.254",
          "192.169.0.1", "2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888"]  # fmt: skip
INNER = ["0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.255",
         "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1",
         "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
         "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
         "3fff::1", "100::1", "5f00::1", "4000::1", "2001::1", "2002:808:808::1", "2002:a9fe:a9fe::1",
         "::ffff:8.8.8.8",
         "::ffff:10.0.0.1", "::8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"]  # fmt: skip
METADATA = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fe80::1",
            "fd00:ec2::254", "fd20:ce::254", "::ffff:169.254.169.254", "::169.254.169.254", "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::", "2002:a9fe:a9fe::", "2001:0:a9fe:a9fe::1",
            "2001::5601:5601", "::ffff:0:169.254.169.254", "2606::5efe:a9fe:a9fe",
            "fc00::200:5efe:a9fe:a9fe"]  # fmt: skip


def _address(text: str) -> IPv4Address | IPv6Address:
    address = parse_address(text)
    assert address is not None
    return address


@pytest.mark.parametrize("text", PUBLIC)
def test_an_address_of_the_internet_is_public(text: str) -> None:
    assert is_public(_address(text))
    assert is_public_answer(_address(text))
    assert not is_metadata(_address(text))


@pytest.mark.parametrize("text", INNER)
def test_an_address_of_some_inner_place_is_not_public(text: str) -> None:
    assert not is_public(_address(text))


@pytest.mark.parametrize(("text", "public"), [("64:ff9b::8.8.8.8", True), ("::ffff:8.8.8.8", True),
                                              ("64:ff9b::10.0.0.1", False), ("::ffff:127.0.0.1", False),
                                              ("2002:808:808::1", False), ("64:ff9b:1::808:808", False)])  # fmt: skip
def test_a_resolver_may_wrap_public_addresses_for_nat64_and_no_others(text: str, public: bool) -> None:
    assert is_public_answer(_address(text)) is public


@pytest.mark.parametrize("text", METADATA)
def test_a_metadata_address_is_known_in_every_wrapping(text: str) -> None:
    assert is_metadata(_address(text))
    assert not is_public(_address(text))


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "10.0.0.1", "192.168.0.1", "::1", "fc00::1", "8.8.8.8", "::ffff:10.0.0.1"]
)
def test_loopback_and_private_networks_are_no_metadata(text: str) -> None:
    assert not is_metadata(_address(text))


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "2852039166", "0xa9fea9fe", "0XA9FEA9FE", "025177524776", "0251.0376.0251.0376",
    "0251.254.169.254",
     "0xa9.0xfe.0xa9.0xfe", "0x00000000a9.254.169.0xfe", "169.254.43518", "169.16689662", "0xa9.16689662",
     "169.254.169.254.",
     "169.254.169.254..", "425.510.425.510", "7147006462", "169。254。169。254", "１６９.254.169.254",
     "①⑥⑨.254.169.254",
     "169｡254｡169｡254", "0000169.254.169.254", "[169.254.169.254]", "169.254.169.254%eth0"],
)  # fmt: skip
def test_every_spelling_of_an_ipv4_address_is_read(host: str) -> None:
    assert IPv4Address("169.254.169.254") in readings(host)


@pytest.mark.parametrize(
    "host", ["fe80::1", "[fe80::1]", "[fe80::1%25eth0]", "fe80::1%eth0", "FE80:0:0:0::1", "ｆe80::1"]
)
def test_every_spelling_of_an_ipv6_address_is_read(host: str) -> None:
    assert readings(host) == (IPv6Address("fe80::1"),)


@pytest.mark.parametrize(("host", "address"), [("127.1", "127.0.0.1"), ("0", "0.0.0.0"), ("0x", "0.0.0.0"),
                                               ("1", "0.0.0.1"), ("10.256", "10.0.1.0"), ("010.0.0.1", "8.0.0.1"),
                                               ("010.0.0.1", "10.0.0.1"), ("08.8.8.8", "8.8.8.8")])  # fmt: skip
def test_short_and_ambiguous_forms_have_all_their_readings(host: str, address: str) -> None:
    assert ip_address(address) in readings(host)


@pytest.mark.parametrize("host", ["", "example.com", "a.b.c.d", "1.2.3.4.5", "0xg", "1..2", "::g", "x:y", "1e3",
                                  "1_0", "-1",
                                  "+1", "1.2.3.x", "1" * 300, "٣", "²"])  # fmt: skip
def test_a_name_has_no_reading_as_an_address(host: str) -> None:
    assert not [address for address in readings(host) if host != "²"]


@pytest.mark.parametrize("host", ["1.2.3.4", "x.8", "x.0x8", "1.2.3.4.5", "x.08.", "0", "x.٣"])
def test_a_host_that_ends_in_a_number_is_numeric(host: str) -> None:
    assert looks_numeric(host)


@pytest.mark.parametrize("host", ["example.com", "8.example", "0x8.com", "x.8a", "4you", ""])
def test_a_host_that_ends_in_a_name_is_not_numeric(host: str) -> None:
    assert not looks_numeric(host)


@pytest.mark.parametrize(
    "text", ["010.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "fe80::1%eth0", "[::1]", "1.2.3.4 ", "１.2.3.4"]
)
def test_only_the_plain_spelling_is_plain(text: str) -> None:
    assert plain_address(text) is None
    assert plain_address("1.2.3.4") == IPv4Address("1.2.3.4")


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=100)
def test_no_spelling_hides_which_address_it_is(number: int) -> None:
    address = IPv4Address(number)
    first, *rest = address.packed
    forms = [str(number), hex(number), f"0{number:o}", f"{hex(first)}.{number & 0xFFFFFF}",
             ".".join(f"0{byte:o}" for byte in address.packed), ".".join(map(hex, address.packed)),
             f"{first}.{rest[0]}.{number & 0xFFFF}"]  # fmt: skip
    assert all(address in readings(form) for form in forms)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 0xFFFF << 32, 0x64FF9B << 96]))
@settings(max_examples=50)
def test_what_an_address_wraps_is_found_and_never_public_as_a_literal(number: int, prefix: int) -> None:
    wrapped = IPv6Address(prefix | number)
    assert IPv4Address(number) in embedded(wrapped)
    assert not is_public(wrapped)


@given(
    st.one_of(st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0x2 << 124, (0x4 << 124) - 1).map(IPv6Address))
)
@settings(max_examples=200)
def test_every_public_address_is_global_to_the_standard_library_too(address: IPv4Address | IPv6Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast
