"""The audit's own sink with destinations: callers never wait for them, and what arrives is the chain itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from smcp_security.audit import FileSink, open_sink
from smcp_security.audit.ship import Shipping, open_shipping
from smcp_security.errors import PolicyError
from smcp_security.policy.audit import AuditPolicy, RotatePolicy, ShipPolicy
from tests.audit.ship.child import PACE, record
from tests.audit.ship.collector import Reply, collector, first
from tests.audit.ship.log import Log
from tests.audit.ship.syslog_server import syslog
from tests.cli.terminal import smcp

pytestmark = pytest.mark.real
ANN = {"caller": {"id": "ann@example.com", "verified": True}}
Open = Callable[..., FileSink]
Ship = Callable[..., Shipping]


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Open]:
    """Opens a sink that ships to these destinations; it is closed at the end."""
    opened: list[FileSink] = []

    def start(*entries: Mapping[str, Any], **settings: Any) -> FileSink:
        path = str(tmp_path / "audit.jsonl")
        shipping = open_shipping([ShipPolicy(**entry) for entry in entries], path, {}, PACE)
        opened.append(FileSink(path, shipping=shipping, **settings))
        return opened[-1]

    yield start
    for each in opened:
        assert each.shipping is not None
        each.shipping.close(0.0)
        each.close(0.0)


def test_a_destination_that_hangs_holds_up_no_record(sink: Open, tmp_path: Path) -> None:
    with collector(lambda *_: Reply(hang=True)) as server:
        opened = sink({"http": server.url})
        opened.write(record(0))
        server.inbox.wait(lambda: server.requests)
        for number in range(1, 2000):
            opened.write(record(number))
        assert opened.flush(20)
        assert opened.waiting == 0 and opened.lost == 0 and opened.healthy
        assert server.inbox.lines == []
        assert len((tmp_path / "audit.jsonl").read_bytes().splitlines()) > 2000
        lag = opened.lags()["http-0"]
        assert lag > 2000 * 100


def test_what_arrives_is_a_chain_that_can_be_verified_there(sink: Open, tmp_path: Path) -> None:
    with collector(first(Reply(500))) as server, syslog("tcp") as daemon:
        opened = sink({"http": server.url}, {"syslog": f"tcp://127.0.0.1:{daemon.port}"})
        for number in range(500):
            opened.write(record(number) | ANN)
        assert opened.flush(20)
        server.inbox.wait(lambda: server.inbox.lines and daemon.inbox.lines)
        opened.close()
        lines = (tmp_path / "audit.jsonl").read_bytes().splitlines()
        for inbox in (server.inbox, daemon.inbox):
            inbox.wait_for(lines)
            assert inbox.firsts == lines
    cited = [json.loads(line)["prev"] for line in server.inbox.lines]
    assert cited[1:] == [hashlib.sha256(line).hexdigest() for line in server.inbox.lines[:-1]]
    assert not any(b"ann@example" in line for line in server.inbox.lines)


def test_rotations_of_the_sink_itself_lose_nothing(tmp_path: Path, ship: Ship) -> None:
    audit = AuditPolicy(file=str(tmp_path / "audit.jsonl"), rotate=RotatePolicy(size=8192))
    with collector(lambda _, number: Reply(500 if number % 4 == 0 else 200)) as server:
        opened = open_sink(audit, {})
        ship(http=server.url)
        for number in range(400):
            opened.write(record(number))
            if number % 50 == 0:
                opened.flush(20)
        opened.close()
        files = [*sorted(tmp_path.glob("audit.jsonl.0*")), tmp_path / "audit.jsonl"]
        lines = [line for file in files for line in file.read_bytes().splitlines()]
        server.inbox.wait_for(lines)
        assert len(files) > 3
        assert server.inbox.lines == lines


def test_the_policy_alone_sets_it_up(tmp_path: Path) -> None:
    with collector() as server:
        entry = ShipPolicy(otel=server.url, token="env:TOKEN")
        audit = AuditPolicy(file=str(tmp_path / "audit.jsonl"), ship=(entry,))
        opened = open_sink(audit, {"TOKEN": "t0ken"})
        opened.write(record(7))
        opened.close()
        (resource,) = json.loads(server.requests[0].body)["resourceLogs"]
        bodies = [each["body"]["stringValue"] for each in resource["scopeLogs"][0]["logRecords"]]
        assert "\n".join(bodies).encode() in (tmp_path / "audit.jsonl").read_bytes()
        assert server.requests[0].headers["authorization"] == "Bearer t0ken"


def test_a_start_with_a_token_that_is_not_set_is_refused(tmp_path: Path) -> None:
    audit = AuditPolicy(
        file=str(tmp_path / "audit.jsonl"), ship=(ShipPolicy(http="https://logs.example.com/", token="env:NONE"),)
    )
    with pytest.raises(PolicyError, match=r"audit\.ship\[0\]\.token: the environment variable NONE is not set"):
        open_sink(audit, {})


def test_a_collector_that_drips_its_answer_is_given_up(log: Log, ship: Ship, alarms: Any) -> None:
    import socket
    import threading
    from dataclasses import replace

    def drip(listening: socket.socket, ended: threading.Event) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            while not ended.wait(0.02):
                try:
                    connection.send(b"H")
                except OSError:
                    return

    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening, ended))
        thread.start()
        log.write(1)
        ship(http=f"http://127.0.0.1:{listening.getsockname()[1]}/", pace=replace(PACE, attempt=0.3))
        alarms.wait("does not answer in time")
        ended.set()
        thread.join()


def test_a_copy_with_repeated_lines_is_verified_as_the_page_says(sink: Open, tmp_path: Path) -> None:
    with syslog("tcp") as daemon:
        opened = sink({"syslog": f"tcp://127.0.0.1:{daemon.port}"})
        for number in range(50):
            opened.write(record(number) | ANN)
            if number % 20 == 0:
                opened.flush(20)
                daemon.inbox.wait(lambda: daemon.inbox.lines)
                daemon.hang_up()
        opened.flush(20)
        daemon.inbox.wait_for((tmp_path / "audit.jsonl").read_bytes().splitlines())
        copy, kept, keys = tmp_path / "copy.jsonl", tmp_path / "kept.txt", str(tmp_path / "audit.jsonl.keys")
        copy.write_bytes(b"".join(line + b"\n" for line in daemon.inbox.firsts))
        opened.close()
    audit = tmp_path / "audit.jsonl"
    assert smcp("audit", "verify", str(copy), "--callers", keys).code == 0
    kept.write_text(smcp("audit", "checkpoint", str(copy), "--callers", keys).out)
    assert smcp("audit", "verify", str(audit), "--checkpoint", str(kept)).code == 0
    audit.write_bytes(b"".join(audit.read_bytes().splitlines(keepends=True)[:30]))
    assert smcp("audit", "verify", str(audit)).code == 0
    assert smcp("audit", "verify", str(audit), "--checkpoint", str(kept)).code == 1
