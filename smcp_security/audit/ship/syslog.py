"""Lines as syslog messages (RFC 5424), by datagram or over a stream. The only module that knows syslog."""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from smcp_security.audit.ship.carrier import Undelivered
from smcp_security.audit.ship.label import Label, Weight, label_of
from smcp_security.audit.ship.wire import Wire, connect, fault

_LOG_AUDIT: Final = 13
_SEVERITY: Final = {Weight.ERROR: 3, Weight.WARNING: 4, Weight.NOTICE: 5, Weight.INFORMATION: 6}
_APP_NAME: Final = "smcp"
_STRUCTURE: Final = "smcp@32473"
"""The number is IANA's for documentation (RFC 5612): we have none of our own, and a name without one is not allowed."""

_NOT_A_NAME: Final = re.compile(r"[^!-~]")
_TO_ESCAPE: Final = re.compile(r'(["\\\]])')
_NOT_PRINTABLE: Final = re.compile(r"[^ -~]")
_BATCH_LINES: Final = 200
_BATCH_BYTES: Final = 256 * 1024
_DOUBT: Final = 10.0


def message(line: bytes, host: str, process: int) -> bytes:
    """The syslog message that carries `line`, which stands in it unchanged."""
    label = label_of(line)
    priority = _LOG_AUDIT * 8 + _SEVERITY[label.weight]
    kind = label.kind or "-"
    head = f"<{priority}>1 {_time(label.at)} {host} {_APP_NAME} {process} {kind} {_structure(label)} "
    return head.encode("ascii", "replace") + line


def host_name() -> str:
    """This machine's name as syslog takes it."""
    return _NOT_A_NAME.sub("", socket.gethostname())[:255] or "-"


class StreamSyslog:
    """Over a stream: with the length before each message (RFC 6587, RFC 5425), or a line feed behind it."""

    most_lines = _BATCH_LINES
    most_bytes = _BATCH_BYTES
    doubt = _DOUBT

    def __init__(self, open_wire: Callable[[float], Wire], *, counted: bool) -> None:
        self._open_wire = open_wire
        self._counted = counted
        self._wire: Wire | None = None

    def send(self, lines: Sequence[bytes], ends: float) -> int:
        """Send them, and wait until the system at the other end says that it has them."""
        try:
            wire = self._connected(ends)
            wire.sendall(self._frames(lines))
            wire.await_receipt()
        except (OSError, UnicodeError) as error:
            self._drop()
            raise Undelivered(fault(error)) from None
        return 0

    def check(self) -> None:
        """Notice soon that the other side is gone: what it had not read yet is lost then."""
        if self._wire is not None and self._wire.ended():
            self._drop()
            raise Undelivered("has closed the connection")

    def abort(self) -> None:
        """Cut the connection under a `send` that hangs."""
        if (wire := self._wire) is not None:
            wire.abort()

    def abandon(self) -> None:
        """Let the connection go: under TLS a good-bye would end it for the other process too."""
        self._drop()

    def close(self, ends: float) -> None:
        """Say good-bye (TLS) and close."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.ends = ends
            wire.bid_farewell()

    def _connected(self, ends: float) -> Wire:
        self.check()
        if self._wire is None:
            self._wire = self._open_wire(ends)
        self._wire.ends = ends
        return self._wire

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _frames(self, lines: Sequence[bytes]) -> bytes:
        host, process = host_name(), os.getpid()
        messages = (message(line, host, process) for line in lines if line)
        if self._counted:
            return b"".join(b"%d %b" % (len(each), each) for each in messages)
        return b"".join(each + b"\n" for each in messages)


class DatagramSyslog:
    """One message a datagram. Over UDP nobody says what arrived; what no datagram holds is left out and counted."""

    most_lines = _BATCH_LINES
    most_bytes = _BATCH_BYTES
    doubt = 0.0

    def __init__(self, open_socket: Callable[[], socket.socket]) -> None:
        self._open_socket = open_socket
        self._socket: socket.socket | None = None

    def send(self, lines: Sequence[bytes], ends: float) -> int:
        """Send each; a receiver on this machine that is full is waited for."""
        host, process = host_name(), os.getpid()
        try:
            if self._socket is None:
                self._socket = self._open_socket()
            pace = Wire(self._socket, ends)
            return sum(not self._sent(pace, message(line, host, process)) for line in lines if line)
        except (OSError, UnicodeError) as error:
            self.close(ends)
            raise Undelivered(fault(error)) from None

    def check(self) -> None:
        """There is no connection to look after."""

    def abort(self) -> None:
        """A datagram waits for a full receiver on this machine alone, and no longer than until the deadline."""

    def abandon(self) -> None:
        """Close the socket."""
        self.close(0.0)

    def close(self, ends: float) -> None:
        """Close the socket."""
        opened, self._socket = self._socket, None
        if opened is not None:
            opened.close()

    def _sent(self, pace: Wire, datagram: bytes) -> bool:
        assert self._socket is not None
        self._socket.settimeout(pace.left())
        try:
            self._socket.send(datagram)
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                return False
            raise
        return True


class UnixSyslog:
    """To a socket of this machine, whichever of the two kinds it is. A stream's messages end with a line feed."""

    most_lines = _BATCH_LINES
    most_bytes = _BATCH_BYTES
    doubt = _DOUBT

    def __init__(self, path: str) -> None:
        self._path = path
        self._inner: DatagramSyslog | StreamSyslog | None = None

    def send(self, lines: Sequence[bytes], ends: float) -> int:
        """Send them; the kind of socket is looked at again whenever it has failed."""
        if self._inner is None:
            self._inner = self._fitting()
        try:
            return self._inner.send(lines, ends)
        except Undelivered:
            self._inner = None
            raise

    def check(self) -> None:
        """Notice that a stream was closed."""
        if self._inner is not None:
            self._inner.check()

    def abort(self) -> None:
        """Cut a stream under a `send` that hangs."""
        if (inner := self._inner) is not None:
            inner.abort()

    def abandon(self) -> None:
        """Let the socket go."""
        if self._inner is not None:
            self._inner.abandon()

    def close(self, ends: float) -> None:
        """Close the socket."""
        inner, self._inner = self._inner, None
        if inner is not None:
            inner.close(ends)

    def _fitting(self) -> DatagramSyslog | StreamSyslog:
        try:
            unix_datagram(self._path).close()
        except OSError as error:
            if error.errno == errno.EPROTOTYPE:
                return StreamSyslog(lambda ends: unix_stream(self._path, ends), counted=False)
            raise Undelivered(fault(error)) from None
        return DatagramSyslog(lambda: unix_datagram(self._path))


def unix_datagram(path: str) -> socket.socket:
    """A socket to the one at `path`. Raises `OSError`, with EPROTOTYPE where that is a stream."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    return _connected(opened, path)


def unix_stream(path: str, ends: float) -> Wire:
    """A stream to the socket at `path`."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    opened.settimeout(Wire(opened, ends).left())
    return Wire(_connected(opened, path), ends)


def udp(host: str, port: int) -> socket.socket:
    """A socket to that address. Connected, so that a port nobody listens on is noticed where the network says so."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    return _connected(socket.socket(family, kind, protocol), address)


def tcp(host: str, port: int, *, tls: bool) -> Callable[[float], Wire]:
    """What opens a stream to that address."""
    return lambda ends: connect(host, port, tls=tls, ends=ends)


def _connected(opened: socket.socket, address: Any) -> socket.socket:
    try:
        opened.connect(address)
    except OSError:
        opened.close()
        raise
    return opened


def _time(at: str) -> str:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return "-"
    return "-" if moment.tzinfo is None else moment.isoformat(timespec="microseconds")


def _structure(label: Label) -> str:
    if not label.kind:
        return "-"
    given = {"id": label.id, "kind": label.kind, "code": ",".join(label.codes)}
    fields = "".join(f' {name}="{_value(text)}"' for name, text in given.items() if text)
    return f"[{_STRUCTURE}{fields}]"


def _value(text: str) -> str:
    # A file that somebody has tampered with must not end this message and begin another.
    return _TO_ESCAPE.sub(r"\\\1", _NOT_PRINTABLE.sub("?", text))
