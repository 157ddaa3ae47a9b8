"""Syslog servers of every kind, each of which takes messages apart as its RFC says, and refuses what it does not."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.audit.ship.inbox import Inbox

_HEADER = re.compile(
    rb"<(\d{1,3})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d))"
    rb" ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32})"
    rb' (-|(?:\[[!-~]+(?: [^\]"= ]{1,32}="(?:\\.|[^"\\\]])*")*\])+)'
    rb"(?: ((?s:.*)))?",
)


@dataclass(frozen=True)
class Message:
    """A message by RFC 5424."""

    facility: int
    severity: int
    at: str
    host: str
    app: str
    process: str
    id: str
    data: str
    text: bytes


def parsed(datagram: bytes) -> Message:
    """Raises AssertionError for what is no message."""
    found = _HEADER.fullmatch(datagram)
    assert found is not None, datagram
    facility, severity = divmod(int(found[1]), 8)
    words = [found[number].decode("ascii") for number in range(2, 8)]
    return Message(facility, severity, *words, text=found[8])


class SyslogServer:
    """Messages that came, in `messages`; their texts in `inbox`. `close` ends it with all its connections."""

    def __init__(self, listening: socket.socket, inbox: Inbox, tls: ssl.SSLContext | None, *, counted: bool) -> None:
        self.inbox = inbox
        self.messages: list[Message] = []
        self.failures: list[str] = []
        self.address = listening.getsockname()
        self._tls = tls
        self._counted = counted
        self._listening = listening
        self._connections: list[socket.socket] = []
        self._closing = False
        stream = listening.type == socket.SOCK_STREAM
        self._thread = threading.Thread(target=self._accept if stream else self._datagrams, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Of an Internet socket."""
        return int(self.address[1])

    def hang_up(self) -> None:
        """Break all connections off."""
        for connection in self._connections:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # that of TLS would leave its reader without keys

    def close(self) -> None:
        """End."""
        self._closing = True
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.hang_up()
        self._thread.join(10)

    def _take(self, frame: bytes) -> None:
        message = parsed(frame)
        self.messages.append(message)
        self.inbox.put([message.text])

    def _datagrams(self) -> None:
        while not self._closing:
            try:
                datagram = self._listening.recv(1 << 20)
            except OSError:
                return
            if datagram:
                self._take(datagram)

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._connections.append(connection)
            with connection, connection.makefile("rb") as stream:
                for frame in self._frames(stream):
                    self._take(frame)
        except OSError as error:
            self.failures.append(type(error).__name__)

    def _frames(self, stream) -> Iterator[bytes]:  # type: ignore[no-untyped-def]
        if not self._counted:
            yield from (line.removesuffix(b"\n") for line in stream)
            return
        while length := stream.read(1):
            while not length.endswith(b" "):
                more = stream.read(1)
                if not more:
                    return
                length += more
            assert re.fullmatch(rb"[1-9][0-9]* ", length), length
            frame = stream.read(int(length))
            if len(frame) < int(length):
                return
            yield frame


@contextmanager
def syslog(
    kind: str, *, path: str = "", port: int = 0, inbox: Inbox | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[SyslogServer]:
    """A server at work: `dgram` and `stream` at `path`, `udp` and `tcp` (with `tls`: under TLS) on loopback."""
    family = socket.AF_UNIX if path else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_DGRAM if kind in ("dgram", "udp") else socket.SOCK_STREAM)
    if not path:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(path or ("127.0.0.1", port))
    if listening.type == socket.SOCK_STREAM:
        listening.listen()
    server = SyslogServer(listening, inbox or Inbox(), tls, counted=kind == "tcp")
    try:
        yield server
    finally:
        server.close()
