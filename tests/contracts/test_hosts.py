"""Hosts that lead to a metadata service are known in every spelling; what developers type every day is none."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.host_names import HostGlobs, ascii_name, embedded_in, read_host
from smcp_security.contracts.hosts import leads_inside

INSIDE = [
    "http://169.254.169.254/latest/meta-data/", "169.254.169.254", "169.254.169.254:80/latest", "//169.254.169.254/x",
    "http://2852039166/", "2852039166", "http://0xa9fea9fe", "http://0251.0376.0251.0376/", "http://169.254.43518/",
    "http://425.510.425.510/", "http://169。254。169。254/", "http://１６９.254.169.254/",
    "http://%31%36%39.254.169.254/",
    "http://169%2e254%2e169%2e254/", "http://169.254.169.254./", "http://[::ffff:169.254.169.254]/",
    "http://[fe80::1]/",
    "http://[::ffff:a9fe:a9fe]:80/", "http://[fe80::1%25eth0]/", "http://[fd00:ec2::254]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[64:ff9b::a9fe:a9fe]/", "http://100.100.100.200/", "http://192.0.0.192/", "http://168.63.129.16/",
    "http://metadata.google.internal/computeMetadata/v1/", "METADATA.google.internal", "http://metadata/x",
    "http://metadata.google.internal./", "http://169.254.169.254.nip.io/", "169-254-169-254.sslip.io",
    "http://x.169-254-169-254.nip.io/", "http://a9fea9fe.nip.io", "http://x@169.254.169.254/",
    "http://169.254.169.254@x.org/",
    "http://x.org#@169.254.169.254/", "http://x.org?@169.254.169.254/", "http:169.254.169.254",
    "http:/169.254.169.254",
    "http:///169.254.169.254", "http:\\\\169.254.169.254\\x", "http://x.org\\@169.254.169.254",
    "http://16\t9.254.169.254/",
    " http://169.254.169.254/", "gopher://169.254.169.254:80/_x", "jar:http://169.254.169.254!/x",
    "url:http://169.254.169.254/",
    "https://x.org/?u=http://169.254.169.254/", "https://x.org/?u=http%3A%2F%2F169.254.169.254%2F",
    "HTTP://169.254.169.254",
    "http://" + "a" * 9000 + "@169.254.169.254/", "http://x y@169.254.169.254/",
]  # fmt: skip
OUTSIDE = [
    "", "hello", "a b c", "metadata", "instance-data", "http://localhost:3000/", "http://127.0.0.1:8000/x",
    "http://[::1]:80/",
    "http://192.168.1.1/", "http://10.0.0.1", "https://example.com/", "https://example.com/169.254.169.254",
    "/etc/passwd",
    "https://example.com/?q=169.254.169.254", "see 169.254.169.254 in the docs", "1.2.3.4", "12345", "x:y",
    "https://",
    "deadbeef.preview.dev", "https://metadata.example.com/", "https://example.com/metadata",
    "https://medium.com/@user",
    "C:\\x", "http://[", "http://[::1", "mailto:a@b.org", "see https://x.org for its metadata and https://y.org",
    "release-10-2-0-1.example.com", "%", "http://%ff/",
]  # fmt: skip


@pytest.mark.parametrize("text", INSIDE)
def test_a_metadata_service_is_known_in_every_spelling(text: str) -> None:
    assert leads_inside(text)


@pytest.mark.parametrize("text", OUTSIDE)
def test_honest_hosts_and_texts_lead_nowhere_inside(text: str) -> None:
    assert not leads_inside(text)


@given(
    st.sampled_from(["http://", "https://", "//", "HTTP:/", "ftp://"]), st.sampled_from(INSIDE[4:10]), st.integers(0, 3)
)
@settings(max_examples=30)
def test_schemes_and_escapes_do_not_hide_a_metadata_service(scheme: str, text: str, rounds: int) -> None:
    host = text.removeprefix("http://")
    for _ in range(rounds):
        host = quote(host, safe="/:")
    assert leads_inside(scheme + host)


@pytest.mark.parametrize(("text", "name"), [("Example.COM", "example.com"), ("bücher.example",
        "xn--bcher-kva.example"),
                                            ("Bücher.example", "xn--bcher-kva.example"), ("a_b.example",
                                            "a_b.example"),
                                            ("xn--bcher-kva.example", "xn--bcher-kva.example"), ("a", "a"),
                                            ("пример.рф", "xn--e1afmkfd.xn--p1ai")])  # fmt: skip
def test_a_name_is_brought_to_the_form_of_dns(text: str, name: str) -> None:
    assert ascii_name(text) == name


@pytest.mark.parametrize(
    "text",
    ["", ".", "a.", ".a", "a..b", "-a.b", "a-.b", "a b", "a%2eb", "a/b", "a:b", "a@b", "a" * 64,
    ".".join(["a" * 50] * 6),
     "ｅxample.com", "exam\u00adple.com", "a\u200db.com", "faß.de", "ελλάς.gr", "\u212aa.com", "a。com", "①.com",
     "\u0301a.com",
     "ü" * 60, "xn--a.com", "xn--localhost-.com", "xn--.com", "xn--99999999999.com", "a\u2024b.com", "٣.com",
     "b6--é.com",
     "😀.com"],
)  # fmt: skip
def test_a_name_that_readers_take_differently_is_none(text: str) -> None:
    assert ascii_name(text) is None


@pytest.mark.parametrize("text", ["127.1", "0x7f.0.0.1", "010.0.0.1", "1.2.3", "1.2.3.4.5", "x.8", "[1.2.3.4]",
                                                                                                     "[::1", "::1]",
                                  "::1", "[::1%25e]", "[v1.x]", "[]", "a:b"])  # fmt: skip
def test_an_address_in_an_odd_spelling_is_no_host(text: str) -> None:
    assert read_host(text) is None


def test_an_address_in_its_plain_spelling_is_a_host() -> None:
    literal, short = read_host("[2606:4700:0:0::1]"), read_host("8.8.8.8")
    assert literal is not None
    assert literal.name == "2606:4700::1"
    assert short is not None
    assert short.is_public


def test_addresses_in_names_are_found_but_small_versions_are_none() -> None:
    assert [str(address) for address in embedded_in("1.10.0.0.1.nip.io")] == ["1.10.0.0", "10.0.0.1"]
    assert [str(address) for address in embedded_in("x-192-168-0-1.nip.io")] == ["192.168.0.1"]
    assert list(embedded_in("release-10-2-0-1.example.com")) == []
    assert list(embedded_in("1.2.3.999.example.com")) == []


@pytest.mark.parametrize(
    ("glob", "host", "fits"),
    [("*.example.com", "a.example.com", True), ("*.example.com", "a.b.example.com", True), ("*.example.com",
    "example.com", False),
     ("*.example.com", "evil-example.com", False), ("*.example.com", "a.example.com.evil.org", False),
     (".example.com", "a.example.com", True), (".example.com", "example.com", False), ("Example.com", "EXAMPLE.com",
     True),
     ("*", "a.org", True), ("*", "8.8.8.8", True), ("8.8.8.8", "8.8.8.8", True), ("8.8.8.*", "8.8.8.9", True),
     ("8.8.8.*", "8.8.8.evil.org", False), ("*.com", "8.8.8.8", False), ("2606:4700::1", "[2606:4700:0::1]", True),
     ("[2606:4700::1]", "[2606:4700::1]", True), ("*.bücher.example", "a.xn--bcher-kva.example", True),
     ("*.xn--bcher-kva.example", "a.bücher.example", True), ("example.com", "xample.com", False)],
)  # fmt: skip
def test_a_glob_names_hosts_label_by_label(glob: str, host: str, fits: bool) -> None:
    read = read_host(host)
    assert read is not None
    assert (read in HostGlobs((glob,))) is fits


def test_no_list_of_hosts_is_any_host_and_an_empty_one_is_none() -> None:
    host = read_host("a.org")
    assert host is not None
    assert host in HostGlobs(None)
    assert host not in HostGlobs(())
