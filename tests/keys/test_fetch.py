"""What is fetched from an issuer over a real socket, and every way in which an issuer can be wrong."""

from __future__ import annotations

import logging
import select
import socket
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from smcp_security.errors import PolicyError, Unavailable
from smcp_security.keys import fetch
from smcp_security.keys.faults import Unreachable
from smcp_security.keys.fetch import Fetcher, check_source
from smcp_security.keys.network import BODY_MAX
from smcp_security.policy.identity import FetchPolicy
from tests.keys.issuer import Issuer, certificate, closed_port, serving

HERE = FetchPolicy(allow_http=True, allow_private=True, timeout=5)
SHORT = FetchPolicy(allow_http=True, allow_private=True, timeout=1)
ONLY_TLS = FetchPolicy(allow_private=True, timeout=5)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serving(b'{"keys": []}') as running:
        yield running


def refused(url: str, options: FetchPolicy = HERE, resolve: fetch.Resolve = fetch.resolve_name) -> str:
    """Why nothing could be fetched."""
    with pytest.raises(Unavailable) as error:
        Fetcher(options, resolve).get(url)
    return str(error.value)


def led_to(*addresses: str) -> fetch.Resolve:
    """A resolver that gives these addresses for any name."""
    return lambda host, port: addresses


def test_a_document_is_fetched_as_it_stands(issuer: Issuer) -> None:
    assert Fetcher(HERE).get(issuer.url) == b'{"keys": []}'
    method, path, headers, sent = issuer.requests[0]
    assert (method, path, sent) == ("GET", "/jwks.json", b"")
    assert headers["Host"] == f"127.0.0.1:{issuer.port}"
    assert {"Cookie", "Authorization"}.isdisjoint(headers)


def test_a_name_is_resolved_once_and_stays_the_host_of_the_request(issuer: Issuer) -> None:
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    assert Fetcher(HERE, resolve).get(f"http://idp.example:{issuer.port}/jwks.json?a=b") == b'{"keys": []}'
    assert asked == [("idp.example", issuer.port)]
    assert issuer.requests[0][1] == "/jwks.json?a=b"
    assert issuer.requests[0][2]["Host"] == f"idp.example:{issuer.port}"


def test_a_form_is_posted_with_basic_credentials_in_their_encoding(issuer: Issuer) -> None:
    assert Fetcher(HERE).post(issuer.url, {"token": "a b&c=d"}, ("us:er", "p ä")) == b'{"keys": []}'
    method, _, headers, sent = issuer.requests[0]
    assert (method, sent) == ("POST", b"token=a+b%26c%3Dd")
    assert headers["Authorization"] == "Basic dXMlM0FlcjpwKyVDMyVBNA=="
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "kind", ["application/json", "application/jwk-set+json", "Application/JSON; charset=utf-8", "application/x.y+json"]
)
def test_a_content_type_of_json_is_taken(issuer: Issuer, kind: str) -> None:
    issuer.headers = {"Content-Type": kind}
    assert Fetcher(HERE).get(issuer.url) == b'{"keys": []}'


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "application/jsonx", "application/jwt", ""])
def test_another_content_type_is_refused(issuer: Issuer, kind: str) -> None:
    issuer.headers = {"Content-Type": kind}
    assert "content type" in refused(issuer.url)


def test_an_answer_without_content_type_is_refused(issuer: Issuer) -> None:
    issuer.headers = {}
    assert "content type" in refused(issuer.url)


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 400, 401, 404, 500, 503])
def test_every_status_but_200_is_refused_and_no_redirect_followed(issuer: Issuer, status: int) -> None:
    issuer.status, issuer.body = status, b""
    issuer.headers = {"Content-Type": "application/json", "Location": issuer.url}
    assert f"status {status}" in refused(issuer.url)
    assert issuer.count == 1


def test_an_encoded_answer_is_refused_unread(issuer: Issuer) -> None:
    issuer.headers["Content-Encoding"] = "gzip"
    assert "encoding" in refused(issuer.url)


def test_an_answer_of_fifty_megabytes_is_dropped_after_one(issuer: Issuer) -> None:
    sent = 0

    def flood(to: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        to.send_response(200)
        to.send_header("Content-Type", "application/json")
        to.send_header("Content-Length", str(50 * BODY_MAX))
        to.end_headers()
        for _ in range(50):
            to.wfile.write(b" " * BODY_MAX)
            sent += 1

    issuer.answer = flood
    assert "1 MiB" in refused(issuer.url)
    assert sent < 40


def test_an_answer_of_exactly_one_mebibyte_is_taken(issuer: Issuer) -> None:
    issuer.body = b" " * BODY_MAX
    assert len(Fetcher(HERE).get(issuer.url)) == BODY_MAX
    issuer.body += b" "
    assert "1 MiB" in refused(issuer.url)


def drip(issuer: Issuer, head: bytes, drop: bytes) -> None:
    """Have the issuer send `head` and then `drop` ten times a second, until the test is over."""

    def answer(to: BaseHTTPRequestHandler) -> None:
        to.wfile.write(head)
        while not issuer.over.wait(0.1):
            to.wfile.write(drop)

    issuer.answer = answer


@pytest.mark.real
@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "],
    ids=["body", "headers"],
)
def test_a_server_that_drips_ends_at_the_deadline(issuer: Issuer, head: bytes) -> None:
    drip(issuer, head, b"x")
    assert "in time" in refused(issuer.url, SHORT)


@pytest.mark.real
def test_a_server_that_says_nothing_ends_at_the_deadline(issuer: Issuer) -> None:
    issuer.gate.clear()
    assert "in time" in refused(issuer.url, SHORT)


@pytest.mark.real
def test_a_handshake_that_never_ends_is_given_up_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        assert "in time" in refused(url, FetchPolicy(allow_private=True, timeout=1))


@pytest.mark.parametrize("words", [b"SSH-2.0-OpenSSH\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"])
def test_what_does_not_speak_http_to_its_end_is_refused(issuer: Issuer, words: bytes) -> None:
    issuer.headers = {}

    def answer(to: BaseHTTPRequestHandler) -> None:
        to.wfile.write(words.replace(b"\r\nContent-Length", b"\r\nContent-Type: application/json\r\nContent-Length"))
        to.close_connection = True

    issuer.answer = answer
    with pytest.raises(Unavailable, match="does not speak HTTP") as error:
        Fetcher(HERE).get(issuer.url)
    assert not isinstance(error.value, Unreachable), "there was a connection"


def test_where_nobody_listens_the_error_is_of_its_own_kind() -> None:
    with pytest.raises(Unreachable, match="cannot be connected to"):
        Fetcher(HERE).get(f"http://127.0.0.1:{closed_port()}/")


def test_the_next_address_is_tried_where_nobody_listens_at_the_first(issuer: Issuer) -> None:
    url = f"http://idp.example:{issuer.port}/"
    assert Fetcher(HERE, led_to("127.77.0.1", "127.0.0.1")).get(url) == b'{"keys": []}'


# -- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["8.8.8.8", "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"],
     ["64:ff9b::7f00:1"], ["fe80::1%lo"], ["0.0.0.0"], ["100.64.0.1"], []],
    ids=str,
)  # fmt: skip
def test_a_name_with_any_address_that_is_not_public_is_refused_unconnected(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *given, **named: pytest.fail("a connection was made"))
    assert "not public" in refused("https://idp.example/", FetchPolicy(), led_to(*addresses))


def test_a_public_address_is_connected_to_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    connected = []

    def connect(address: tuple[str, int], *given: object, **named: object) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    resolve = led_to("8.8.8.8", "2606:4700::1111", "8.8.8.8")
    assert "connected" in refused("https://idp.example/", FetchPolicy(), resolve)
    assert connected == [("8.8.8.8", 443), ("2606:4700::1111", 443)]


def test_an_address_that_is_nobodys_is_refused_where_private_ones_are_allowed() -> None:
    assert "not public" in refused("https://idp.example/", ONLY_TLS, led_to("169.254.169.254"))
    assert "not public" in refused("https://idp.example/", ONLY_TLS, led_to("127.0.0.1", "169.254.169.254"))


def test_plain_http_is_refused_without_the_permission(issuer: Issuer) -> None:
    assert "https" in refused(issuer.url, ONLY_TLS)
    assert issuer.count == 0


@pytest.mark.parametrize("addresses", [["8.8.8.8"], ["10.0.0.1"], ["127.0.0.1", "10.0.0.1"]])
def test_plain_http_leaves_this_machine_under_no_permission(addresses: list[str]) -> None:
    assert "on this machine" in refused("http://idp.example/", HERE, led_to(*addresses))


def test_a_name_that_no_resolver_knows_is_unreachable() -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "secret detail")

    with pytest.raises(Unreachable, match=r"^idp\.example: the name cannot be resolved$"):
        Fetcher(HERE, unknown).get("https://idp.example/")


def test_a_label_that_is_too_long_for_a_name_is_unreachable() -> None:
    assert "cannot be resolved" in refused(f"https://{'a' * 64}.example/")


def test_settings_of_a_proxy_in_the_environment_do_not_count(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    assert Fetcher(HERE).get(issuer.url) == b'{"keys": []}'


# -- TLS and the proxy -----------------------------------------------------------------------------------------------


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    """An issuer whose certificate is for idp.example, by an authority that this process believes."""
    path = certificate(tmp_path, "idp.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with serving(b'{"keys": []}', path) as running:
        yield running


def test_a_certificate_is_held_against_the_name_and_not_the_address(secure: Issuer) -> None:
    resolve = led_to("127.0.0.1")
    assert Fetcher(ONLY_TLS, resolve).get(f"https://idp.example:{secure.port}/") == b'{"keys": []}'
    assert "certificate" in refused(f"https://other.example:{secure.port}/", ONLY_TLS, resolve)
    assert "certificate" in refused(f"https://127.0.0.1:{secure.port}/", ONLY_TLS)
    assert secure.count == 1


def test_a_certificate_of_an_unknown_authority_is_refused(
    secure: Issuer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path, "elsewhere.example")))
    fetcher = Fetcher(ONLY_TLS, led_to("127.0.0.1"))
    url = f"https://idp.example:{secure.port}/"
    with pytest.raises(Unavailable, match="certificate"):
        fetcher.get(url)
    # The authority is added while the server runs.
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "idp.example.pem"))
    assert fetcher.get(url) == b'{"keys": []}'


def test_a_proxy_that_the_policy_names_finds_the_way_itself(issuer: Issuer) -> None:
    def never(host: str, port: int) -> Sequence[str]:
        pytest.fail("the name was resolved here")

    issuer.status, issuer.body = 403, b""
    options = FetchPolicy(proxy=f"http://127.0.0.1:{issuer.port}", timeout=5)
    assert "proxy" in refused("https://idp.example/jwks.json", options, never)
    assert issuer.requests[0][:2] == ("CONNECT", "idp.example:443")
    assert "https" in refused("http://localhost/", options.model_copy(update={"allow_http": True}), never)
    assert issuer.count == 1


def tunnel(to: BaseHTTPRequestHandler, port: int) -> None:
    """Answer CONNECT as a proxy does, whatever name it asks for."""
    with socket.create_connection(("127.0.0.1", port)) as behind:
        to.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        open_ends = [to.connection, behind]
        while True:
            readable, _, _ = select.select(open_ends, [], [])
            for end in readable:
                data = end.recv(65536)
                if not data:
                    return
                (behind if end is to.connection else to.connection).sendall(data)


def test_through_a_proxy_the_certificate_still_counts(issuer: Issuer, secure: Issuer) -> None:
    issuer.answer = lambda to: tunnel(to, secure.port)
    options = FetchPolicy(proxy=f"http://127.0.0.1:{issuer.port}", timeout=5)
    assert Fetcher(options).get("https://idp.example/jwks.json") == b'{"keys": []}'
    assert secure.requests[0][2]["Host"] == "idp.example"
    assert "certificate" in refused("https://other.example/jwks.json", options)
    assert secure.count == 1


# -- what errors and logs say ----------------------------------------------------------------------------------------


def test_an_error_names_the_host_and_nothing_that_was_sent_or_came_back(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.headers = {"Content-Type": "x-answer/secret"}
    with caplog.at_level(logging.INFO), pytest.raises(Unavailable) as error:
        Fetcher(HERE).post(issuer.url + "?query-secret", {"token": "form-secret"}, ("id", "basic-secret"))
    assert str(error.value) == "127.0.0.1: answers with a content type that is not JSON"
    assert error.value.__cause__ is None
    assert "secret" not in caplog.text


def test_a_missing_package_stops_the_start_with_the_command_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    check_source("identity.jwt[0].jwks")
    monkeypatch.setattr(fetch, "find_spec", lambda name: None)
    with pytest.raises(PolicyError, match=r"identity\.jwt\[0\]\.jwks: .*pip install 'smcp-security\[http\]'"):
        check_source("identity.jwt[0].jwks")
