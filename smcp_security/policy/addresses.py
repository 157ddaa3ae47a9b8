"""Hosts, origins, paths and networks of the `server` section: checked and brought to one spelling. Pure."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, Literal

Proxy = IPv4Network | IPv6Network | Literal["unix"]

_NAME: Final = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)"
_HOST: Final = rf"(?:{_NAME}(?:\.{_NAME})*|\[[0-9A-Fa-f:.]{{2,45}}\])"
_PORT: Final = r"(?::(?:[1-9][0-9]{0,4}|\*))?"
HOST_PATTERN: Final = rf"^(\*|{_HOST}{_PORT})$"
ORIGIN_PATTERN: Final = rf"^[A-Za-z][A-Za-z0-9+.-]{{0,31}}://{_HOST}{_PORT}$"
PATH_PATTERN: Final = r"^(/|(/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*)+/?)$"
METHOD_PATTERN: Final = r"^[A-Za-z0-9_.$*-]{1,64}(/[A-Za-z0-9_.$*-]{1,64}){0,7}$"
_ONE_PORT: Final = r"(?::[1-9][0-9]{0,4})?"
ISSUER_PATTERN: Final = rf'^https?://{_HOST}{_ONE_PORT}(/[!"$->@-\[\]-~]{{0,1000}})?$'
URL_PATTERN: Final = rf'^https?://{_HOST}{_ONE_PORT}([/?][!"$-\[\]-~]{{0,1000}})?$'
_STEP: Final = r"/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*"
RESOURCE_PATTERN: Final = rf"^[Hh][Tt][Tt][Pp][Ss]?://{_HOST}{_ONE_PORT}({_STEP})*/?$"

_HOST_RE: Final = re.compile(HOST_PATTERN, re.ASCII)
_ORIGIN_RE: Final = re.compile(ORIGIN_PATTERN, re.ASCII)
_PATH_RE: Final = re.compile(PATH_PATTERN, re.ASCII)
_METHOD_RE: Final = re.compile(METHOD_PATTERN, re.ASCII)
_ISSUER_RE: Final = re.compile(ISSUER_PATTERN, re.ASCII)
_URL_RE: Final = re.compile(URL_PATTERN, re.ASCII)
_RESOURCE_RE: Final = re.compile(RESOURCE_PATTERN, re.ASCII)
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_WILDCARD_ADDRESSES: Final = frozenset({"0.0.0.0", "[::]"})

HOST_EXPECTED: Final = (
    "expected a host name without scheme or path, such as mcp.example.com, mcp.example.com:8443 or localhost:*"
    " (an international name in its xn-- form)"
)
ORIGIN_EXPECTED: Final = "expected an origin without a path, such as https://app.example.com or http://localhost:*"
PATH_EXPECTED: Final = "expected an absolute path such as /mcp, without query, escapes, dot segments or //"
METHOD_EXPECTED: Final = "expected a method name or glob such as tasks/* or x-vendor/thing"
ISSUER_EXPECTED: Final = "expected an issuer such as https://idp.example.com, without credentials, query and fragment"
URL_EXPECTED: Final = "expected a URL such as https://idp.example.com/jwks.json, without credentials and fragment"
RESOURCE_EXPECTED: Final = (
    "expected the URL of the MCP endpoint, such as https://mcp.example.com/mcp, without query, escapes and dot segments"
)
PROXY_EXPECTED: Final = "expected a network such as 10.0.0.0/8, one address, or the word unix"


def _text(value: object, pattern: re.Pattern[str], expected: str) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise ValueError(expected)
    return value


def parse_host(value: object) -> str:
    """One entry of `server.hosts` in lower case: `name`, `name:port`, `name:*`, or `*` alone.

    Raises:
        ValueError: not such an entry, a port over 65535, or an address that only a listener has (0.0.0.0, [::]).
    """
    host = _text(value, _HOST_RE, HOST_EXPECTED).lower()
    _check_authority(host, HOST_EXPECTED)
    return host


def parse_origin(value: object) -> str:
    """One entry of `server.origins` in lower case, the scheme's default port left out as browsers do.

    Raises:
        ValueError: not `scheme://host[:port|:*]`; `null` and `*` are no origins.
    """
    origin = _text(value, _ORIGIN_RE, ORIGIN_EXPECTED).lower()
    scheme, _, authority = origin.partition("://")
    _check_authority(authority, ORIGIN_EXPECTED)
    return origin.removesuffix(_DEFAULT_PORTS.get(scheme, ":"))


def _check_authority(authority: str, expected: str) -> None:
    name, port = split_port(authority)
    if name in _WILDCARD_ADDRESSES:
        raise ValueError(f"{expected}; {name} is where a server listens, no client may ask for it")
    if port not in ("", "*") and int(port) > 65535:
        raise ValueError(f"{expected}; a port is at most 65535")
    if name.startswith("["):
        _check_ipv6(name[1:-1], expected)


def _check_ipv6(address: str, expected: str) -> None:
    try:
        IPv6Address(address)
    except ValueError:
        raise ValueError(f"{expected}; what is in brackets is not an IPv6 address") from None


def split_port(authority: str) -> tuple[str, str]:
    """`("name", "port")` of `name`, `name:port`, `name:*` or `[v6]:port`; the port is "" where none is given."""
    name, colon, port = authority.rpartition(":")
    return (name, port) if colon and not port.endswith("]") else (authority, "")


def parse_path(value: object) -> str:
    """One entry of `server.paths` without the trailing slash.

    Raises:
        ValueError: not absolute, or with a part that servers and proxies read differently (`..`, `//`, `%`, `?`).
    """
    path = _text(value, _PATH_RE, PATH_EXPECTED)
    return path.rstrip("/") or "/"


def parse_issuer(value: object) -> str:
    """The name of an issuer, as it is written: `iss` is compared exactly.

    Raises:
        ValueError: not an absolute http(s) URL, or with credentials, a query or a fragment.
    """
    return _url(value, _ISSUER_RE, ISSUER_EXPECTED)


def parse_url(value: object) -> str:
    """A URL that something is fetched from, as it is written.

    Raises:
        ValueError: not an absolute http(s) URL, or with credentials or a fragment.
    """
    return _url(value, _URL_RE, URL_EXPECTED)


def _url(value: object, pattern: re.Pattern[str], expected: str) -> str:
    url = _text(value, pattern, expected)
    _check_authority(authority_of(url).lower(), expected)
    return url


def authority_of(url: str) -> str:
    """`name` or `name:port` of an absolute URL."""
    return re.split("[/?]", url.partition("://")[2], maxsplit=1)[0]


def parse_resource(value: object) -> str:
    """`server.resource` in its canonical form (RFC 8707): lower case before the path, no default port, no last slash.

    Raises:
        ValueError: not an absolute http(s) URL, or with a part that compares differently here and there.
    """
    scheme, _, rest = _text(value, _RESOURCE_RE, RESOURCE_EXPECTED).partition("://")
    authority, slash, path = rest.partition("/")
    authority = authority.lower()
    _check_authority(authority, RESOURCE_EXPECTED)
    return f"{scheme.lower()}://{authority.removesuffix(_DEFAULT_PORTS[scheme.lower()])}{slash}{path}".rstrip("/")


def parse_method(value: object) -> str:
    """One glob of `server.extra_methods`.

    Raises:
        ValueError: not a method name with optional `*`.
    """
    return _text(value, _METHOD_RE, METHOD_EXPECTED)


def parse_proxy(value: object) -> Proxy:
    """One entry of `server.trusted_proxies`: a network (an address is the network of itself), or `unix`.

    Raises:
        ValueError: not a network, one with host bits set, or one that holds every address.
    """
    if value == "unix":
        return "unix"
    network = _network(value)
    if network.prefixlen == 0:
        raise ValueError(f"{PROXY_EXPECTED}; a network of all addresses would let every client choose its own")
    return network


def _network(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    if not isinstance(value, str):
        raise ValueError(PROXY_EXPECTED)
    try:
        return ip_network(value)
    except ValueError:
        raise ValueError(f"{PROXY_EXPECTED}{_mask_hint(value)}") from None


def _mask_hint(value: str) -> str:
    try:
        return f"; did you mean {ip_network(value, strict=False)}?"
    except ValueError:
        return ""
