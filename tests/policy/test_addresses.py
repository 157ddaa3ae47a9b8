"""Hosts, origins, paths and networks of the server section."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from smcp_security.policy.addresses import parse_host, parse_method, parse_origin, parse_path, parse_proxy


@pytest.mark.parametrize(
    ("written", "host"),
    [("MCP.Example.com", "mcp.example.com"), ("a:8443", "a:8443"), ("localhost:*", "localhost:*"), ("[::1]", "[::1]"),
     ("[::1]:80", "[::1]:80"), ("*", "*"), ("10.0.0.1", "10.0.0.1"), ("my_service", "my_service"),
     ("xn--bcher-kva.example", "xn--bcher-kva.example")],
)  # fmt: skip
def test_a_host_name_is_taken_in_lower_case(written: str, host: str) -> None:
    assert parse_host(written) == host


@pytest.mark.parametrize(
    "written",
    ["https://a", "a/b", "*.example.com", "bücher.example", "a:0", "a:65536", "a:b", "a b", "", "[::x]", "[127.0.0.1]",
     "0.0.0.0", "0.0.0.0:80", "[::]", "user@a", "a\n", "-a", "a..b", 3, None],
)  # fmt: skip
def test_what_no_client_may_send_as_host_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected a host name"):
        parse_host(written)


@pytest.mark.parametrize(
    ("written", "origin"),
    [("https://App.example.com", "https://app.example.com"), ("https://a:443", "https://a"), ("http://a:80", "http://a"),
     ("http://a:443", "http://a:443"), ("http://localhost:*", "http://localhost:*"), ("http://[::1]:3", "http://[::1]:3"),
     ("vscode-webview://id", "vscode-webview://id")],
)  # fmt: skip
def test_an_origin_is_spelled_as_browsers_send_it(written: str, origin: str) -> None:
    assert parse_origin(written) == origin


@pytest.mark.parametrize(
    "written", ["null", "*", "app.example.com", "https://a/", "https://a/x", "https://", "https://0.0.0.0", 1]
)
def test_what_is_no_origin_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected an origin"):
        parse_origin(written)


@pytest.mark.parametrize(("written", "path"), [("/mcp", "/mcp"), ("/mcp/", "/mcp"), ("/", "/"), ("/a/b.c", "/a/b.c")])
def test_a_path_loses_its_trailing_slash(written: str, path: str) -> None:
    assert parse_path(written) == path


@pytest.mark.parametrize(
    "written", ["mcp", "", "//mcp", "/a//b", "/a/../b", "/.", "/a?b", "/a#b", "/%6dcp", "/a b", "/a\\b"]
)
def test_a_path_that_is_read_in_two_ways_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="expected an absolute path"):
        parse_path(written)


@pytest.mark.parametrize("written", ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1"])
def test_a_proxy_is_a_network_or_an_address(written: str) -> None:
    assert parse_proxy(written) == ip_network(written)


def test_a_proxy_may_be_the_unix_socket() -> None:
    assert parse_proxy("unix") == "unix"


@pytest.mark.parametrize("written", ["proxy.example.com", "10.0.0.0/33", "", 10, None, True, "UNIX"])
def test_what_is_no_network_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected a network"):
        parse_proxy(written)


def test_a_network_with_host_bits_names_the_network_that_was_meant() -> None:
    with pytest.raises(ValueError, match=r"did you mean 10\.0\.0\.0/8\?"):
        parse_proxy("10.0.0.1/8")


@pytest.mark.parametrize("written", ["0.0.0.0/0", "::/0"])
def test_a_network_of_all_addresses_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="every client choose its own"):
        parse_proxy(written)


@pytest.mark.parametrize("written", ["tasks/*", "x-vendor/thing", "$/progress", "a"])
def test_a_method_glob_is_taken_as_it_is(written: str) -> None:
    assert parse_method(written) == written


@pytest.mark.parametrize("written", ["", "/x", "a//b", "a b", 3, "a" * 65])
def test_what_is_no_method_glob_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected a method"):
        parse_method(written)
