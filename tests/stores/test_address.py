"""URLs of stores: what they mean, what is refused, and that no error shows one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.errors import PolicyError
from smcp_security.stores.address import Address, parse_address

TLS = {"ssl_ca_certs": "/etc/ca.pem"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://host", Address("single", (("host", 6379),))),
        ("redis://host:7000/3", Address("single", (("host", 7000),), db=3)),
        ("redis://host?db=3", Address("single", (("host", 6379),), db=3)),
        ("redis://[::1]:7000/", Address("single", (("::1", 7000),))),
        ("redis://[::1]", Address("single", (("::1", 6379),))),
        ("redis://:s%40cret@host/1", Address("single", (("host", 6379),), db=1, password="s@cret")),
        ("redis://ann:pw@host", Address("single", (("host", 6379),), username="ann", password="pw")),
        ("rediss://host?ssl_ca_certs=/etc/ca.pem", Address("single", (("host", 6379),), tls=True, files=TLS)),
        ("unix:///run/redis.sock?db=2", Address("unix", path="/run/redis.sock", db=2)),
        ("unix:///run/redis.sock?password=pw", Address("unix", path="/run/redis.sock", password="pw")),
        (
            "redis+sentinel://a,b:26380/mymaster/2",
            Address("sentinel", (("a", 26379), ("b", 26380)), service="mymaster", db=2),
        ),
        (
            "rediss+sentinel://:pw@a/m?sentinel_password=other",
            Address("sentinel", (("a", 26379),), service="m", tls=True, password="pw", sentinel_password="other"),
        ),
        ("redis+cluster://a:7000,[::1]:7001", Address("cluster", (("a", 7000), ("::1", 7001)))),
    ],
)
def test_a_url_says_where_the_store_is(url: str, expected: Address) -> None:
    assert parse_address(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://:secret@",
        "http://secret",
        "sentinel://secret/m",
        "cluster://secret",
        "redis+unix:///secret",
        "unix+sentinel://secret/m",
        "redis+foo://secret",
        "rediss+redis://secret",
        "redis://secret:0",
        "redis://secret:65536",
        "redis://secret:99999999999999999999",
        "redis://secret:port",
        "redis://secret:+1",
        "redis://secret:",
        "redis://::1:6379",
        "redis://[secret",
        "redis://secret/one",
        "redis://secret/-1",
        "redis://secret/1/2",
        "redis://secret/1?db=x",
        "redis://secret?socket_timeout=100",
        "redis://secret?decode_responses=true",
        "redis://secret?ssl_cert_reqs=none",
        "redis://secret?db=1&db=2",
        "redis://secret?db",
        "redis://secret#fragment",
        "redis://a,secret",
        "redis://secret?ssl_ca_certs=/etc/ca.pem",
        "redis+sentinel://secret",
        "redis+sentinel://secret/m/x",
        "redis+cluster://secret/1",
        "redis+cluster://secret,",
        "unix://secret/path",
        "unix://",
        "unix:///",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(PolicyError, match=r"^store\.url: ") as refused:
        parse_address(url)
    assert "secret" not in str(refused.value)


def test_an_address_never_shows_its_passwords() -> None:
    address = parse_address("redis+sentinel://ann:hidden1@a/m?sentinel_password=hidden2")
    assert "hidden" not in repr(address)


@given(st.sampled_from(["redis", "rediss", "unix", "redis+sentinel", "redis+cluster"]), st.text())
def test_any_text_is_an_address_or_a_policy_error(scheme: str, rest: str) -> None:
    try:
        address = parse_address(f"{scheme}://{rest}")
    except PolicyError:
        return
    assert address.path or all(host and 0 < port < 65536 for host, port in address.hosts)
