"""A closed-loop load generator on raw sockets: a few connections, each with one request on its way at any time.

Owns no HTTP client, so that it costs a fraction of what it measures: prepared bytes out, and only the framing read.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PATIENCE: Final = 30.0
"""Seconds without any answer after which the run is a failure."""

_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"


class Broken(Exception):
    """The server did not answer as it must; the numbers would mean nothing."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run took: nanoseconds for each request, seconds for all, and CPU seconds of the generator itself."""

    durations: list[int]
    seconds: float
    own_cpu: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.durations) / self.seconds


def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """The bytes of one POST."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{fields}\r\n".encode("latin-1") + body


def run(port: int, request: bytes, *, connections: int, requests: int) -> Load:
    """Send `request` `requests` times over `connections` keep-alive connections. Raises `Broken`."""
    lanes = [_Lane(port, request) for _ in range(min(connections, requests))]
    cpu, began = time.process_time(), time.perf_counter()
    durations: list[int] = []
    try:
        _circulate(lanes, requests, durations)
    finally:
        for lane in lanes:
            lane.socket.close()
    return Load(durations, time.perf_counter() - began, time.process_time() - cpu)


def _circulate(lanes: list[_Lane], requests: int, durations: list[int]) -> None:
    with selectors.DefaultSelector() as selector:
        for lane in lanes:
            selector.register(lane.socket, selectors.EVENT_READ, lane)
            lane.send()
        left = requests - len(lanes)
        while len(durations) < requests:
            ready = selector.select(PATIENCE)
            if not ready:
                raise Broken(f"no answer for {PATIENCE:.0f} s")
            for key, _ in ready:
                if key.data.receive():
                    durations.append(time.perf_counter_ns() - key.data.began)
                    if left > 0:
                        left -= 1
                        key.data.send()


class _Lane:
    """One connection."""

    __slots__ = ("_held", "_request", "_whole", "began", "socket")

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._held = bytearray()
        self._whole = 0
        self.began = 0

    def send(self) -> None:
        self.began = time.perf_counter_ns()
        self.socket.sendall(self._request)

    def receive(self) -> bool:
        """Read what is there; true once the answer is complete."""
        chunk = self.socket.recv(256 * 1024)
        if not chunk:
            raise Broken("the server hung up")
        self._held += chunk
        if not self._whole:
            self._whole = _length(self._held)
        if not self._whole or len(self._held) < self._whole:
            return False
        _check(self._held)
        self._held.clear()
        self._whole = 0
        return True


def _length(held: bytearray) -> int:
    """Bytes of the whole answer, 0 while its head is not complete. Answers of the benchmark have a Content-Length."""
    end = held.find(_END_OF_HEAD)
    if end < 0:
        return 0
    head = bytes(held[:end]).lower()
    place = head.find(_LENGTH)
    if place < 0:
        raise Broken("an answer has no Content-Length; the server must answer with plain JSON")
    return end + len(_END_OF_HEAD) + int(head[place + len(_LENGTH) :].split(b"\r\n", 1)[0])


def _check(answer: bytearray) -> None:
    status = bytes(answer[9:12])
    if status != b"200" or b'"error"' in answer or b'"isError":true' in answer:
        raise Broken(f"an honest request of the benchmark was answered with {status.decode('latin-1')} or an error")
