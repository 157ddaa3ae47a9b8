"""URLs: only what all readers take for the same host passes, and only to hosts that the policy allows."""

from __future__ import annotations

from ipaddress import IPv4Address
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.contract import HostLookup
from smcp_security.contracts.url import UrlRule
from smcp_security.policy.contracts import UrlContract

ANY = UrlRule(UrlContract())
OPEN = UrlRule(UrlContract(public_only=False))
OWN = UrlRule(UrlContract(schemes=("https",), hosts=("*.example.com", "api.test.org", "8.8.8.8"), ports=(443, 8443)))

HONEST = [
    "https://example.com", "http://example.com/a/b?x=1&y=2#f", "HTTPS://Example.COM/x", "https://medium.com/@user",
    "https://example.com:443/", "http://example.com:80", "https://8.8.8.8/", "https://[2606:4700::1111]:443/x",
    "https://bücher.example/x", "https://xn--bcher-kva.example/", "https://de.wikipedia.org/wiki/Köln",
    "https://a.bc/%20x",
    "https://gitlab.com/api/v4/projects/g%2Fp", "https://x.org/a/../b", "https://x.org/?q=a%0Ab",
    "https://x.org/a;b=1",
    "https://x.org/?u=https%3A%2F%2Fy.org%2F", "https://x_y.s3.amazonaws.com/", "https://x.org/?a=b@c",
    "https://x.org/('x')!*$",
    "https://release-10-2-0-1.example.com", "https://r3---sn-x.googlevideo.com/", "https://x.org/v1...v2",
    "https://x.org?a=1",
    "https://x.org/#/a/b", "https://x.org/100%25", "https://x.org/?redirect=http://localhost:3000/",
    "https://x.org/~u/",
]  # fmt: skip
INNER = [
    "http://169.254.169.254/metadata/identity/oauth2/token", "http://2852039166", "http://0251.0376.0251.0376/",
    "http://0xa9fea9fe/", "http://0xa9.0xfe.0xa9.0xfe", "http://169.254.43518", "http://127.1",
    "http://127.0.0.1:8000/",
    "http://0", "http://0.0.0.0", "http://[::1]/", "http://[::]/", "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:8.8.8.8]",
    "http://[::127.0.0.1]", "http://[0:0:0:0:0:ffff:127.0.0.1]/", "http://[64:ff9b::808:808]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:a9fe:a9fe::]/", "http://[2001:0:1::1]/", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/",
    "http://[fd00::1]/", "http://[fec0::1]", "http://100.64.0.1", "http://10.0.0.1", "http://192.168.1.1:8080/",
    "http://172.16.0.1", "http://224.0.0.1", "http://255.255.255.255", "http://198.18.0.1", "http://192.0.2.1",
    "http://127.0.0.1./", "http://127。0。0。1/", "http://１２７.0.0.1/", "http://①②⑦.0.0.1/", "http://localhost",
    "http://localhost.", "http://LOCALHOST:3000/", "http://x.localhost", "http://printer.local",
    "http://metadata.google.internal/",
    "http://intranet", "http://db.svc.cluster.local", "http://169.254.169.254.nip.io", "http://127.0.0.1.nip.io",
    "http://192-168-0-1.nip.io", "http://168.63.129.16/", "http://425.510.425.510/", "http://0177.1",
    "http://010.8.8.8/x",
    "https://x.org/?u=http://169.254.169.254/", "https://x.org/?u=http%3A%2F%2F2852039166%2F",
]  # fmt: skip
CROOKED = [
    "", "example.com", "//example.com", "http:example.com", "http:/example.com", "http:///example.com", "http://",
    "http://?",
    "http:\\\\example.com", "http://example.com\\x", "http://example.com\\@example.org", "http://a@example.com/",
    "http://a:b@example.com/", "http://good.org@evil.org", "http://a@b@example.com", "http://@example.com",
    "http://a%40b.com/",
    "http://example.com:/", "http://example.com:080/", "http://example.com:99999/", "http://example.com:0/",
    "http://example.com:80:80/",
    "http://example.com:8080/", "http://example.com:٨٠/", "http://example.com:+80/", "http://exa%6dple.com/",
    "http://%31.org",
    "http://x.org#@y.org", "http://x.org?@y.org", "http://x..org", "http://.x.org", "http://x.org./", "http://-x.org",
    "http://[v1.x]/", "http://[x.org]/", "http://[2606:4700::1111]x/", "http://[2606:4700::1111",
    "http://2606:4700::1111/",
    "http://ｅxample.com", "http://exam\u00adple.com", "http://faß.de", "http://xn--localhost-.com",
    "http://xn--a.com",
    "http://x.8", "http://8.8.8.8.8", "http://08.8.8.8", "http://8.8.2056", "http://134744072", "http://x$y.org",
    "http://x,y.org",
    "http://x.org/a b", "http://x.org/\r\nX: y", "http://x.org\t/", "ht\ntp://x.org", " http://x.org",
    "http://x.org\n", "http://x\u200b.org",
    "http://x.org/a|b", "http://x.org/<x>", "http://x.org/%zz", "http://x.org/%", "http://x.org/%00",
    "http://x.org/%0d%0aX:y",
    "http://x.org/%250d%250aX:y", "http://x.org/%2e%2e/x", "http://x.org/..%2fx", "http://x.org/.%2e/x",
    "http://x.org/../x",
    "http://x.org/a/../../x", "http://x.org/..;/x", "http://x.org/．．/x", "http://x.org/%c0%ae%c0%ae/",
    "ftp://x.org/", "file:///etc/passwd", "file://x.org/", "gopher://x.org/", "javascript://x.org/%0aalert(1)",
    "data:text/html,x",
    "jar:http://x.org!/x", "view-source:http://x.org", "url:http://x.org",
]  # fmt: skip


@pytest.mark.parametrize("url", HONEST)
def test_an_honest_url_passes(url: str) -> None:
    assert ANY.fault(url) is None


@pytest.mark.parametrize("url", INNER)
def test_a_url_to_an_address_that_is_not_public_is_refused_in_every_spelling(url: str) -> None:
    fault = ANY.fault(url)
    assert fault is not None
    assert fault.code == "SMCP512"


@pytest.mark.parametrize("url", CROOKED)
def test_a_url_that_readers_may_take_differently_is_refused(url: str) -> None:
    fault = ANY.fault(url)
    assert fault is not None
    assert fault.code in ("SMCP511", "SMCP512")


def test_a_policy_may_allow_inner_hosts_in_their_plain_spelling() -> None:
    assert OPEN.fault("http://localhost/") is None
    assert OPEN.fault("http://10.0.0.1/") is None
    assert OPEN.fault("http://[::1]/") is None
    for odd in (
        "http://127.1/",
        "http://2852039166/",
        "http://localhost./",
        "http://[::1%25lo]/",
        "http://a@localhost/",
    ):
        fault = OPEN.fault(odd)
        assert fault is not None
        assert fault.code == "SMCP511"
    assert OPEN.lookups("http://localhost/") == ()


@pytest.mark.parametrize(
    ("url", "fits"),
    [("https://a.example.com", True), ("https://a.b.example.com:8443/", True), ("https://API.test.org/", True),
    ("https://8.8.8.8/", True),
     ("https://example.com", False), ("https://evil-example.com", False), ("https://a.example.com.evil.org", False),
     ("https://a.example.com:80", False), ("https://a.example.com:8444", False), ("http://a.example.com", False),
     ("https://8.8.4.4", False), ("https://api.test.org.", False), ("https://evil.org/a.example.com", False),
     ("https://evil.org?a.example.com", False), ("https://evil.org#.example.com", False)],
)  # fmt: skip
def test_only_hosts_and_ports_that_the_policy_names_pass(url: str, fits: bool) -> None:
    assert (OWN.fault(url) is None) is fits


@pytest.mark.parametrize(("hosts", "ports", "url", "fits"), [
    (None, None, "https://x.org:8443/", False), (None, None, "https://x.org:443/", True), (None, None,
    "http://x.org:443/", False),
    (("x.org",), None, "https://x.org:8443/", True), (("x.org",), None, "https://x.org:0/", False),
    (None, (8443,), "https://x.org:8443/", True), (None, (8443,), "https://x.org/", False), ((), None,
    "https://x.org/", False),
])  # fmt: skip
def test_the_port_is_the_scheme_s_own_unless_the_policy_says_more(
    hosts: tuple[str, ...] | None, ports: tuple[int, ...] | None, url: str, fits: bool
) -> None:
    assert (UrlRule(UrlContract(hosts=hosts, ports=ports)).fault(url) is None) is fits


def test_a_long_url_is_refused_before_anything_else() -> None:
    fault = UrlRule(UrlContract(max_length=20)).fault("http://169.254.169.254/")
    assert fault is not None
    assert fault.code == "SMCP517"


def test_a_refusal_says_what_is_accepted_and_nothing_of_the_value() -> None:
    fault = OWN.fault("http://secret-value.example.org/")
    assert fault is not None
    assert "https://" in fault.accepted
    assert "8443" in fault.accepted
    assert "secret-value" not in fault.accepted


def test_a_name_is_asked_for_and_a_literal_address_is_not() -> None:
    assert ANY.lookups("https://Bücher.example/x") == (HostLookup("xn--bcher-kva.example"),)
    assert ANY.lookups("https://8.8.8.8/") == ()
    assert UrlRule(UrlContract(resolve=False)).lookups("https://example.com/") == ()


@pytest.mark.parametrize(
    ("addresses", "code"),
    [(("8.8.8.8",), None), (("8.8.8.8", "2606:4700::1111"), None), (("64:ff9b::8.8.8.8",), None), ((), "SMCP519"),
     (("8.8.8.8", "127.0.0.1"), "SMCP512"), (("169.254.169.254",), "SMCP512"), (("fe80::1%eth0",), "SMCP512"),
     (("::ffff:10.0.0.1",), "SMCP512"), (("64:ff9b::a00:1",), "SMCP512"), (("2002:808:808::1",), "SMCP512"),
     (("nonsense",), "SMCP519")],
)  # fmt: skip
def test_every_address_that_a_name_has_must_be_public(addresses: tuple[str, ...], code: str | None) -> None:
    fault = ANY.fault_found("https://rebind.example.com/", (addresses,))
    assert (None if fault is None else fault.code) == code


def test_no_answer_at_all_leaves_a_url_unresolved() -> None:
    fault = ANY.fault_found("https://example.com/", ())
    assert fault is not None
    assert fault.code == "SMCP519"
    assert ANY.fault_found("https://8.8.8.8/", ()) is None


@pytest.mark.parametrize("typed", ["", "h", "https", "https:", "https:/", "https://", "https://ex", "http://10",
                                   "http://x.org:8",
                                   "https://x.org/", "https://x.org/a%2", "https://[2606:", "HTTP://X"])  # fmt: skip
def test_a_url_that_may_still_come_right_is_a_beginning(typed: str) -> None:
    assert ANY.fault_of_beginning(typed) is None


@pytest.mark.parametrize("typed", ["x", "ftp", "file:", "https:x", "http:\\", "https://a@", "https://a b",
                                   "https://%", "http://x.org/../",
                                   "http://169.254.169.254", "http://localhost/", "http://2852039166", "https://x\\",
                                   "h" * 3000])  # fmt: skip
def test_a_url_that_can_no_longer_come_right_is_no_beginning(typed: str) -> None:
    assert ANY.fault_of_beginning(typed) is not None


@given(st.text(alphabet="ab.@:/\\?#[]%016e5- \té。", max_size=24))
@settings(max_examples=300)
def test_what_is_accepted_has_the_host_that_the_standard_library_reads(rest: str) -> None:
    url = f"http://{rest}"
    if OPEN.fault(url) is None:
        split = urlsplit(url)
        assert split.hostname
        assert split.username is None
        assert "@" not in split.netloc


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=100)
def test_an_accepted_address_is_a_public_one(number: int) -> None:
    address = IPv4Address(number)
    if ANY.fault(f"http://{address}/") is None:
        assert address.is_global
    assert ANY.fault(f"http://{number}/") is not None
    assert ANY.fault(f"http://{hex(number)}/") is not None
