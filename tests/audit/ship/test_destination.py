"""What an entry of `audit.ship` may say, and the one line about each that it may not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smcp_security.audit.ship import open_shipping
from smcp_security.audit.ship.destination import Destination, destination_of
from smcp_security.errors import PolicyError
from smcp_security.policy.audit import ShipPolicy

ENVIRON = {"TOKEN": "t0ken", "BROKEN": "a\nb", "EMPTY": ""}


def made(**entry: Any) -> Destination:
    return destination_of(ShipPolicy(**entry), 2, ENVIRON)


@pytest.mark.parametrize(
    ("entry", "name", "target"),
    [
        ({"syslog": "unix:/dev/log"}, "syslog-2", "unix:/dev/log"),
        ({"syslog": "udp://[::1]:514"}, "syslog-2", "udp://[::1]:514"),
        ({"syslog": "tls://logs.example.com:6514"}, "syslog-2", "tls://logs.example.com:6514"),
        ({"http": "https://logs.example.com/in?key=1", "token": "env:TOKEN"}, "http-2", "logs.example.com"),
        ({"otel": "https://otel.example.com:4318/v1/logs"}, "otel-2", "otel.example.com:4318"),
    ],
)
def test_a_destination_is_shown_without_what_may_be_secret(entry: dict[str, Any], name: str, target: str) -> None:
    destination = made(**entry)
    assert (destination.name, destination.target) == (name, target)
    assert "t0ken" not in repr(destination) and "key=1" not in repr(destination)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({}, "audit.ship[2]: expected exactly one of syslog, http and otel, found 0"),
        ({"http": "https://a/", "otel": "https://a/"}, "found 2"),
        ({"syslog": "tcp://logs:70000"}, "audit.ship[2].syslog: expected a host, and a port from 1 to 65535"),
        ({"syslog": "udp://logs:0"}, "port from 1 to 65535"),
        ({"syslog": "udp://[::1:514"}, "expected a host"),
        ({"syslog": "unix:/dev/log", "token": "env:TOKEN"}, "audit.ship[2].token: syslog knows no token"),
        ({"http": "https://:443/"}, "expected a host"),
        ({"http": "https://logs:99999/"}, "port from 1 to 65535"),
        ({"http": "https://logs/", "token": "env:GONE"}, "the environment variable GONE is not set"),
        ({"http": "https://logs/", "token": "env:BROKEN"}, "BROKEN holds what no header carries"),
        ({"http": "https://logs/", "token": "env:EMPTY"}, "EMPTY holds what no header carries"),
    ],
)
def test_an_entry_that_cannot_be_used_is_refused_in_one_line(entry: dict[str, Any], problem: str) -> None:
    with pytest.raises(PolicyError) as caught:
        made(**entry)
    assert problem in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://logs.example.com/in", True),
        ("http://10.0.0.9:8080/in", True),
        ("http://127.0.0.1:8080/in", False),
        ("http://[::1]/in", False),
        ("http://localhost:4318/v1/logs", False),
        ("https://logs.example.com/in", False),
    ],
)
def test_plain_http_to_another_machine_is_warned_about(url: str, warned: bool) -> None:
    assert bool(made(http=url).warning) is warned
    assert made(http=url, token="env:TOKEN").warning.startswith("audit.ship[2]: the token and the lines go" * warned)


def test_another_address_is_another_destination() -> None:
    identities = {made(http="https://a/").identity, made(http="https://b/").identity, made(otel="https://a/").identity}
    assert len(identities) == 3
    assert made(http="https://a/").identity == made(http="https://a/", token="env:TOKEN").identity


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to("/dev/null")])
def test_what_cannot_be_read_again_cannot_be_shipped(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "audit.jsonl"
    make(path)
    with pytest.raises(PolicyError, match="no regular file"):
        open_shipping([ShipPolicy(syslog="unix:/dev/log")], str(path), {})
