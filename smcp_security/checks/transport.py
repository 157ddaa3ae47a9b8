"""The transport rung, what is known before the body: Host, Origin, sizes, encodings, repeated headers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from smcp_security.checks.http import Headers, Http
from smcp_security.checks.rung import Context, Rung, pure
from smcp_security.decision import CLEAN, Outcome, denied
from smcp_security.policy import ServerPolicy

# uvicorn (h11) itself stops at 64 KiB of header; 100 fields is Apache's default, 200 leaves room for proxies.
MAX_HEADER_BYTES: Final = 64 * 1024
MAX_HEADER_FIELDS: Final = 200
# Twice what nginx and Apache take of a request line; some servers let any length through.
MAX_URL: Final = 16 * 1024
# A browser may reach a loopback server by these names; 0.0.0.0 is never one of them (CVE-2025-49596).
LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
METHODS: Final = ("POST", "GET", "DELETE", "HEAD", "OPTIONS")
# Readers disagree about which copy of these counts.
_ONCE: Final = frozenset(
    "authorization content-type content-length content-encoding transfer-encoding mcp-session-id last-event-id".split()
)
UNIX: Final = "unix"
SESSION_PARAMETERS: Final = ("session_id", "sessionId")
"""Where the deprecated HTTP+SSE transport names the session; the SDKs spell it differently."""
_KNOWN_NAMES: Final = 64

Network = IPv4Network | IPv6Network


def build(server: ServerPolicy) -> Rung:
    """The transport rung for a policy's server section."""
    hosts = _Names(server.hosts)
    origins = _Names(server.origins, schemes=("http", "https"))

    def transport(context: Context) -> Outcome:
        http = context.http
        if http is None:
            return CLEAN
        return (
            _host(http.headers, hosts)
            or _origin(http.headers, origins)
            or _shape(http)
            or _method(http)
            or (_body(http.headers, server.max_body) if http.method == "POST" else _no_body(http.headers))
            or CLEAN
        )

    return pure(transport)


class _Names:
    """Host names or origins that are allowed: a bare one on the default port, `:8080` on that, `:*` on any."""

    __slots__ = ("_all", "_any_port", "_exact", "_known")

    def __init__(self, listed: Sequence[str] | None, schemes: Iterable[str] = ()) -> None:
        if listed is None:
            prefixes = [f"{scheme}://" for scheme in schemes] or [""]
            listed = [f"{prefix}{name}:*" for prefix in prefixes for name in LOOPBACK]
        names = [name.lower() for name in listed]
        self._all = "*" in names
        self._any_port = frozenset(name.removesuffix(":*") for name in names if name.endswith(":*"))
        self._exact = frozenset(names)
        # The names that were allowed, as they were spelt: nearly all requests of a server carry one of a few.
        self._known: set[str] = set()

    def allow(self, name: str) -> bool:
        """Whether `name` (`host[:port]` or `scheme://host[:port]`) is on the list."""
        if name in self._known:
            return True
        allowed = self._allow(name)
        if allowed and len(self._known) < _KNOWN_NAMES:
            self._known.add(name)
        return allowed

    def _allow(self, name: str) -> bool:
        if self._all:
            return bool(name)
        name = name.lower()
        bare, port = _split_port(name)
        if port and not (port.isascii() and port.isdigit()):
            return False
        default = port == "443" if name.startswith("https:") else port == "80" or (port == "443" and "//" not in name)
        return name in self._exact or bare in self._any_port or (default and bare in self._exact)


def _split_port(name: str) -> tuple[str, str]:
    """`host:port` -> (host, port); the colons of a bracketed IPv6 address are not a port."""
    bare, colon, port = name.rpartition(":")
    if not colon or port.endswith("]") or port.startswith("//"):
        return name, ""
    return bare, port


def _host(headers: Headers, allowed: _Names) -> Outcome | None:
    if "host" in headers.repeated or not allowed.allow(headers.get("host") or ""):
        return denied("SMCP101", "Host")
    return None


def _origin(headers: Headers, allowed: _Names) -> Outcome | None:
    origin = headers.get("origin")
    if "origin" in headers.repeated or (origin is not None and not allowed.allow(origin)):
        return denied("SMCP102", "Origin")
    return None


def _shape(http: Http) -> Outcome | None:
    headers = http.headers
    if headers.count > MAX_HEADER_FIELDS or headers.size > MAX_HEADER_BYTES:
        return denied("SMCP103", hint=f"at most {MAX_HEADER_FIELDS} fields and {MAX_HEADER_BYTES} bytes")
    if len(http.path) + len(http.query) > MAX_URL:
        return denied("SMCP103", hint=f"a URL of at most {MAX_URL} bytes")
    if headers.repeated and (twice := sorted(headers.repeated & _ONCE)):
        return denied("SMCP107", twice[0])
    if "transfer-encoding" in headers.first and "content-length" in headers.first:
        return denied("SMCP107", "Content-Length", hint="Content-Length or Transfer-Encoding, not both")
    return None


def _method(http: Http) -> Outcome | None:
    return None if http.method in METHODS else denied("SMCP108", hint="POST, GET or DELETE")


def _no_body(headers: Headers) -> Outcome | None:
    if "transfer-encoding" in headers.first or headers.get("content-length") not in (None, "0"):
        return denied("SMCP109", "Content-Length")
    return None


def _body(headers: Headers, limit: int) -> Outcome | None:
    if (headers.get("content-encoding") or "identity").lower() != "identity":
        return denied("SMCP105", "Content-Encoding")
    if not _is_json(headers.get("content-type") or ""):
        return denied("SMCP106", "Content-Type", hint="application/json, in UTF-8")
    length = headers.get("content-length") or "0"
    if not (length.isascii() and length.isdigit()):
        return denied("SMCP107", "Content-Length", hint="a decimal number")
    # The digits are counted first: int() of a very long string is slow, or refused.
    if len(length) > 15 or int(length) > limit:
        return denied("SMCP104", hint=f"at most {limit} bytes")
    return None


def _is_json(content_type: str) -> bool:
    if content_type == "application/json":
        return True
    media, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [part.partition("=")[2].strip('" ') for part in parameters if part.startswith("charset")]
    return media == "application/json" and all(charset in ("utf-8", "utf8") for charset in charsets)


def client_address(http: Http, trusted: Sequence[Network | str]) -> str:
    """Who sends: the rightmost address of X-Forwarded-For that is no trusted proxy, if the peer is one."""
    address = http.peer
    forwarded = http.headers.get("x-forwarded-for")
    # A repeated field could be joined, but proxies that append do not repeat it: believe the peer alone.
    if forwarded is None or "x-forwarded-for" in http.headers.repeated:
        return address
    for hop in reversed(forwarded.split(",")):
        if not is_trusted(address, trusted) or (plain := _address(hop.strip())) is None:
            return address
        address = plain
    return address


def is_trusted(address: str, trusted: Sequence[Network | str]) -> bool:
    """Whether the peer at `address` is one of the policy's proxies."""
    if address == UNIX:
        return UNIX in trusted
    parsed = _parsed(address)
    return parsed is not None and any(not isinstance(network, str) and parsed in network for network in trusted)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed


def _address(hop: str) -> str | None:
    """A hop of X-Forwarded-For as an address: some proxies add a port, or brackets around IPv6."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    parsed = _parsed(hop)
    return None if parsed is None else str(parsed)


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """The key of limits: an IPv4 address itself, the /64 of an IPv6 address (one customer's least allotment)."""
    parsed = _parsed(address)
    if parsed is None:
        return address
    return str(IPv6Network((int(parsed), 64), strict=False)) if parsed.version == 6 else str(parsed)
