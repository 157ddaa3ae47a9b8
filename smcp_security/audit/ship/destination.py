"""From an entry of `audit.ship` to what carries lines there, and what cannot be used said in one line."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urlsplit

from smcp_security.audit.ship.carrier import Carrier
from smcp_security.audit.ship.collector import Collector, Content, JsonLines
from smcp_security.audit.ship.otlp import SERVICE, OtlpLogs
from smcp_security.audit.ship.syslog import DatagramSyslog, StreamSyslog, UnixSyslog, tcp, udp
from smcp_security.errors import PolicyError
from smcp_security.policy.audit import ShipPolicy

_UNIX: Final = "unix:"
_PREFIX: Final = "env:"
_TOKEN: Final = re.compile(r"[!-~]{1,8192}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where lines go. `name` is unique in the policy, `target` may be shown, `identity` tells two apart."""

    name: str
    target: str
    identity: str
    open: Callable[[], Carrier] = field(repr=False)
    warning: str = ""


def destination_of(ship: ShipPolicy, number: int, environ: Mapping[str, str]) -> Destination:
    """The destination that entry `number` names. Raises `PolicyError`."""
    where = f"audit.ship[{number}]"
    named = [(kind, text) for kind in ("syslog", "http", "otel") if (text := getattr(ship, kind)) is not None]
    if len(named) != 1:
        raise PolicyError(f"{where}: expected exactly one of syslog, http and otel, found {len(named)}")
    (kind, address), token = named[0], _token(ship.token, where, environ)
    if kind == "syslog":
        if token is not None:
            raise PolicyError(f"{where}.token: syslog knows no token; remove it, or use http")
        target, carrier, warning = _syslog(address, where)
    else:
        content = JsonLines() if kind == "http" else OtlpLogs(_service(environ))
        target, carrier, warning = _http(address, content, token, where)
    identity = hashlib.sha256(f"{kind} {address}".encode()).hexdigest()[:32]
    return Destination(f"{kind}-{number}", target, identity, carrier, warning)


def _syslog(address: str, where: str) -> tuple[str, Callable[[], Carrier], str]:
    if address.startswith(_UNIX):
        path = address.removeprefix(_UNIX)
        return address, lambda: UnixSyslog(path), ""
    split, host, port = _parts(address, f"{where}.syslog")
    if port is None:
        raise PolicyError(f"{where}.syslog: expected a port from 1 to 65535")
    if split.scheme == "udp":
        return address, lambda: DatagramSyslog(lambda: udp(host, port)), ""
    tls = split.scheme == "tls"
    return address, lambda: StreamSyslog(tcp(host, port, tls=tls), counted=True), ""


def _http(url: str, content: Content, token: str | None, where: str) -> tuple[str, Callable[[], Carrier], str]:
    split, host, _ = _parts(url, where)
    plain = split.scheme == "http" and not _is_loopback(host)
    secret = "the token and the lines" if token else "the lines"
    warning = f"{where}: {secret} go to {split.netloc} unencrypted; use https" if plain else ""
    # Its path may hold a secret of the collector's, as those of web hooks do.
    return split.netloc, lambda: Collector(url, content, token), warning


def _parts(address: str, where: str) -> tuple[SplitResult, str, int | None]:
    try:
        split = urlsplit(address)
        host, port = split.hostname, split.port
    except ValueError:
        host, port = None, None
    if not host or port == 0:
        raise PolicyError(f"{where}: expected a host, and a port from 1 to 65535")
    return split, host, port


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _service(environ: Mapping[str, str]) -> str:
    # Bytes of the environment that are no UTF-8 come as lone surrogates, which no JSON carries.
    return (environ.get("OTEL_SERVICE_NAME") or SERVICE).encode("utf-8", "replace").decode()


def _token(reference: str | None, where: str, environ: Mapping[str, str]) -> str | None:
    if reference is None:
        return None
    name = reference.removeprefix(_PREFIX)
    if not reference.startswith(_PREFIX) or not name:
        # The reference itself may be the token that somebody pasted here: it is not shown.
        raise PolicyError(f"{where}.token: expected env:NAME, the name of an environment variable that holds the token")
    token = environ.get(name)
    if token is None:
        raise PolicyError(f"{where}.token: the environment variable {name} is not set; set it to the collector's token")
    if _TOKEN.fullmatch(token) is None:
        raise PolicyError(
            f"{where}.token: the environment variable {name} holds what no header carries; expected visible ASCII"
        )
    return token
