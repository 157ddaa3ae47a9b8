"""Shipping to an HTTP collector, whatever that does."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from smcp_security.audit.ship import Shipping
from smcp_security.audit.ship.trail import Trail
from tests.audit.conftest import Alarms
from tests.audit.ship.collector import Reply, collector, first, lines_in
from tests.audit.ship.conftest import QUICK
from tests.audit.ship.inbox import Inbox
from tests.audit.ship.log import Log

pytestmark = pytest.mark.real
Ship = Callable[..., Shipping]


def settled(shipping: Shipping, inbox: Inbox) -> Any:
    """The health after everything was sent."""
    inbox.wait(lambda: not shipping.health()[0].lag_bytes)
    return shipping.health()[0]


def test_every_line_arrives_as_it_is_in_the_file(log: Log, ship: Ship) -> None:
    log.write(1200)
    with collector() as server:
        ship(http=server.url)
        server.inbox.wait_for(log.lines)
        assert server.inbox.lines == log.lines
        assert [len(lines_in([request])) for request in server.requests] == [500, 500, 200]


def test_a_request_says_what_it_carries_and_who_sends_it(log: Log, ship: Ship) -> None:
    log.write(1)
    with collector() as server:
        ship(http=f"{server.url}?to=audit", token="env:COLLECTOR", environ={"COLLECTOR": "t0ken"})
        server.inbox.wait_for(log.lines)
    (request,) = server.requests
    assert request.path == "/in?to=audit"
    assert request.headers["content-type"] == "application/x-ndjson"
    assert request.headers["authorization"] == "Bearer t0ken"
    assert request.headers["host"] == f"127.0.0.1:{server.server_port}"
    assert request.body == log.lines[0] + b"\n"


def test_lines_written_later_follow_on_the_same_connection(log: Log, ship: Ship) -> None:
    with collector() as server:
        ship(http=server.url)
        for _ in range(3):
            server.inbox.wait_for(log.write(2))
        assert server.inbox.lines == log.lines
        assert len(server.connections) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        Reply(503),
        Reply(429),
        Reply(401),
        Reply(404),
        Reply(429, (("Retry-After", "0"),)),
        Reply(503, (("Retry-After", "soon"),)),
        Reply(302, (("Location", "http://127.0.0.1:9/elsewhere"),)),
        Reply(307, (("Location", "/other"),)),
        Reply(cut=True),
        Reply(500, body=b"x" * 200_000),
    ],
    ids=lambda reply: f"{reply.status}{'-cut' * reply.cut}-{len(reply.body)}",
)
def test_a_refused_request_is_sent_again(log: Log, ship: Ship, reply: Reply) -> None:
    log.write(3)
    with collector(first(reply, reply)) as server:
        ship(http=server.url)
        server.inbox.wait_for(log.lines)
        assert server.inbox.lines == log.lines
        assert {request.path for request in server.requests} == {"/in"}


def test_a_collector_that_never_answers_is_tried_again(log: Log, ship: Ship) -> None:
    log.write(3)
    with collector(first(Reply(hang=True))) as server:
        ship(http=server.url, pace=replace(QUICK, attempt=0.2))
        server.inbox.wait_for(log.lines)
        assert server.inbox.lines == log.lines


def test_a_request_that_is_too_large_is_sent_in_parts(log: Log, ship: Ship) -> None:
    log.write(20)
    with collector(lambda request, _: Reply(413 if len(lines_in([request])) > 3 else 200)) as server:
        ship(http=server.url)
        server.inbox.wait_for(log.lines)
        assert server.inbox.lines == log.lines


def test_a_body_keeps_to_a_mebibyte(log: Log, ship: Ship) -> None:
    log.write(30, about="x" * 100_000)
    log.write(1, about="y" * 3_000_000)
    with collector() as server:
        ship(http=server.url)
        server.inbox.wait_for(log.lines)
        assert server.inbox.lines == log.lines
        sizes = [len(request.body) for request in server.requests]
        assert max(sizes[:-1]) <= 1024 * 1024 and sizes[-1] > 3_000_000


def test_the_operator_is_told_once_why_and_when_it_is_over(log: Log, ship: Ship, alarms: Alarms) -> None:
    log.write(1)
    refusal = Reply(403, body=b"no entry for you")
    with collector(first(refusal, refusal, refusal)) as server:
        shipping = ship(http=server.url)
        server.inbox.wait_for(log.lines)
        alarms.wait("takes lines again")
        health = settled(shipping, server.inbox)
    assert alarms.told("answers with status 403: it does not take the token") == 1
    assert not alarms.told("entry for you")
    assert health.last_error == "" and health.last_sent is not None and health.leading


def test_health_says_what_is_wrong_and_how_much_waits(log: Log, ship: Ship, alarms: Alarms) -> None:
    log.write(5)
    with collector(lambda *_: Reply(500)) as server:
        shipping = ship(http=server.url)
        alarms.wait("status 500")
        server.inbox.wait(lambda: shipping.health()[0].last_error)
        (health,) = shipping.health()
        assert health.name == "http-0" and health.target == f"127.0.0.1:{server.server_port}"
        assert health.last_error == "answers with status 500" and health.last_sent is None
        assert health.lag_bytes == log.path.stat().st_size
        assert shipping.lags() == {"http-0": health.lag_bytes}


def test_a_collector_that_comes_back_gets_what_waited(log: Log, ship: Ship, alarms: Alarms) -> None:
    inbox = Inbox()
    log.write(3)
    with collector(inbox=inbox) as server:
        ship(http=server.url)
        inbox.wait_for(log.lines)
        port = server.server_port
    log.write(700)
    alarms.wait("The lines wait")
    log.rotate()
    log.write(3)
    with collector(port=port, inbox=inbox):
        inbox.wait_for(log.lines)
    assert inbox.firsts == log.lines


def test_lines_that_are_written_while_it_ships_all_arrive(log: Log, ship: Ship) -> None:
    with collector(lambda _, number: Reply(500 if number % 3 == 0 else 200)) as server:
        ship(http=server.url)
        for turn in range(60):
            log.write(5)
            if turn % 10 == 9:
                log.rotate()
        log.write(1)
        server.inbox.wait_for(log.lines)
        assert server.inbox.lines == log.lines


def test_what_lags_too_far_behind_is_left_out_and_counted(log: Log, ship: Ship, alarms: Alarms) -> None:
    log.write(50)
    log.rotate()
    log.write(50)
    fitting = sum(len(line) + 1 for line in log.lines[70:])
    with collector() as server:
        shipping = ship(http=server.url, spool=fitting)
        server.inbox.wait_for(log.lines[70:])
        assert server.inbox.lines == log.lines[70:]
        assert settled(shipping, server.inbox).skipped == 70
    assert alarms.told("older lines are left out") == 1


def test_what_fits_into_the_spool_is_not_left_out(log: Log, ship: Ship, alarms: Alarms) -> None:
    log.write(100)
    with collector() as server:
        shipping = ship(http=server.url, spool=log.path.stat().st_size)
        server.inbox.wait_for(log.lines)
        assert settled(shipping, server.inbox).skipped == 0
    assert not alarms.told("left out")


def test_a_start_goes_on_where_the_last_one_ended(log: Log, ship: Ship) -> None:
    with collector() as server:
        first_one = ship(http=server.url)
        server.inbox.wait_for(log.write(5))
        first_one.close()
        log.write(5)
        log.rotate()
        log.write(5)
        ship(http=server.url)
        server.inbox.wait_for(log.lines)
        assert server.inbox.lines == log.lines


def test_closing_sends_what_was_written_before_it(log: Log, ship: Ship) -> None:
    with collector() as server:
        shipping = ship(http=server.url, pace=replace(QUICK, poll=60.0))
        server.inbox.wait(lambda: shipping.health()[0].leading)
        log.write(1200)
        shipping.close(20.0)
        assert server.inbox.lines == log.lines


def test_closing_gives_up_a_collector_that_hangs(log: Log, ship: Ship) -> None:
    log.write(1)
    with collector(lambda *_: Reply(hang=True)) as server:
        shipping = ship(http=server.url, pace=replace(QUICK, attempt=600.0))
        server.inbox.wait(lambda: server.requests)
        shipping.close(0.1)
        assert not shipping.health()[0].leading
        server.script = lambda *_: Reply()
        ship(http=server.url)
        server.inbox.wait_for(log.lines)


def test_one_of_two_sends_and_the_other_takes_over(log: Log, ship: Ship) -> None:
    with collector() as server:
        one = ship(http=server.url)
        server.inbox.wait(lambda: one.health()[0].leading)
        other = ship(http=server.url)
        server.inbox.wait_for(log.write(3))
        assert not other.health()[0].leading
        server.inbox.wait(lambda: not other.health()[0].lag_bytes)
        assert other.health()[0].last_sent == one.health()[0].last_sent is not None
        one.close()
        server.inbox.wait_for(log.write(3))
        assert server.inbox.lines == log.lines
        assert other.health()[0].leading


@pytest.mark.parametrize(
    ("answer", "skipped"),
    [
        (b'{"partialSuccess":{"rejectedLogRecords":"99999999999999999999999"}}', 3),
        (b'{"partialSuccess":{"rejectedLogRecords":2}}', 2),
        (b'{"partialSuccess":{"x":' + b"[" * 30_000, 0),
    ],
    ids=["more than were sent", "some", "deep"],
)
def test_an_answer_that_lies_stops_no_shipping(log: Log, ship: Ship, answer: bytes, skipped: int) -> None:
    log.write(3)
    with collector(first(Reply(body=answer))) as server:
        shipping = ship(otel=server.url)
        server.inbox.wait(lambda: len(server.requests) == 1 and not shipping.health()[0].lag_bytes)
        log.write(1)
        server.inbox.wait(lambda: len(server.requests) == 2 and not shipping.health()[0].lag_bytes)
        assert shipping.health()[0].skipped == skipped and shipping.health()[0].leading


def test_what_no_json_carries_in_the_environment_stops_no_shipping(log: Log, ship: Ship) -> None:
    log.write(1)
    with collector() as server:
        ship(otel=server.url, environ={"OTEL_SERVICE_NAME": "caf\udce9"})
        server.inbox.wait(lambda: server.requests)
        assert b'"caf?"' in server.requests[0].body


def test_a_line_that_is_no_record_stops_no_shipping(log: Log, ship: Ship) -> None:
    log.write(1)
    log.append(b'{"kind":"\xff"}')
    log.append(b'{"x":' + b"[" * 100_000)
    log.write(1)
    with collector() as server:
        shipping = ship(otel=server.url)
        server.inbox.wait(lambda: server.requests and not shipping.health()[0].lag_bytes)
        (records,) = (json.loads(server.requests[0].body)["resourceLogs"][0]["scopeLogs"][0]["logRecords"],)
        assert len(records) == 4


@pytest.mark.parametrize(
    "reply",
    [Reply(unmeasured=True), Reply(headers=(("Connection", "close"),)), Reply(unmeasured=True, body=b"")],
    ids=["unmeasured", "measured", "empty"],
)
def test_an_answer_that_ends_with_the_connection_counts(log: Log, ship: Ship, reply: Reply) -> None:
    with collector(lambda *_: reply) as server:
        shipping = ship(http=server.url)
        for _ in range(3):
            server.inbox.wait_for(log.write(2))
            server.inbox.wait(lambda: not shipping.health()[0].lag_bytes)
        assert server.inbox.lines == log.lines


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    ],
    ids=["interim answers", "trailers"],
)
def test_an_answer_without_an_end_is_cut_off_long_before_the_deadline(
    log: Log, ship: Ship, alarms: Alarms, start: bytes, more: bytes
) -> None:
    def flood(listening: socket.socket) -> None:
        with suppress(OSError):
            connected, _ = listening.accept()
            with connected:
                connected.sendall(start)
                while True:
                    connected.sendall(more * 1000)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=flood, args=(listening,))
        thread.start()
        log.write(1)
        ship(http=f"http://127.0.0.1:{listening.getsockname()[1]}/", pace=replace(QUICK, attempt=600.0))
        alarms.wait("breaks off, or does not speak its protocol")
        thread.join()


def test_a_thread_that_fails_is_told_by_the_health(
    log: Log, ship: Ship, monkeypatch: pytest.MonkeyPatch, alarms: Alarms
) -> None:
    ended = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: ended.set())
    monkeypatch.setattr(Trail, "read", lambda *_: 1 // 0)
    shipping = ship(syslog="unix:/nowhere")
    assert ended.wait(10)
    assert "the thread that sends has failed" in shipping.health()[0].last_error


def test_two_guards_that_ship_one_file_elsewhere_are_told(log: Log, ship: Ship, alarms: Alarms) -> None:
    log.write(3)
    with collector() as one, collector() as other:
        leader = ship(http=one.url)
        one.inbox.wait(lambda: leader.health()[0].last_sent)
        waiting = ship(http=other.url)
        alarms.wait("to another place")
        assert "under the same number" in waiting.health()[0].last_error and not other.requests
        assert not leader.health()[0].last_error
        leader.close()
        other.inbox.wait_for(log.lines)
        other.inbox.wait(lambda: not waiting.health()[0].last_error)


def test_a_cursor_that_cannot_be_written_is_told_and_waited_for(log: Log, ship: Ship, alarms: Alarms) -> None:
    log.write(3)
    cursor = log.path.with_name("audit.jsonl.ship.0")
    cursor.mkdir()
    with collector() as server:
        shipping = ship(http=server.url)
        alarms.wait("the audit or its cursor cannot be read or written")
        assert "cursor" in shipping.health()[0].last_error
        cursor.rmdir()
        server.inbox.wait_for(log.lines)
        server.inbox.wait(lambda: not shipping.health()[0].last_error)


def test_a_cursor_that_is_removed_is_made_anew(log: Log, ship: Ship) -> None:
    with collector() as server:
        shipping = ship(http=server.url)
        server.inbox.wait_for(log.write(3))
        log.path.with_name("audit.jsonl.ship.0").unlink()
        server.inbox.wait_for(log.write(3))
        server.inbox.wait(lambda: shipping.health()[0].leading and not shipping.health()[0].lag_bytes)
        assert server.inbox.firsts == log.lines


def test_a_replaced_file_is_told_and_sent_from_its_start(log: Log, ship: Ship, alarms: Alarms) -> None:
    with collector() as server:
        ship(http=server.url)
        server.inbox.wait_for(log.write(3))
        log.path.unlink()
        server.inbox.wait_for(log.write(3))
        assert server.inbox.lines == log.lines
        # They follow one another, although the file is another one.
        assert not alarms.told("does not go on")
        log.path.write_bytes(b'{"kind":"decision","prev":"00"}\n')
        server.inbox.wait_for([b'{"kind":"decision","prev":"00"}'])
    assert alarms.told("does not go on where it was sent up to") == 1
