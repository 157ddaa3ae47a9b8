"""The HTTP facts of a message, as the rungs see them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final

import msgspec

_NO_NAMES: Final[frozenset[str]] = frozenset()


class Headers(msgspec.Struct, frozen=True):
    """Header fields by lower-case name: the first value of each, and the names that came more than once.

    Values stay bytes until somebody asks: most headers are never looked at.
    """

    first: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    repeated: frozenset[str] = _NO_NAMES
    count: int = 0
    size: int = 0

    def __repr__(self) -> str:
        """Names alone: a value may be a credential."""
        return f"Headers({', '.join(self.first)})"

    def get(self, name: str) -> str | None:
        """The first value of `name` as latin-1, without surrounding blanks (RFC 9110, 5.5); None if absent."""
        value = self.first.get(name)
        return None if value is None else value.decode("latin-1").strip(" \t")


def read_headers(fields: Sequence[tuple[bytes, bytes]]) -> Headers:
    """Headers from raw fields, names in any case."""
    # From the last to the first, so that the first of several is the one that stays.
    first = {name.decode("latin-1").lower(): value for name, value in reversed(fields)}
    size = 4 * len(fields) + sum(map(len, chain.from_iterable(fields)))
    return Headers(first, _repeated(fields) if len(first) < len(fields) else _NO_NAMES, len(fields), size)


def _repeated(fields: Sequence[tuple[bytes, bytes]]) -> frozenset[str]:
    counts = Counter(name.decode("latin-1").lower() for name, _ in fields)
    return frozenset(name for name, count in counts.items() if count > 1)


class Http(msgspec.Struct, frozen=True):
    """The HTTP facts of a message. `peer` is the address of the connection, "unix" for a unix socket."""

    method: str
    path: str
    headers: Headers
    peer: str
    query: str = ""
