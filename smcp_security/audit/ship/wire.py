"""A connection whose every step ends at one deadline, plain or under TLS: who drips bytes holds up nobody."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import ssl
import sys
import time
from typing import Any, Final

if sys.platform != "win32":
    import fcntl
    import termios

_CHUNK: Final = 64 * 1024
_LONGEST_ANSWER: Final = 1024 * 1024
"""Bytes, with the head."""

_LOOK_FIRST: Final = 0.0005
_LOOK_LAST: Final = 0.05
_SO_NWRITE: Final = 0x1024
"""Of macOS: bytes that were written and not yet acknowledged."""


class Wire:
    """A connected stream socket. `ends` (monotonic) is when every step of it fails with `TimeoutError`."""

    def __init__(self, connected: socket.socket, ends: float) -> None:
        self.ends = ends
        self._socket = connected

    def left(self) -> float:
        """Seconds until the deadline. Raises `TimeoutError` when none is left."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("over")
        return left

    def sendall(self, data: bytes) -> None:
        """Send all of `data`."""
        view = memoryview(data)
        while view:
            self._socket.settimeout(self.left())
            view = view[self._socket.send(view[:_CHUNK]) :]

    def receive(self, buffer: memoryview) -> int:
        """Bytes that have arrived, into `buffer`; 0 at the end of the stream."""
        self._socket.settimeout(self.left())
        return self._socket.recv_into(buffer)

    def makefile(self, mode: str, *_: Any) -> io.BufferedReader:
        """The stream as a file to read one answer from: what `http.client` asks a socket for."""
        return io.BufferedReader(_Incoming(self))

    def await_receipt(self) -> None:
        """Return when the system of the other side has acknowledged all that was sent."""
        pause = _LOOK_FIRST
        while _unacknowledged(self._socket):
            self.left()
            if self.ended():
                raise ConnectionResetError("closed by the other side")
            time.sleep(pause)
            pause = min(pause * 2, _LOOK_LAST)

    def ended(self, *, silent: bool = False) -> bool:
        """Whether the other side has closed the connection, as far as can be seen without waiting.

        `silent`: or has said anything, where it has nothing to say.
        """
        self._socket.settimeout(0.0)
        try:
            return not self._socket.recv(_CHUNK) or silent
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            return True

    def abort(self) -> None:
        """Make a step in another thread fail at once."""
        with contextlib.suppress(OSError):
            # That of a TLS socket would also drop the encryption, under the feet of the other thread.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection without a word."""
        self._socket.close()

    def bid_farewell(self) -> None:
        """Close the connection so that the other side knows it has everything."""
        with contextlib.suppress(OSError):
            if isinstance(self._socket, ssl.SSLSocket):
                self._socket.settimeout(self.left())
                self._socket.unwrap()
        self.close()


class _Incoming(io.RawIOBase):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._room = _LONGEST_ANSWER

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._room:
            raise ConnectionAbortedError  # with no end to what it says, it would keep a core busy until the deadline
        count = self._wire.receive(memoryview(buffer)[: self._room])
        self._room -= count
        return count


def connect(host: str, port: int, *, tls: bool, ends: float) -> Wire:
    """A connection before `ends`; under TLS to somebody whose certificate the system's authorities vouch for.

    Raises `OSError` (a name that cannot be resolved and a bad certificate among them).
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    refused: OSError = OSError("no address")
    for waiting, (family, kind, protocol, _, address) in zip(range(len(found), 0, -1), found, strict=True):
        connected = socket.socket(family, kind, protocol)
        try:
            connected.settimeout(Wire(connected, ends).left() / waiting)
            connected.connect(address)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return Wire(_encrypted(connected, host, ends) if tls else connected, ends)
        except OSError as error:
            connected.close()
            # Its frames may hold a socket under TLS that was begun: without them it is closed at once.
            refused = error.with_traceback(None)
    raise refused


def fault(error: Exception) -> str:
    """What went wrong, without a word of what the other side said."""
    match error:
        case ssl.SSLCertVerificationError():
            return "shows a certificate that is not valid for that name"
        case ssl.SSLError():
            return "does not agree on TLS, or breaks it off"
        case TimeoutError():
            return "does not answer in time"
        case socket.gaierror() | UnicodeError():
            return "has a name that cannot be resolved"
        case OSError(errno=int(number)):
            return f"cannot be reached: {os.strerror(number)}"
        case _:
            return "breaks off, or does not speak its protocol"


def _encrypted(connected: socket.socket, host: str, ends: float) -> socket.socket:
    # Made anew for each connection: certificates of a new authority are read then.
    context = ssl.create_default_context()
    connected.settimeout(Wire(connected, ends).left())
    # Of one that is broken off already `wrap_socket` leaves its copy to the collector.
    connected.getpeername()
    return context.wrap_socket(connected, server_hostname=host)


def _unacknowledged(connected: socket.socket) -> int:
    if sys.platform == "darwin":
        return connected.getsockopt(socket.SOL_SOCKET, _SO_NWRITE)
    if sys.platform == "win32":
        return 0
    waiting = fcntl.ioctl(connected.fileno(), termios.TIOCOUTQ, bytes(4))
    return int.from_bytes(waiting, sys.byteorder)
