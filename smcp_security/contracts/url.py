"""Absolute URLs that RFC 3986 and the URL standard read alike, to hosts that a policy allows. Pure.

A server that fetches one should connect to the address that was judged: between the look-up here and its own a name
may change where it leads, and a redirect leads on to what was never judged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from smcp_security.contracts.contract import Contract, Fault, Found, HostLookup, Lookup
from smcp_security.contracts.expected import JUDGED
from smcp_security.contracts.host_names import Host, HostGlobs, answers_code, is_inside, read_host
from smcp_security.contracts.hosts import leads_inside
from smcp_security.contracts.spellings import is_up, spellings
from smcp_security.policy.contracts import UrlContract

_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)([^#]*)(.*)", re.DOTALL)
_PORT: Final = re.compile(r":([1-9][0-9]{0,4})$", re.ASCII)
_NEVER: Final = frozenset(' "<>\\^`{|}')
"""Not in RFC 3986, escaped by some readers and kept by others."""
_BROKEN_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2})", re.ASCII)
_DEFAULT_PORTS: Final[Mapping[str, int]] = {
    "http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21, "ftps": 990, "sftp": 22, "ssh": 22, "git": 9418,
}  # fmt: skip


class UrlRule(Contract):
    """An absolute URL of some schemes, hosts and ports."""

    kind = "url"
    expects = JUDGED["url"]

    def __init__(self, policy: UrlContract) -> None:
        self._schemes = frozenset(scheme.lower() for scheme in policy.schemes)
        self._hosts = HostGlobs(policy.hosts)
        self._any_port = policy.ports is None and policy.hosts is not None
        self._ports = policy.ports
        self._public_only = policy.public_only
        self._resolve = policy.public_only and policy.resolve
        self._max_length = policy.max_length
        accepted = _accepted(policy)
        self._refused = Fault("SMCP511", accepted)
        self._faults = {code: Fault(code, accepted) for code in ("SMCP511", "SMCP512", "SMCP519")}
        self._too_long = Fault("SMCP517", f"a URL of at most {self._max_length} characters")

    def fault(self, value: str) -> Fault | None:
        """What is wrong with the URL as text; None if nothing is."""
        if len(value) > self._max_length:
            return self._too_long
        found = _URL.fullmatch(value)
        if found is None or found[1].lower() not in self._schemes:
            return self._refused
        host_text, port = _host_and_port(found[2])
        host = read_host(host_text)
        if self._public_only and (is_inside(host, host_text) or _holds_inner_url(found)):
            return self._faults["SMCP512"]
        if host is None or host not in self._hosts or not self._takes_port(found[1].lower(), port):
            return self._refused
        return None if _is_plain(value) and _is_one_path(found[3]) and not _goes_on(found) else self._refused

    def fault_of_beginning(self, value: str) -> Fault | None:
        """The same for a URL that is still being typed: what follows may complete it."""
        if len(value) > self._max_length:
            return self._too_long
        scheme, colon, rest = value.partition(":")
        if not colon:
            begun = any(known.startswith(scheme.lower()) for known in self._schemes)
            return None if begun else self._refused
        if scheme.lower() not in self._schemes or not ("//".startswith(rest) or rest.startswith("//")):
            return self._refused
        authority = rest[2:]
        if any(sign in authority for sign in "/?#"):
            # An escape at the end may be half typed.
            return self.fault(re.sub("%[0-9A-Fa-f]?$", "", value))
        if not _is_plain(authority) or not {"@", "%"}.isdisjoint(authority):
            return self._refused
        return self._faults["SMCP512"] if self._public_only and leads_inside(value) else None

    def lookups(self, value: str) -> tuple[Lookup, ...]:
        """The host, where only a resolver knows where it leads."""
        host = self._host(value) if self._resolve else None
        return () if host is None or host.address is not None else (HostLookup(host.name),)

    def fault_found(self, value: str, found: tuple[Found, ...]) -> Fault | None:
        """What is wrong with the addresses of the host: none is known, or one of them is not public."""
        if not self.lookups(value):
            return None
        code = answers_code(found)
        return self._faults[code] if code else None

    def _host(self, value: str) -> Host | None:
        found = _URL.fullmatch(value) if len(value) <= self._max_length else None
        return None if found is None else read_host(_host_and_port(found[2])[0])

    def _takes_port(self, scheme: str, port: int | None) -> bool:
        """`port` is None where none is written, -1 where what is written is none."""
        default = _DEFAULT_PORTS.get(scheme)
        used = default if port is None else port
        if self._ports is not None:
            return used in self._ports
        return port is None or used == default or (self._any_port and port > 0)


def _accepted(policy: UrlContract) -> str:
    schemes = " or ".join(f"{scheme}://" for scheme in policy.schemes)
    parts = [f"an absolute URL that begins with {schemes}, without credentials, other signs percent-encoded"]
    if policy.hosts is not None:
        parts.append("to a host that the policy names")
    if policy.public_only:
        parts.append("to a public host in its plain spelling")
    if policy.ports is not None:
        parts.append(f"port {' or '.join(map(str, policy.ports))}")
    return ", ".join(parts)


def _is_plain(text: str) -> bool:
    return text.isprintable() and _NEVER.isdisjoint(text) and _BROKEN_ESCAPE.search(text) is None


def _host_and_port(authority: str) -> tuple[str, int | None]:
    """The host, and the port: None where none is written, -1 where it is none."""
    found = _PORT.search(authority)
    if found is not None:
        port = int(found[1])
        return authority[: found.start()], port if port <= 65535 else -1
    before, colon, _ = authority.rpartition(":")
    return (before, -1) if colon and not authority.endswith("]") else (authority, None)


def _is_one_path(path: str) -> bool:
    """Whether all readers find the same steps up in the path, and none of them leaves it or ends a line."""
    depth = 0
    for segment in path.split("/")[1:]:
        step = -1 if segment == ".." else 0 if segment in ("", ".") else 1
        depth += step
        if depth < 0:
            return False
    found = spellings(path)
    ups = path.split("/").count("..")
    return (
        found.valid
        and found.bounded
        and all(map(str.isprintable, found.layers))
        and all(sum(map(is_up, form.replace("\\", "/").split("/"))) == ups for form in found.forms)
    )


def _holds_inner_url(found: re.Match[str]) -> bool:
    """Whether a URL within the URL leads to a metadata service: it may be for a proxy, or a redirect."""
    rest = found[3] + found[4] + found[5]
    return ("//" in rest or "%" in rest or not rest.isascii()) and leads_inside(f"x://x/{rest}")


def _goes_on(found: re.Match[str]) -> bool:
    """Whether old parsers look for the host behind `?` or `#`: nothing stands between, and an `@` follows."""
    return not found[3] and "@" in found[4] + found[5]
