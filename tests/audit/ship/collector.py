"""An HTTP collector that behaves as a test tells it to: takes, refuses, hangs, hangs up, sends elsewhere."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.audit.ship.inbox import Inbox


@dataclass(frozen=True)
class Request:
    """One POST as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer; `cut` closes the connection within it, `hang` never gives it; an `unmeasured` body ends with the
    connection."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"{}"
    cut: bool = False
    hang: bool = False
    unmeasured: bool = False


Script = Callable[[Request, int], Reply]
"""What is answered to a request, and to the how manieth."""


class CollectorServer(ThreadingHTTPServer):
    """What came in requests that were answered with 2xx is in `inbox`; every request in `requests`."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, script: Script, inbox: Inbox, tls: ssl.SSLContext | None) -> None:
        self.inbox = inbox
        self.script = script
        self.requests: list[Request] = []
        self.released = threading.Event()
        self.connections: list[socket.socket] = []
        super().__init__(("127.0.0.1", port), _Handler)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    def get_request(self) -> Any:
        request = super().get_request()
        self.connections.append(request[0])
        return request

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections break in these tests."""

    @property
    def url(self) -> str:
        """Where it takes lines."""
        return f"http://127.0.0.1:{self.server_port}/in"


class _Handler(BaseHTTPRequestHandler):
    server: CollectorServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = Request(self.path, {name.lower(): text for name, text in self.headers.items()}, body)
        inbox = self.server.inbox
        with inbox.changed:
            self.server.requests.append(request)
            number = len(self.server.requests)
            inbox.changed.notify_all()
        reply = self.server.script(request, number)
        if reply.hang:
            self.server.released.wait(60)
            self.close_connection = True
            return
        if 200 <= reply.status < 300 and not reply.cut:
            inbox.put([line for line in body.split(b"\n") if line])
        self._answer(reply)

    def _answer(self, reply: Reply) -> None:
        if reply.cut:
            self.wfile.write(b"HTTP/1.1 20")
            self.wfile.flush()
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, text in reply.headers:
            self.send_header(name, text)
        if reply.unmeasured:
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def taken(_request: Request, _number: int) -> Reply:
    """What a collector says that takes everything."""
    return Reply()


def first(*replies: Reply) -> Script:
    """These replies to the first requests, then 200."""
    return lambda _request, number: replies[number - 1] if number <= len(replies) else Reply()


@contextmanager
def collector(
    script: Script = taken, *, port: int = 0, inbox: Inbox | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[CollectorServer]:
    """A collector at work, until the end of the block."""
    server = CollectorServer(port, script, inbox or Inbox(), tls)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
        for connection in server.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def lines_in(requests: Sequence[Request]) -> list[bytes]:
    """The lines of JSON Lines requests."""
    return [line for request in requests for line in request.body.split(b"\n") if line]
