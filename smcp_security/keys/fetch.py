"""What is fetched from an issuer, and what is refused on the way: plain http, private addresses, odd answers.

The name is resolved once and every address judged; the connection goes to those addresses and no other, unless the
policy names a proxy, which then finds the way itself.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Final
from urllib.parse import SplitResult, quote_plus, urlencode, urlsplit

from smcp_security.errors import PolicyError, Unavailable
from smcp_security.keys.faults import Unreachable
from smcp_security.keys.reach import Address, is_loopback, is_private, is_public, parse_address
from smcp_security.policy.identity import FetchPolicy

Resolve = Callable[[str, int], Sequence[str]]
"""Host and port to the texts of its addresses; raises OSError or UnicodeError."""

_ADDRESSES_MAX: Final = 8
_PORTS: Final = {"http": 80, "https": 443}
_JSON: Final = "application/json"
_JSON_TYPE: Final = re.compile(rb"application/([a-z0-9.+_-]{1,64}\+)?json")


def resolve_name(host: str, port: int) -> Sequence[str]:
    """The addresses of `host`, as the system's resolver orders them."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def check_source(where: str) -> None:
    """Raises `PolicyError` if nothing can be fetched here; `where` is the place in the policy that asks for it."""
    if find_spec("httpcore2") is None:
        raise PolicyError(f"{where}: needs an HTTP client; run: pip install 'smcp-security[http]'")


class Fetcher:
    """Requests under one policy. Thread-safe. Its errors name the host and never what was sent or came back."""

    def __init__(self, options: FetchPolicy, resolve: Resolve = resolve_name) -> None:
        self._options = options
        self._resolve = resolve
        self._tls: ssl.SSLContext | None = None

    @property
    def timeout(self) -> float:
        """Longest time of one request, in seconds."""
        return float(self._options.timeout)

    def get(self, url: str) -> bytes:
        """The JSON document at `url`. Raises `Unavailable`."""
        return self._exchange("GET", url, {})

    def post(self, url: str, form: Mapping[str, str], auth: tuple[str, str]) -> bytes:
        """The JSON document with which `url` answers `form`, sent with HTTP Basic. Raises `Unavailable`."""
        # RFC 6749, 2.3.1: both halves are form-encoded before they are joined.
        pair = ":".join(quote_plus(half) for half in auth)
        headers = {
            "Authorization": "Basic " + b64encode(pair.encode("ascii")).decode("ascii"),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return self._exchange("POST", url, headers, urlencode(form).encode("ascii"))

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
        # 80 ms to import: only for those who fetch, and on the thread that does.
        from smcp_security.keys.network import Asked, exchange

        ends = time.monotonic() + self._options.timeout
        split = urlsplit(url)
        if split.scheme != "https" and (not self._options.allow_http or self._options.proxy is not None):
            raise Unavailable(f"{split.hostname}: expected https")
        fields = {"Host": split.netloc, "Accept": _JSON, "Accept-Encoding": "identity", **headers}
        try:
            addresses = None if self._options.proxy else self._addresses(split)
            asked = Asked(
                method=method, url=url, headers=fields, body=body, addresses=addresses,
                proxy=self._options.proxy, ends=ends,
            )  # fmt: skip
            return exchange(asked, self._context() if split.scheme == "https" else None, _judge)
        except Unavailable as error:
            # Certificates of a new authority are read at the next attempt.
            self._tls = None
            raise type(error)(f"{split.hostname}: {error}") from None

    def _context(self) -> ssl.SSLContext:
        tls = self._tls or ssl.create_default_context()
        self._tls = tls
        return tls

    def _addresses(self, url: SplitResult) -> Sequence[str]:
        try:
            names = self._resolve(url.hostname or "", url.port or _PORTS[url.scheme])
        except (OSError, UnicodeError):
            raise Unreachable("the name cannot be resolved") from None
        addresses = [parse_address(name) for name in names]
        allowed = is_loopback if url.scheme == "http" else self._allows
        # All of them: which one is taken must not depend on who answers the resolver.
        if not addresses or not all(address is not None and allowed(address) for address in addresses):
            kind = "on this machine" if url.scheme == "http" else "public (allow_private: true allows private ones)"
            raise Unavailable(f"the name leads to an address that is not {kind}")
        return list(dict.fromkeys(names))[:_ADDRESSES_MAX]

    def _allows(self, address: Address) -> bool:
        return is_public(address) or (self._options.allow_private and is_private(address))


def _judge(status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
    if status != 200:
        raise Unavailable(f"answers with status {status} instead of 200")
    if any(value.strip().lower() != b"identity" for value in _all(headers, b"content-encoding")):
        raise Unavailable("answers in an encoding that it was not asked for")
    kinds = [value.partition(b";")[0].strip().lower() for value in _all(headers, b"content-type")]
    if len(kinds) != 1 or _JSON_TYPE.fullmatch(kinds[0]) is None:
        raise Unavailable("answers with a content type that is not JSON")


def _all(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for field, value in headers if field.lower() == name]
