"""Where a shared store is, read from its URL. An error never shows the URL: it may hold a password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from smcp_security.errors import PolicyError

_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
# Everything else would change what this package relies on, such as time limits and retries.
_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_PARAMETERS: Final = frozenset({"db", "password", "sentinel_username", "sentinel_password", *_FILES})
_SCHEMES: Final = {"redis": "single", "unix": "unix", "sentinel": "sentinel", "cluster": "cluster"}
_EXPECTED: Final = (
    "redis://host:6379/0, rediss://..., unix:///path?db=0, redis+sentinel://host1:26379,host2:26379/service/0 "
    "or redis+cluster://host1:6379,host2:6379"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A server, or those that know it. `kind` is single, unix, sentinel or cluster."""

    kind: str
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    service: str = ""
    db: int = 0
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    files: Mapping[str, str] = field(default_factory=dict)
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)


def parse_address(url: str) -> Address:
    """The address that a URL says. Raises `PolicyError`, which names what is wrong and never the URL."""
    try:
        parts = urlsplit(url)
        parameters = _parameters(parts)
    except ValueError:
        raise _wrong("it is no URL") from None
    tls, kind = _kind(parts.scheme)
    user, _, places = parts.netloc.rpartition("@")
    username, _, password = user.partition(":")
    steps = [unquote(step) for step in parts.path.split("/")[1:] if step] if kind != "unix" else []
    service = steps.pop(0) if kind == "sentinel" and steps else ""
    address = Address(
        kind,
        () if kind == "unix" else _hosts(places, _SENTINEL_PORT if kind == "sentinel" else _PORT),
        unquote(parts.path) if kind == "unix" else "",
        service,
        _database(parameters.get("db"), steps),
        tls,
        unquote(username) or None,
        unquote(password) or parameters.get("password"),
        {name: parameters[name] for name in _FILES if name in parameters},
        parameters.get("sentinel_username"),
        parameters.get("sentinel_password"),
    )
    return _checked(address, places)


def _wrong(problem: str) -> PolicyError:
    return PolicyError(f"store.url: {problem}; expected {_EXPECTED}")


def _parameters(parts: SplitResult) -> dict[str, str]:
    found = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    parameters = dict(found)
    if len(parameters) < len(found) or not parameters.keys() <= _PARAMETERS or parts.fragment:
        raise PolicyError(
            f"store.url: a parameter is unknown or there twice; known are {', '.join(sorted(_PARAMETERS))}"
        )
    return parameters


def _kind(scheme: str) -> tuple[bool, str]:
    name, _, form = scheme.partition("+")
    kind = _SCHEMES.get(form if form else name.replace("rediss", "redis"), "")
    if not kind or (form and (name not in ("redis", "rediss") or kind not in ("sentinel", "cluster"))):
        raise _wrong("its scheme is unknown")
    if not form and name in ("sentinel", "cluster"):
        raise _wrong("its scheme is unknown")
    return name == "rediss", kind


def _hosts(places: str, port: int) -> tuple[tuple[str, int], ...]:
    return tuple(_host(place, port) for place in places.split(","))


def _host(place: str, default: int) -> tuple[str, int]:
    name, colon, port = place.rpartition(":") if not place.endswith("]") else (place, "", "")
    if not colon:
        name = place
    host = unquote(name.removeprefix("[").removesuffix("]"))
    if not host or (":" in host and not name.startswith("[")):
        raise _wrong("a host has no name, or an IPv6 address no brackets")
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise _wrong("a port is no number from 1 to 65535")
    return host, int(port) if colon else default


def _database(named: str | None, steps: list[str]) -> int:
    given = steps if named is None else [*steps, named]
    text = given[0] if given else "0"
    if len(given) > 1 or not (text.isascii() and text.isdigit() and len(text) < 6):
        raise _wrong("the number of the database is none")
    return int(text)


def _checked(address: Address, places: str) -> Address:
    if address.kind == "unix" and (places or not address.path.strip("/")):
        raise _wrong("a unix socket needs a path, after three slashes")
    if address.kind == "sentinel" and not address.service:
        raise _wrong("the service that the sentinels watch is not named")
    if address.kind == "cluster" and address.db:
        raise _wrong("a cluster has database 0 alone")
    if address.kind == "single" and len(address.hosts) > 1:
        raise _wrong("several hosts are for +sentinel and +cluster")
    if address.files and not address.tls:
        raise _wrong("certificates are for rediss")
    return address
