"""Sends one request on a connection of its own and reads what comes, within a time and a size. Follows nothing."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from smcp_security.cli.selftest.shot import Shot

MOST: Final = 4 * 1024 * 1024
_CHUNK: Final = 64 * 1024
_SOON: Final = 1.0
_PORTS: Final = {"http": 80, "https": 443}


class Unreachable(Exception):
    """No connection to the target. The text is for the operator."""


class _Strange(Unreachable):
    """The name leads to another machine, which nobody has confirmed."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back. `status` 0: nothing. `ending` says how it ended, if not by an answer.

    That is "silent", "hung up", or "standing" for a stream that stays open.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    message: Any = None
    empty: bool = True
    ending: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the target listens. `anywhere` is False where only this machine may be meant."""

    url: str
    timeout: float
    anywhere: bool = False

    def fire(self, shot: Shot) -> Heard:
        """Send a request. Raises `Unreachable` if there is nobody to send it to."""
        parts = urlsplit(self.url)
        raw = shot.raw(parts.netloc, parts.path or "/", parts.query)
        with self._connected() as connection:
            try:
                return _exchanged(connection, raw, shot.method, time.monotonic() + self.timeout)
            except TimeoutError:
                return Heard(ending="silent")
            except (OSError, http.client.HTTPException, ValueError):
                return Heard(ending="hung up")

    def _connected(self) -> socket.socket:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        try:
            plain = socket.create_connection((host, parts.port or _PORTS[parts.scheme]), self.timeout)
        except OSError as error:
            raise Unreachable(f"cannot be reached ({_reason(error)}); is the server running there?") from None
        try:
            if not self.anywhere and not ip_address(plain.getpeername()[0].partition("%")[0]).is_loopback:
                raise _Strange("leads to another machine; name it by --target-confirmed too if it is yours")
            return plain if parts.scheme == "http" else _secured(plain, host)
        except BaseException:
            plain.close()
            raise


def _reason(error: OSError) -> str:
    return "no such name" if isinstance(error, socket.gaierror) else (error.strerror or type(error).__name__).lower()


def _secured(plain: socket.socket, host: str) -> socket.socket:
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError:
        raise Unreachable("shows a certificate that this machine does not trust; SSL_CERT_FILE names others") from None
    except OSError:
        raise Unreachable("cannot speak TLS; is it http:// instead of https://?") from None


class _Timed(io.RawIOBase):
    """A socket that is read until a moment, however slowly it drips."""

    def __init__(self, connection: socket.socket, ends: float) -> None:
        self._connection = connection
        self.ends = ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)

    def makefile(self, mode: str) -> io.BufferedReader:
        """What `http.client` asks a socket for."""
        return io.BufferedReader(self)


def _exchanged(connection: socket.socket, raw: bytes, method: str, ends: float) -> Heard:
    # It may have answered before it hung up.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(raw)
    timed = _Timed(connection, ends)
    response = http.client.HTTPResponse(timed, method=method)  # type: ignore[arg-type]
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    standing = method == "GET" and response.status == 200 and kind == "text/event-stream"
    if standing:
        # It opens whatever the request holds, and nothing ends it: what serves a message says so at once.
        timed.ends = min(ends, time.monotonic() + _SOON)
    try:
        message, empty = _event(response) if kind == "text/event-stream" else _whole(response)
    except TimeoutError:
        return Heard(response.status, headers, ending="standing" if standing else "silent")
    except (OSError, http.client.HTTPException):
        return Heard(response.status, headers, ending="hung up")
    return Heard(response.status, headers, message, empty)


def _whole(response: http.client.HTTPResponse) -> tuple[Any, bool]:
    body = b""
    for chunk in _chunks(response):
        body += chunk
    return _read(body), not body.strip()


def _event(response: http.client.HTTPResponse) -> tuple[Any, bool]:
    """The first event that is an answer; what a server asks or notifies in between is passed over."""
    waiting, seen = b"", False
    for chunk in _chunks(response):
        waiting = (waiting + chunk).replace(b"\r\n", b"\n")
        *events, waiting = waiting.split(b"\n\n")
        for event in events:
            lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
            seen = seen or any(lines)
            message = _read(b"\n".join(lines))
            if isinstance(message, dict) and ("result" in message or "error" in message):
                return message, False
    return None, not seen


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    size = 0
    while size < MOST and (chunk := response.read1(_CHUNK)):
        size += len(chunk)
        yield chunk


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
