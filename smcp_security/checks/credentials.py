"""Where a message carries its credential, and that it carries one alone. Pure: nothing is verified here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import unquote_plus

from smcp_security.checks.http import Http
from smcp_security.checks.rung import Context
from smcp_security.checks.transport import Network, is_trusted
from smcp_security.policy import IdentityPolicy, Policy

LONGEST: Final = 8 * 1024
"""Bytes of a credential. Access tokens with many groups reach 4 KiB; servers stop at 8 KiB of one field by default."""
LONGEST_NAME: Final = 1024

_BEARER: Final = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)")
_VISIBLE: Final = re.compile(r"[!-~]+")
_OWN_KEY: Final = re.compile(r"smcp_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")
# Names of query parameters, without their - _ and dots.
_QUERY_NAMES: Final = frozenset(
    "accesstoken apikey apitoken token key auth authtoken authorization bearer bearertoken jwt idtoken secret "
    "clientsecret password xapikey smcpapikey".split()
)
_LISTS: Final = frozenset({"x-forwarded-for", "forwarded"})
_ADDRESS: Final = re.compile(r"[0-9A-Fa-f.:]+")
# Characters of hops between a client and its server. Who lists more wants us to read addresses for a while.
_LONGEST_CHAIN: Final = 4096
# `by` is where the proxy itself was reached (RFC 7239, 5.1).
_FORWARDED_FOR: Final = re.compile(r"for\s*=([^;,]*)", re.IGNORECASE)
# As it came, and decoded up to three times, as proxies and frameworks do.
_READINGS: Final = 4
# The name of a parameter that has a value.
_NAMED: Final = re.compile(r"(?:^|[&;?])([^&;?=\[]*)(?:\[[^&;?=]*)?=[^&;?]")
# token, token[] and token[0] are one name for the frameworks that read lists, api_key and api-key for people.
_FILLERS: Final = str.maketrans("", "", "-_. +")


class Refused(Exception):
    """A credential does not count. `code` is the finding's; `hint` says what would, and never what came.

    `guess` is what failed logins are counted by: the id of a key, or "token"; empty if nothing was guessed.
    """

    def __init__(self, code: str, where: str = "", hint: str = "", *, guess: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.where = where
        self.hint = hint
        self.guess = guess


class Kind(StrEnum):
    """What sort of thing vouches for the caller. A token may be an API key too; a key may not be a token."""

    TOKEN = "token"
    KEY = "key"
    FORWARDED = "forwarded"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential as it came. `where` is the field that carried it."""

    kind: Kind
    where: str
    text: str = field(repr=False)


class Sources:
    """Where a policy's credentials may stand."""

    __slots__ = ("_certificate", "_forwarded", "_trusted", "key_header")

    def __init__(self, policy: Policy, identity: IdentityPolicy) -> None:
        self.key_header = (identity.api_keys.header if identity.api_keys is not None else None) or ""
        self._forwarded = identity.forwarded
        self._certificate = identity.certificate.header if identity.certificate is not None else ""
        self._trusted = policy.server.trusted_proxies

    def find(self, context: Context) -> Credential | None:
        """The one credential of a message, None if it has none. Raises `Refused`.

        A token or key decides alone where a gateway vouches too: it can be verified.
        """
        http = context.http
        if http is not None and http.query:
            _check_query(http.query, self.key_header)
        found = [*_in_process(context), *self._in_headers(http)]
        if not found and http is not None and self._may_vouch and vouches(http, self._trusted):
            found = list(self._vouched(http))
        if len(found) > 1:
            raise Refused("SMCP209", found[1].where)
        return found[0] if found else None

    @property
    def _may_vouch(self) -> bool:
        return self._forwarded is not None or bool(self._certificate)

    def field(self, http: Http, name: str | None) -> str:
        """What a trusted proxy says in a field; empty if it says nothing. Raises `Refused` for what no proxy writes."""
        value = http.headers.first.get(name) if name is not None else None
        if name is None or value is None:
            return ""
        if name in http.headers.repeated:
            raise Refused("SMCP209", name)
        try:
            text = value.decode("utf-8").strip(" \t")
        except UnicodeDecodeError:
            raise Refused("SMCP202", name, "UTF-8") from None
        if text and not text.isprintable():
            raise Refused("SMCP202", name, "printable text")
        return text

    def _in_headers(self, http: Http | None) -> Iterator[Credential]:
        if http is None:
            return
        headers = http.headers
        if "authorization" in headers.first:
            if "authorization" in headers.repeated:
                raise Refused("SMCP209", "Authorization")
            yield Credential(Kind.TOKEN, "Authorization", _bearer(headers.first["authorization"]))
        if self.key_header and self.key_header in headers.first:
            if self.key_header in headers.repeated:
                raise Refused("SMCP209", self.key_header)
            text = headers.first[self.key_header].decode("latin-1").strip(" \t")
            yield Credential(Kind.KEY, self.key_header, _visible(text, self.key_header))

    def _vouched(self, http: Http) -> Iterator[Credential]:
        if self._forwarded is not None and (user := self.field(http, self._forwarded.user)):
            # A proxy that appends to what the client sent joins the two with a comma.
            if "," in user:
                raise Refused("SMCP209", self._forwarded.user, "one name, set anew by the proxy")
            if len(user) > LONGEST_NAME:
                raise Refused("SMCP202", self._forwarded.user, f"at most {LONGEST_NAME} characters")
            yield Credential(Kind.FORWARDED, self._forwarded.user, user)
        if self._certificate and (subject := self.field(http, self._certificate)):
            yield Credential(Kind.CERTIFICATE, self._certificate, subject)


def vouches(http: Http, trusted: Sequence[Network | str]) -> bool:
    """Whether the peer is a trusted proxy, so that its word on the caller counts.

    Servers such as uvicorn put what X-Forwarded-For says in the place of the peer, and take it from any local process.
    A gateway never lists itself there: a peer that is listed may be nobody's word but the client's.
    """
    if not is_trusted(http.peer, trusted):
        return False
    headers = http.headers
    if not _LISTS.isdisjoint(headers.repeated):
        return False
    listed = (headers.get("x-forwarded-for") or "").split(",")
    listed += _FORWARDED_FOR.findall(headers.get("forwarded") or "")
    if sum(map(len, listed)) > _LONGEST_CHAIN:
        return False
    # The peer's own text, for names that are no address; and its address, for other spellings of it.
    return http.peer not in [name.strip() for name in listed] and not _addresses([http.peer]) & _addresses(listed)


def _addresses(names: Iterable[str]) -> set[IPv4Address | IPv6Address]:
    """The addresses in names that may have brackets, quotes, a zone or a port."""
    found = set()
    for name in names:
        for text in _ADDRESS.findall(name):
            with suppress(ValueError):
                parsed = ip_address(text.partition(":")[0] if text.count(":") == 1 else text)
                found.add(getattr(parsed, "ipv4_mapped", None) or parsed)
    return found


def _in_process(context: Context) -> Iterator[Credential]:
    if context.token:
        if _BEARER.fullmatch(b"Bearer " + context.token.encode("utf-8", "replace")) is None:
            raise Refused("SMCP202", "token", "one token, without a scheme", guess="token")
        yield Credential(Kind.TOKEN, "token", _short(context.token, "token"))
    if context.api_key:
        yield Credential(Kind.KEY, "api_key", _visible(context.api_key, "api_key"))


def _bearer(value: bytes) -> str:
    """The token of an Authorization field. An empty one, and any other scheme, is a credential that does not count."""
    match = _BEARER.fullmatch(value.strip(b" \t"))
    if match is None:
        raise Refused("SMCP202", "Authorization", "Bearer and one token", guess="token")
    return _short(match[1].decode("ascii"), "Authorization")


def _visible(text: str, where: str) -> str:
    if _VISIBLE.fullmatch(text) is None:
        raise Refused("SMCP202", where, "one API key", guess="token")
    return _short(text, where)


def _short(text: str, where: str) -> str:
    if len(text) > LONGEST:
        raise Refused("SMCP202", where, f"at most {LONGEST} bytes", guess="token")
    return text


def _check_query(query: str, key_header: str) -> None:
    """Raises `Refused` if the query names a credential, or holds one of our keys anywhere, however it is escaped."""
    names = {*_QUERY_NAMES, _plain(key_header)} - {""}
    text = query
    for _ in range(_READINGS):
        if _OWN_KEY.search(text) is not None or not names.isdisjoint(_NAMED.findall(_plain(text))):
            raise Refused("SMCP208", "query")
        decoded = unquote_plus(text)
        if decoded == text:
            return
        text = decoded


def _plain(text: str) -> str:
    return text.casefold().translate(_FILLERS)
