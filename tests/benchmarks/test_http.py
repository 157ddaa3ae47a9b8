"""The benchmark of a real server: it starts, loads and stops both servers by itself, and refuses wrong answers."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from benchmarks import http, load
from benchmarks.messages import WORKLOADS

pytestmark = pytest.mark.real
GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], int]]:
    """Starts a server that gives one answer to whatever comes; yields its port."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(answer: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=_answer_each, args=(listener, answer))
        thread.start()
        listeners.append(listener)
        threads.append(thread)
        return int(listener.getsockname()[1])

    yield start
    for thread in threads:
        thread.join(10)
    for listener in listeners:
        listener.close()


def _answer_each(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        while connection.recv(65536):
            # In two pieces, as a network may hand it over.
            connection.sendall(answer[:20])
            connection.sendall(answer[20:])


def test_the_load_is_as_many_requests_as_were_asked_for(answering: Callable[[bytes], int]) -> None:
    done = load.run(answering(GOOD), load.post("/mcp", b"{}", {"content-length": "2"}), connections=1, requests=7)
    assert len(done.durations) == 7 and min(done.durations) > 0
    assert done.rate == pytest.approx(7 / done.seconds)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (GOOD.replace(b"200 OK", b"403 No"), "403"),
        (b'HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"error":1}', "error"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "Content-Length"),
    ],
)
def test_a_server_that_refuses_is_not_measured(
    answer: bytes, complaint: str, answering: Callable[[bytes], int]
) -> None:
    with pytest.raises(load.Broken, match=complaint):
        load.run(answering(answer), load.post("/mcp", b"{}", {}), connections=1, requests=3)


def test_all_servers_are_measured_and_the_last_one_tells_its_rungs() -> None:
    sides, rungs = http.measure(WORKLOADS[0], rounds=2, requests=20, connections=2, identity=True)
    assert [side.name for side in sides] == [http.BARE, http.PROTECTED, http.IDENTIFIED]
    for side in sides:
        assert len(side.rates) == 2 and side.latency.count == 40
        assert side.process.returncode is not None
    assert {"transport", "identity", "body", "envelope", "access", "arguments", "injection", "limits"} <= rungs.keys()
    text = http.as_text(WORKLOADS[0], sides, rungs)
    assert text.count("Kept of the requests per second") == 2 and http.IDENTIFIED in text
    facts = json.loads(http.as_json(WORKLOADS[0], sides, rungs))
    assert facts["bytes"] == 300 and facts["costs"].keys() == {http.PROTECTED, http.IDENTIFIED}
    assert sides[-1].token not in text + json.dumps(facts)


def test_without_the_option_nobody_needs_a_token() -> None:
    sides, rungs = http.measure(WORKLOADS[0], rounds=1, requests=4, connections=1)
    assert [side.name for side in sides] == [http.BARE, http.PROTECTED]
    assert "identity" not in rungs and {"transport", "body", "limits"} <= rungs.keys()


def test_the_cpu_of_a_process_is_read_from_the_right_fields() -> None:
    before = os.times()
    measured = http.cpu_seconds(os.getpid())
    after = os.times()
    # Where there is no /proc, the report says that it is not available.
    assert (measured is None) is not os.path.exists("/proc/self/stat")
    if measured is not None:
        assert before.user + before.system - 0.05 <= measured <= after.user + after.system + 0.05


def test_the_cpu_of_a_process_that_is_gone_is_not_available() -> None:
    assert http.cpu_seconds(2**30) is None
    assert http.resident_megabytes(2**30) is None
