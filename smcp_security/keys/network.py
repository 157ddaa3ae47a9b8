"""One HTTP exchange over addresses that were judged before, all of it before one deadline.

The only module that imports httpcore2, what httpx2 is made of: that layer takes a network of ours. It follows no
redirects, keeps no cookies, decodes nothing and reads no proxy from the environment.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpcore2

from smcp_security.errors import Unavailable
from smcp_security.keys.faults import Unreachable

BODY_MAX: Final = 1024 * 1024
_FAILURES: Final = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.TimeoutException,
    httpcore2.UnsupportedProtocol,
)
_NO_CONNECTION: Final = (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.ProxyError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request. `addresses` is where to connect to; None lets the proxy find the way."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    addresses: Sequence[str] | None
    proxy: str | None
    ends: float


Judge = Callable[[int, Sequence[tuple[bytes, bytes]]], None]
"""Told status and headers before the body is read; raises `Unavailable` where it need not be."""


def exchange(asked: Asked, tls: ssl.SSLContext | None, judge: Judge) -> bytes:
    """The body of the answer, all of it before `asked.ends`.

    Raises:
        Unreachable: no connection.
        Unavailable: no answer in time or none that is HTTP, and what `judge` raises.
    """
    network = _Network(asked)
    try:
        with _pool(asked, tls, network) as pool:
            fields = list(asked.headers.items())
            with pool.stream(asked.method, asked.url, headers=fields, content=asked.body or None) as response:
                judge(response.status, response.headers)
                return _read(response.iter_stream())
    except _FAILURES as error:
        # Their texts hold what the other side sent.
        kind = Unreachable if isinstance(error, _NO_CONNECTION) else Unavailable
        raise kind(_reason(error)) from None


def _pool(asked: Asked, tls: ssl.SSLContext | None, network: _Network) -> httpcore2.ConnectionPool:
    if asked.proxy is None:
        return httpcore2.ConnectionPool(ssl_context=tls, network_backend=network)
    return httpcore2.HTTPProxy(asked.proxy, ssl_context=tls, network_backend=network)


def _read(chunks: Iterable[bytes]) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > BODY_MAX:
            raise Unavailable("answers with more than 1 MiB")
    return bytes(body)


def _reason(error: Exception) -> str:
    if isinstance(error, httpcore2.TimeoutException):
        return "does not answer in time"
    if isinstance(error, httpcore2.ProxyError):
        return "the proxy refuses to connect"
    if isinstance(error.__context__, ssl.SSLCertVerificationError):
        return "shows a certificate that is not valid for that name"
    if isinstance(error, httpcore2.ConnectError):
        return "cannot be connected to"
    return "breaks off, or does not speak HTTP"


class _Network(httpcore2.NetworkBackend):
    """Connects to the addresses of one request alone, and to nothing once its time is over."""

    def __init__(self, asked: Asked) -> None:
        self._addresses = asked.addresses
        self._ends = asked.ends
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """A connection to the first address that takes one; each gets its share of the time that is left."""
        addresses = (host,) if self._addresses is None else self._addresses
        refused: Exception = httpcore2.ConnectError("no address")
        for waiting in range(len(addresses), 0, -1):
            try:
                share = self.left() / waiting
                stream = self._sockets.connect_tcp(addresses[-waiting], port, share, local_address, socket_options)
                return _Stream(stream, self)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                refused = error
        raise refused

    def left(self) -> float:
        """Seconds until the deadline; raises when none is left."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("over")
        return left


class _Stream(httpcore2.NetworkStream):
    """A connection whose every step ends at the deadline: a server that drips bytes gains nothing."""

    def __init__(self, stream: httpcore2.NetworkStream, network: _Network) -> None:
        self._stream = stream
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has arrived, at most `max_bytes`."""
        return self._stream.read(max_bytes, self._network.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`."""
        self._stream.write(buffer, self._network.left())

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """The same connection under TLS; the certificate must be one of `server_hostname`."""
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._network.left()), self._network)

    def get_extra_info(self, info: str) -> Any:
        """Facts about the connection."""
        return self._stream.get_extra_info(info)
