"""Shipping to syslog servers over real sockets of every kind."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from smcp_security.audit.ship import Shipping
from tests.audit.conftest import Alarms
from tests.audit.ship.authority import Authority, authority
from tests.audit.ship.collector import collector
from tests.audit.ship.conftest import QUICK
from tests.audit.ship.inbox import Inbox
from tests.audit.ship.log import Log
from tests.audit.ship.syslog_server import SyslogServer, syslog

pytestmark = pytest.mark.real
Ship = Callable[..., Shipping]
Open = Callable[..., AbstractContextManager[SyslogServer]]
KINDS = ("dgram", "stream", "udp", "tcp", "tls")


@pytest.fixture
def socket_path() -> Iterator[str]:
    # The path of a socket is short: pytest's own folders are too long for it on some systems.
    with tempfile.TemporaryDirectory() as folder:
        yield f"{folder}/log"


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.bundle))
    return made


@pytest.fixture
def server_of(socket_path: str, trusted: Authority) -> Callable[..., AbstractContextManager[SyslogServer]]:
    def opened(kind: str, port: int = 0, inbox: Inbox | None = None) -> AbstractContextManager[SyslogServer]:
        Path(socket_path).unlink(missing_ok=True)
        if kind in ("dgram", "stream"):
            return syslog(kind, path=socket_path, inbox=inbox)
        context = trusted.server if kind == "tls" else None
        return syslog("udp" if kind == "udp" else "tcp", port=port, inbox=inbox, tls=context)

    return opened


def address(kind: str, server: SyslogServer) -> str:
    return f"unix:{server.address}" if kind in ("dgram", "stream") else f"{kind}://127.0.0.1:{server.port}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_line_arrives_as_it_is_in_the_file(log: Log, ship: Ship, server_of: Open, kind: str) -> None:
    with server_of(kind) as server:
        ship(syslog=address(kind, server))
        for _ in range(3):
            server.inbox.wait_for(log.write(50))
        assert server.inbox.lines == log.lines


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_says_what_its_line_is(log: Log, ship: Ship, server_of: Open, kind: str) -> None:
    log.write(1)
    log.write(1, allowed=False, codes=["SMCP112", "SMCP601"])
    log.append(log.record(kind="lost", allowed=None))
    with server_of(kind) as server:
        ship(syslog=address(kind, server))
        server.inbox.wait_for(log.lines)
    allowed, denied, lost = server.messages
    assert (allowed.facility, allowed.severity, denied.severity, lost.severity) == (13, 6, 4, 3)
    assert (allowed.id, denied.id, lost.id, allowed.app) == ("decision", "decision", "lost", "smcp")
    assert allowed.at == "2026-11-22T03:28:43.123456+00:00"
    assert allowed.data == '[smcp@32473 id="d0" kind="decision"]'
    assert denied.data == '[smcp@32473 id="d1" kind="decision" code="SMCP112,SMCP601"]'


@pytest.mark.parametrize("kind", ["stream", "tcp", "tls"])
def test_a_server_that_comes_back_gets_what_waited(
    log: Log, ship: Ship, server_of: Open, alarms: Alarms, kind: str
) -> None:
    inbox = Inbox()
    with server_of(kind, inbox=inbox) as server:
        ship(syslog=address(kind, server))
        inbox.wait_for(log.write(20))
        port = server.address[1] if kind in ("tcp", "tls") else 0
    log.write(500)
    log.rotate()
    log.write(20)
    alarms.wait("The lines wait")
    with server_of(kind, port=port, inbox=inbox):
        inbox.wait_for(log.lines)
    assert inbox.firsts == log.lines


def test_a_local_daemon_that_is_restarted_misses_nothing(log: Log, ship: Ship, server_of: Open, alarms: Alarms) -> None:
    inbox = Inbox()
    with server_of("dgram", inbox=inbox) as server:
        ship(syslog=address("dgram", server))
        inbox.wait_for(log.write(20))
    log.write(50)
    alarms.wait("The lines wait")
    with server_of("stream", inbox=inbox):
        inbox.wait_for(log.lines)
    assert inbox.firsts == log.lines


@pytest.mark.parametrize("kind", ["tcp", "tls"])
def test_connections_broken_off_again_and_again_lose_nothing(log: Log, ship: Ship, server_of: Open, kind: str) -> None:
    with server_of(kind) as server:
        ship(syslog=address(kind, server))
        for _ in range(8):
            new = log.write(40)
            server.inbox.wait(lambda some=new[5]: some in server.inbox.lines)
            server.hang_up()
        server.inbox.wait_for(log.write(1))
        assert server.inbox.firsts == log.lines


def test_a_line_that_fits_into_no_datagram_is_left_out_and_counted(
    log: Log, ship: Ship, server_of: Open, alarms: Alarms
) -> None:
    first = log.write(1)
    log.write(1, about="x" * 70_000)
    last = log.write(1)
    with server_of("udp") as server:
        shipping = ship(syslog=address("udp", server))
        server.inbox.wait_for(last)
        assert server.inbox.lines == first + last
        server.inbox.wait(lambda: shipping.health()[0].skipped == 1)
    assert alarms.told("1 lines are too long for it") == 1


def test_a_line_of_any_length_goes_over_a_stream(log: Log, ship: Ship, server_of: Open) -> None:
    log.write(1, about="x" * 2_000_000)
    log.write(1)
    with server_of("tls") as server:
        ship(syslog=address("tls", server))
        server.inbox.wait_for(log.lines)
        assert server.inbox.lines == log.lines


def test_a_receiver_that_takes_nothing_is_given_up_after_a_while(
    log: Log, ship: Ship, socket_path: str, alarms: Alarms
) -> None:
    import socket

    log.write(2000, about="x" * 1000)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(socket_path)
        ship(syslog=f"unix:{socket_path}", pace=replace(QUICK, attempt=0.1))
        alarms.wait("does not answer in time")


@pytest.mark.parametrize("name", ["127.0.0.1", "logs.example.com"])
def test_only_a_certificate_for_that_very_name_is_taken(
    log: Log, ship: Ship, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alarms: Alarms, name: str
) -> None:
    made = authority(tmp_path, name)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.bundle))
    log.write(1)
    with syslog("tcp", tls=made.server) as server:
        ship(syslog=f"tls://127.0.0.1:{server.port}")
        if name == "127.0.0.1":
            server.inbox.wait_for(log.lines)
        else:
            alarms.wait("shows a certificate that is not valid for that name")
            assert server.inbox.lines == []


@pytest.mark.parametrize("known", [True, False])
def test_only_an_authority_of_the_system_is_believed(
    log: Log, ship: Ship, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alarms: Alarms, known: bool
) -> None:
    (tmp_path / "other").mkdir()
    made, other = authority(tmp_path), authority(tmp_path / "other")
    monkeypatch.setenv("SSL_CERT_FILE", str((made if known else other).bundle))
    log.write(1)
    with collector(tls=made.server) as server:
        ship(http=server.url.replace("http:", "https:"))
        if known:
            server.inbox.wait_for(log.lines)
        else:
            alarms.wait("shows a certificate that is not valid for that name")
            assert server.requests == []
