"""The canonical form of a definition: the whole of it as the server lists it, so that what is unknown counts too. Pure.

As RFC 8785 with two differences: keys are sorted by code point, and integers stay exact. Servers list one definition
with its keys in another order in either era of the protocol, and 1.0 becomes 1 on its way through JavaScript.
"""

from __future__ import annotations

from hashlib import sha256
from math import isfinite
from typing import Any, Final

import msgspec

MAX_DEPTH: Final = 200
"""Deeper messages of a server are withheld."""

_EXACT: Final = 2**53
"""Whole floats beyond this may stand for several integers."""

sorted_bytes: Final = msgspec.json.Encoder(order="sorted").encode
"""JSON with sorted keys, of a value that was read strictly: equal bytes are equal definitions. Others may be, too."""


class Unpinnable(ValueError):
    """What cannot be pinned. The text says why; names in it are escaped."""


def canonical(definition: Any) -> bytes:
    """The canonical bytes of a definition. Raises `Unpinnable`."""
    try:
        return sorted_bytes(_plain(definition, 0))
    except (UnicodeError, OverflowError):
        raise Unpinnable("half of a surrogate pair, or a number that JSON cannot hold") from None


def digest_of(definition: Any) -> str:
    """SHA-256 (hex) of the canonical bytes of a definition. Raises `Unpinnable`."""
    return sha256(canonical(definition)).hexdigest()


def _plain(node: Any, depth: int) -> Any:
    """A copy in which whole floats are integers."""
    if depth > MAX_DEPTH:
        raise Unpinnable(f"nested deeper than {MAX_DEPTH} levels")
    kind = type(node)
    if kind is str or kind is bool or kind is int or node is None:
        return node
    if kind is dict:
        if not all(type(key) is str for key in node):
            raise Unpinnable("a key that is no text")
        return {key: _plain(member, depth + 1) for key, member in node.items()}
    if kind is list:
        return [_plain(member, depth + 1) for member in node]
    if kind is not float or not isfinite(node):
        raise Unpinnable("a value that JSON does not have")
    return int(node) if node.is_integer() and abs(node) <= _EXACT else node
