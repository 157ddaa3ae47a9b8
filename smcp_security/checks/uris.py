"""Resource URIs in the one form that all readers agree on, or none: what is matched must be what the server opens.

Refused is what readers take differently: dot segments in any spelling, backslashes, empty segments, path parameters,
fragments, user info, needless ports, addresses in odd spellings, characters outside of RFC 3986, double and malformed
escapes. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import unquote_to_bytes

LONGEST: Final = 4096
_MAX_MARKS: Final = 64
UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# RFC 3986 without `#` and `;`: fragments and path parameters are cut off by some readers and kept by others.
PLAIN: Final = UNRESERVED | frozenset(":/?[]@!$&'()*+,=")

_ABSOLUTE: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):([A-Za-z0-9._~:/?\[\]@!$&'()*+,=%-]*)", re.ASCII)
_ESCAPE: Final = re.compile("%([0-9A-Fa-f]{2})", re.ASCII)
_MALFORMED: Final = re.compile("%(?![0-9A-Fa-f]{2})", re.ASCII)
# Behind an escape: a second round of escaping, a slash, a backslash.
_TWICE: Final = re.compile("%25[0-9A-Fa-f]{2}|%2F|%5C", re.ASCII)
# Schemes whose host URL parsers mend ("special" in the URL standard), with the port that they leave out.
_WEB: Final[Mapping[str, str]] = {"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}
_PORT: Final = re.compile(r":([^:\]]*)$")
_NUMERIC: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_BETWEEN: Final = re.compile(r"[/\\?#&=;:,]")


def canonical(uri: str) -> str | None:
    """The URI with scheme and authority in lower case and no needless escapes; None if readers may differ on it."""
    found = _ABSOLUTE.fullmatch(uri) if len(uri) <= LONGEST else None
    if found is None or _MALFORMED.search(found[2]):
        return None
    scheme, rest = found[1].lower(), _tidied(found[2])
    if _TWICE.search(rest) or not _reads_alike(scheme, rest):
        return None
    return f"{scheme}:{rest}"


def shorter_forms(uri: str) -> tuple[str, ...]:
    """A canonical URI and what lenient servers take it for: without its query, without a slash at the end.

    A rule that denies one of them denies the URI.
    """
    bare = uri.partition("?")[0]
    return tuple(dict.fromkeys((uri, uri.removesuffix("/"), bare, bare.removesuffix("/"))))


def tidied(pattern: str) -> str:
    """A glob or template of URIs with scheme and authority in lower case and no needless escapes."""
    scheme, colon, rest = pattern.partition(":")
    return f"{scheme.lower()}:{_tidied(rest)}" if colon else pattern


def _tidied(rest: str) -> str:
    authority, path, query = _parts(rest)
    # Twice: what was escaped has a case too, and an escape that stays is in upper case.
    host = _ESCAPE.sub(_least_escaped, _ESCAPE.sub(_least_escaped, authority).lower())
    return host + _ESCAPE.sub(_least_escaped, path + query)


def _parts(rest: str) -> tuple[str, str, str]:
    """(`//authority` or nothing, path, `?query` or nothing) of what stands behind the scheme."""
    body, mark, query = rest.partition("?")
    if not body.startswith("//"):
        return "", body, mark + query
    authority, slash, path = body[2:].partition("/")
    return f"//{authority}", slash + path, mark + query


def _least_escaped(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in UNRESERVED else f"%{escape[1].upper()}"


def _reads_alike(scheme: str, rest: str) -> bool:
    authority, path, _ = _parts(rest)
    if "@" in authority or "%40" in authority or "//" in path or not _one_server(scheme, authority):
        return False
    # RFC 8089 allows three spellings of a local file; only file:///path counts.
    if scheme == "file" and authority != "//" and (not authority or authority == "//localhost"):
        return False
    plain = _decoded(rest) if "%" in rest else rest
    return plain is not None and not any(part.strip(" ") in (".", "..") for part in _BETWEEN.split(plain))


def _one_server(scheme: str, authority: str) -> bool:
    """Whether the authority is spelt in the only way: parsers take `:`, `:080` and `:80` away, and mend web hosts."""
    found = _PORT.search(authority)
    port = None if found is None else found[1]
    if port == "" or authority.startswith("//:") or (port is not None and len(port) > 1 and port.startswith("0")):
        return False
    if scheme not in _WEB:
        return True
    host = authority[2 : None if found is None else found.start()]
    if not host or "%" in host or host.endswith(".") or port == _WEB[scheme]:
        return False
    try:
        if host.startswith("["):
            return f"[{IPv6Address(host[1:-1]).compressed}]" == host
        return _NUMERIC.fullmatch(host) is None or str(IPv4Address(host)) == host
    except AddressValueError:
        return False


def _decoded(rest: str) -> str | None:
    """What the escapes stand for, as the most generous reader takes it; None if it hides what no URI may hold."""
    try:
        text = unquote_to_bytes(rest).decode("utf-8")  # strictly: overlong forms of `.` and `/` are no UTF-8
    except UnicodeDecodeError:
        return None
    # Normalising is quadratic in them, and no word stacks that many.
    if sum(map(bool, map(unicodedata.combining, text))) > _MAX_MARKS:
        return None
    folded = unicodedata.normalize("NFKC", text)
    if not (text.isprintable() and folded.isprintable()):
        return None
    grown = any(folded.count(sign) > rest.count(sign) for sign in "/\\")
    return None if grown else folded
