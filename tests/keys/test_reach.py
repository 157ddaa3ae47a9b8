"""Which addresses count as public: everything special that IANA lists is told from the internet at large."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.keys.reach import is_loopback, is_private, is_public, parse_address

PUBLIC = ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.0.1", "100.128.0.1", "223.255.255.254",
          "2606:4700::1111", "2a00:1450::1", "64:ff9b::8.8.8.8", "2002:808:808::1", "::ffff:8.8.8.8"]  # fmt: skip
PRIVATE = ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255", "127.0.0.1",
           "127.255.255.255", "::1", "fc00::1", "fdff::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1",
           "64:ff9b::127.0.0.1", "2002:a00:1::1", "2002:7f00:1::1"]  # fmt: skip
NOBODY = ["0.0.0.0", "0.1.2.3", "169.254.169.254", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1",
          "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "fe80::1",
          "fe80::1%eth0", "ff02::1", "fec0::1", "2001::1", "2001:db8::1", "3fff::1", "5f00::1", "100::1",
          "64:ff9b:1::1", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1", "::7f00:1",
          "4000::1"]  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC)
def test_an_address_of_the_internet_is_public(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert (is_public(address), is_private(address)) == (True, False)


@pytest.mark.parametrize("text", PRIVATE)
def test_an_address_of_an_own_network_is_private_in_every_spelling(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert (is_public(address), is_private(address)) == (False, True)


@pytest.mark.parametrize("text", NOBODY)
def test_an_address_that_is_nobodys_is_neither_public_nor_private(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert (is_public(address), is_private(address), is_loopback(address)) == (False, False, False)


@pytest.mark.parametrize(("text", "loopback"), [("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", True),
                                                ("10.0.0.1", False), ("8.8.8.8", False)])  # fmt: skip
def test_loopback_is_this_machine_and_nothing_else(text: str, loopback: bool) -> None:
    address = parse_address(text)
    assert address is not None
    assert is_loopback(address) is loopback


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f.0.0.1", "1.2.3.4.5", "::g", "010.0.0.1"])
def test_what_is_no_address_is_not_taken_for_one(text: str) -> None:
    assert parse_address(text) is None


@given(st.integers(0, 2**32 - 1))
def test_what_an_ipv4_address_is_does_not_depend_on_how_ipv6_wraps_it(number: int) -> None:
    plain = IPv4Address(number)
    wrapped = [IPv6Address(0xFFFF << 32 | number), IPv6Address((0x64FF9B << 96) | number),
               IPv6Address(0x2002 << 112 | number << 80)]  # fmt: skip
    assert {is_public(address) for address in wrapped} == {is_public(plain)}
    assert {is_private(address) for address in wrapped} == {is_private(plain)}


@given(st.ip_addresses())
def test_no_address_is_public_and_private_at_once(address: IPv4Address | IPv6Address) -> None:
    assert not (is_public(address) and is_private(address))


@given(st.ip_addresses(v=4))
def test_what_python_calls_special_is_never_public(address: IPv4Address) -> None:
    special = address.is_private or address.is_multicast or address.is_reserved or address.is_unspecified
    assert not (is_public(address) and (special or address.is_link_local or address.is_loopback))
