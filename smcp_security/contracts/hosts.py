"""Whether a text literally leads to a metadata service of a cloud: what no honest URL or host does. Pure.

For arguments without a contract. Where a contract speaks, `host_names.py` decides, and takes one spelling only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from smcp_security.contracts.addresses import LONGEST, is_metadata, readings
from smcp_security.contracts.host_names import METADATA_NAMES, embedded_in, spells_metadata
from smcp_security.contracts.spellings import spellings

_NESTED: Final = 16
"""URLs within the URL, and pieces of an authority, that are looked at."""

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_.-]+", re.ASCII)
_BREAKS: Final = str.maketrans("", "", "\t\r\n")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}:/{0,8}", re.ASCII)
_PIECES: Final = re.compile(r"[@\s&#?,;]+")


def leads_inside(text: str) -> bool:
    """Whether a URL or host names a metadata service or a link-local address, in any spelling that some parser reads.

    URLs within the URL count too; loopback and private networks do not.
    """
    visible = text.translate(_BREAKS).strip() if len(text) <= LONGEST else text.strip()
    # A backslash is a slash to browsers, and a letter of the user's name to others.
    forms = dict.fromkeys(each for form in spellings(visible).forms for each in (form, form.replace("\\", "/")))
    return any(map(_is_metadata, dict.fromkeys(host for form in forms for host in _hosts_of(form))))


def _hosts_of(text: str) -> Iterator[str]:
    """What some reader takes for a host: first names without a scheme, then whatever follows one."""
    if len(text) <= LONGEST and not any(map(str.isspace, text)):
        # A single word is a host only behind a scheme, a number is one anywhere.
        yield from (host for host in _authority(text.lstrip("/")) if "." in host or ":" in host or host[:1].isdigit())
    found = _SCHEME.match(text)
    if found is not None:
        yield from _authority(text[found.end() :])
    # In prose a URL ends with the word.
    for nested in text.split("://", _NESTED)[1:]:
        yield from _authority("".join(nested.split(None, 1)[:1]))


def _authority(rest: str) -> Iterator[str]:
    """Pieces of what ends at the first slash. Old parsers go on behind `?` and `#` to the last `@`."""
    area = rest.lstrip("/ ").partition("/")[0]
    pieces = _PIECES.split(area[: 4 * LONGEST]) + _PIECES.split(area[-4 * LONGEST :])
    for piece in dict.fromkeys(pieces):
        yield piece.partition("]")[0] if piece.startswith("[") else piece
        yield piece.partition(":")[0]


def _is_metadata(host: str) -> bool:
    if not 0 < len(host) <= LONGEST:
        return False
    if _PLAIN_NAME.fullmatch(host) is not None:
        # By far the most: no reader makes a number of it.
        return host.lower().rstrip(".") in METADATA_NAMES
    if any(map(is_metadata, readings(host))):
        return True
    name = unicodedata.normalize("NFKC", host).replace("\u3002", ".").lower().rstrip(".")
    return name in METADATA_NAMES or any(map(is_metadata, embedded_in(name))) or spells_metadata(name)
