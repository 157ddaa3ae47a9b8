"""What headers tell before a body is read: Host, Origin, sizes, encodings, repeated fields, and who really sends."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from smcp_security.checks import transport
from smcp_security.checks.http import Http, read_headers
from smcp_security.checks.rung import Context
from smcp_security.checks.transport import MAX_HEADER_BYTES, MAX_HEADER_FIELDS, MAX_URL, client_address, network_of
from smcp_security.policy import ServerPolicy
from tests.envelopes import PLAIN, climb, codes, http, without

Fields = list[tuple[str, str]]


def _judge(fields: Fields, *, method: str = "POST", **server: Any) -> list[str]:
    rung = transport.build(ServerPolicy(**server))
    return codes(climb(rung(Context(http=http(fields, method=method)))))


def _with(*fields: tuple[str, str]) -> Fields:
    return [*PLAIN, *fields]


def _host(*names: str) -> Fields:
    return [*(("host", name) for name in names), ("content-type", "application/json")]


def test_a_plain_request_to_a_loopback_name_passes() -> None:
    assert _judge(list(PLAIN)) == []


def test_a_message_handed_over_in_process_has_no_headers_to_judge() -> None:
    assert codes(climb(transport.build(ServerPolicy())(Context()))) == []


@pytest.mark.parametrize(
    "name",
    ["localhost", "LOCALHOST", "localhost:8000", "127.0.0.1", "127.0.0.1:65535", "[::1]", "[::1]:8000", " localhost "],
)
def test_loopback_names_on_any_port_are_served_by_default(name: str) -> None:
    assert _judge(_host(name)) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "attacker.example",
        "attacker.example:8000",
        "0.0.0.0",
        "0.0.0.0:6277",
        "[::]",
        "localhost.attacker.example",
        "127.0.0.1.nip.io",
        "127.0.0.2",
        "127.1",
        "2130706433",
        "0x7f000001",
        "localhost@attacker.example",
        "attacker.example@localhost",
        "localhost:8000@x",
        "localhost:80:80",
        "localhost:x",
        "localhost:８０",
        "localhost.",
        "localhost, attacker.example",
        "localhost/",
        "localhost#",
        "//localhost",
        "[::1",
        "::1",
        "[::ffff:127.0.0.1]",
        "localhost\t.attacker.example",
        "ｌocalhost".encode().decode("latin-1"),
        "*",
        "null",
        "localhost:-1",
    ],
)
def test_any_other_host_is_refused(name: str) -> None:
    assert _judge(_host(name.encode("utf-8").decode("latin-1"))) == ["SMCP101"]


def test_a_request_must_name_exactly_one_host() -> None:
    assert _judge(_host()) == ["SMCP101"]
    assert _judge(_host("localhost", "localhost")) == ["SMCP101"]
    assert _judge(_host("localhost", "attacker.example")) == ["SMCP101"]


@pytest.mark.parametrize(
    ("listed", "name", "allowed"),
    [
        ("mcp.example.com", "mcp.example.com", True),
        ("mcp.example.com", "MCP.Example.COM", True),
        ("mcp.example.com", "mcp.example.com:443", True),
        ("mcp.example.com", "mcp.example.com:80", True),
        ("mcp.example.com", "mcp.example.com:8080", False),
        ("mcp.example.com:8080", "mcp.example.com:8080", True),
        ("mcp.example.com:8080", "mcp.example.com", False),
        ("mcp.example.com:*", "mcp.example.com:1234", True),
        ("mcp.example.com:*", "mcp.example.com", True),
        ("mcp.example.com:*", "evil-mcp.example.com:1", False),
        ("mcp.example.com:*", "mcp.example.com.evil:1", False),
        ("mcp.example.com", "localhost", False),
        ("*", "anything.example", True),
        ("*", "", False),
    ],
)
def test_listed_hosts_and_no_others_are_served(listed: str, name: str, allowed: bool) -> None:
    assert _judge(_host(name), hosts=[listed]) == ([] if allowed else ["SMCP101"])


def test_an_empty_list_of_hosts_or_origins_means_nobody() -> None:
    assert _judge(list(PLAIN), hosts=[]) == ["SMCP101"]
    assert _judge(_with(("origin", "http://localhost")), origins=[]) == ["SMCP102"]
    assert _judge(list(PLAIN), origins=[]) == []


@pytest.mark.parametrize(
    "origin", ["http://localhost", "http://localhost:3000", "https://127.0.0.1:8443", "http://[::1]:5"]
)
def test_pages_of_this_machine_may_call_by_default(origin: str) -> None:
    assert _judge(_with(("origin", origin))) == []


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://attacker.example",
        "https://localhost.attacker.example",
        "http://localhost@attacker.example",
        "file://",
        "file://localhost",
        "chrome-extension://localhost",
        "localhost",
        "//localhost",
        "http://0.0.0.0:8000",
        "http://localhost:3000/",
        "http://localhost:3000/path",
        "ws://localhost",
        "http://localhost http://attacker.example",
        "javascript://localhost",
        "http:localhost",
        "http://127.0.0.1.nip.io",
    ],
)
def test_any_other_page_is_refused(origin: str) -> None:
    assert _judge(_with(("origin", origin))) == ["SMCP102"]


def test_two_origins_are_refused_even_if_each_may_call() -> None:
    assert _judge(_with(("origin", "http://localhost"), ("Origin", "http://localhost"))) == ["SMCP102"]


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://app.example.com", True),
        ("https://app.example.com:443", True),
        ("https://APP.example.com", True),
        ("http://app.example.com", False),
        ("https://app.example.com:80", False),
        ("https://app.example.com:8443", False),
        ("https://xapp.example.com", False),
        ("http://localhost", False),
    ],
)
def test_listed_origins_and_no_others_may_call(origin: str, allowed: bool) -> None:
    found = _judge(_with(("origin", origin)), origins=["https://app.example.com"])
    assert found == ([] if allowed else ["SMCP102"])


def test_too_many_header_fields_are_refused() -> None:
    few = [(f"x-{place}", "") for place in range(MAX_HEADER_FIELDS - len(PLAIN))]
    assert _judge(_with(*few)) == []
    assert _judge(_with(*few, ("x-more", ""))) == ["SMCP103"]
    # One name repeated counts each time.
    assert _judge(_with(*[("x", "")] * MAX_HEADER_FIELDS)) == ["SMCP103"]


def test_a_url_without_an_end_is_refused() -> None:
    rung = transport.build(ServerPolicy())
    for length, found in ((MAX_URL - 4, []), (MAX_URL, ["SMCP103"])):
        assert codes(climb(rung(Context(http=replace(http(), query="q" * length))))) == found


def test_too_many_header_bytes_are_refused() -> None:
    assert _judge(_with(("x", "y" * (MAX_HEADER_BYTES - 200)))) == []
    assert _judge(_with(("x", "y" * MAX_HEADER_BYTES))) == ["SMCP103"]
    assert _judge(_with(("y" * MAX_HEADER_BYTES, ""))) == ["SMCP103"]


@pytest.mark.parametrize(
    "name", ["authorization", "content-type", "content-length", "content-encoding", "mcp-session-id", "last-event-id"]
)
def test_a_header_that_decides_something_may_come_once(name: str) -> None:
    value = {"content-length": "0", "content-type": "application/json", "content-encoding": "identity"}.get(name, "a")
    once = without(list(PLAIN), name)
    assert _judge([*once, (name, value)]) == []
    assert _judge([*once, (name, value), (name.title(), value)]) == ["SMCP107"]


def test_headers_that_decide_nothing_may_be_repeated() -> None:
    assert _judge(_with(("accept", "a"), ("accept", "b"), ("cookie", "a"), ("cookie", "b"))) == []


def test_a_body_framed_in_two_ways_is_refused() -> None:
    assert _judge(_with(("transfer-encoding", "chunked"))) == []
    assert _judge(_with(("content-length", "5"))) == []
    assert _judge(_with(("transfer-encoding", "chunked"), ("content-length", "5"))) == ["SMCP107"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "CONNECT", "post", "Get", "", "PROPFIND", "QUERY"])
def test_a_method_that_mcp_does_not_use_is_refused(method: str) -> None:
    assert _judge(list(PLAIN), method=method) == ["SMCP108"]


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS"])
def test_only_a_post_has_a_body(method: str) -> None:
    bare = [("host", "localhost")]
    assert _judge(bare, method=method) == []
    assert _judge([*bare, ("content-length", "0")], method=method) == []
    assert _judge([*bare, ("content-length", "1")], method=method) == ["SMCP109"]
    assert _judge([*bare, ("transfer-encoding", "chunked")], method=method) == ["SMCP109"]


@pytest.mark.parametrize("encoding", ["identity", "Identity", "", " identity "])
def test_a_plain_body_passes(encoding: str) -> None:
    assert _judge(_with(("content-encoding", encoding))) == []


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "zstd", "identity, gzip", "deflate", "x", "identity,"])
def test_a_compressed_body_is_refused(encoding: str) -> None:
    assert _judge(_with(("content-encoding", encoding))) == ["SMCP105"]


def _typed(content_type: str | None) -> list[str]:
    return _judge([("host", "localhost"), *([("content-type", content_type)] if content_type is not None else [])])


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        'application/json; charset="UTF-8"',
        "application/json; charset=utf8",
        " application/json ",
        "application/json;",
        "application/json; profile=x",
    ],
)
def test_json_in_utf_8_passes(content_type: str) -> None:
    assert _typed(content_type) == []


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/plain; application/json",
        "application/json-rpc",
        "application/jsonx",
        "xapplication/json",
        "application/json, text/plain",
        "application/json; charset=utf-16",
        "application/json; charset=utf-7",
        "application/json; charset=latin-1",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json; charset",
        "application/json; CHARSET = utf-16",
        "application/json;charset='utf-16'",
        "multipart/form-data",
        "*/*",
        "application/x-www-form-urlencoded",
        "application/json; charset*=utf-16''x",
        "application /json",
    ],
)
def test_any_other_type_of_body_is_refused(content_type: str | None) -> None:
    assert _typed(content_type) == ["SMCP106"]


@pytest.mark.parametrize(
    ("length", "found"),
    [
        ("0", []),
        ("1000", []),
        ("001000", []),
        (" 7 ", []),
        ("1001", ["SMCP104"]),
        ("9" * 15, ["SMCP104"]),
        ("9" * 1000, ["SMCP104"]),
        ("-1", ["SMCP107"]),
        ("+1", ["SMCP107"]),
        ("1,1", ["SMCP107"]),
        ("0x1", ["SMCP107"]),
        ("1.0", ["SMCP107"]),
        ("\xb2", ["SMCP107"]),
        ("1_0", ["SMCP107"]),
        ("1 0", ["SMCP107"]),
    ],
)
def test_a_declared_length_is_a_number_within_the_limit(length: str, found: list[str]) -> None:
    assert _judge(_with(("content-length", length)), max_body=1000) == found


NAMES = st.sampled_from(["host", "Origin", "content-type", "content-length", "transfer-encoding", "accept", "x"])


@given(
    st.lists(st.tuples(NAMES, st.text(st.characters(max_codepoint=255), max_size=20)), max_size=8), st.text(max_size=8)
)
def test_no_headers_at_all_make_the_rung_raise(fields: Fields, method: str) -> None:
    assert len(_judge(fields, method=method)) <= 1


def _address(forwarded: Fields, peer: str = "10.0.0.1", trusted: tuple[Any, ...] = (ip_network("10.0.0.0/8"),)) -> str:
    raw = [(name.encode(), value.encode()) for name, value in forwarded]
    return client_address(Http("POST", "/mcp", read_headers(raw), peer), trusted)


@pytest.mark.parametrize(
    ("forwarded", "peer", "address"),
    [
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "198.51.100.1"),
        ("1.1.1.1, 203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("203.0.113.9, 10.0.0.7", "10.0.0.1", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9, 10.0.0.7", "10.0.0.1", "203.0.113.9"),
        ("10.0.0.3", "10.0.0.1", "10.0.0.3"),
        ("203.0.113.9:4711", "10.0.0.1", "203.0.113.9"),
        ("[2001:db8::1]:4711", "10.0.0.1", "2001:db8::1"),
        ("2001:db8::1", "10.0.0.1", "2001:db8::1"),
        ("::ffff:203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("unknown", "10.0.0.1", "10.0.0.1"),
        ("", "10.0.0.1", "10.0.0.1"),
        ("203.0.113.9,", "10.0.0.1", "10.0.0.1"),
        ("203.0.113.9, x", "10.0.0.1", "10.0.0.1"),
    ],
)
def test_only_trusted_proxies_are_believed(forwarded: str, peer: str, address: str) -> None:
    assert _address([("x-forwarded-for", forwarded)], peer) == address


def test_a_repeated_forwarding_header_is_not_believed() -> None:
    assert _address([("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "2.2.2.2")]) == "10.0.0.1"


def test_a_proxy_behind_a_unix_socket_is_believed_only_if_the_policy_says_so() -> None:
    assert _address([("x-forwarded-for", "1.1.1.1")], "unix", ("unix",)) == "1.1.1.1"
    assert _address([("x-forwarded-for", "1.1.1.1")], "unix") == "unix"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
        ("", ""),
        ("not an address", "not an address"),
    ],
)
def test_limits_count_one_address_or_one_ipv6_customer(address: str, network: str) -> None:
    assert network_of(address) == network
