"""A record on its way to the file: what everyone may read, what is one person's, and whose it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from smcp_security.audit.record import printable
from smcp_security.checks.transport import network_of

PRIVATE: Final = frozenset({"caller", "label", "address", "session", "arguments", "tenant", "uri"})
"""Fields of a record that say something of a person: sealed under that person's key, in every kind of record."""

_IN_ORDER: Final = tuple(sorted(PRIVATE))
_OF_THE_CHAIN: Final = frozenset({"stream", "seq", "prev", "person", "sealed", "mac", "sig"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One record. `public` and `private` are JSON objects as bytes; `person` is whose the private part is.

    `private` is empty where nothing of the record is anybody's.
    """

    public: bytes
    private: bytes = b""
    person: str = ""

    def __len__(self) -> int:
        """Bytes that wait in the queue."""
        return len(self.public) + len(self.private) + len(self.person)


def entry_of(record: Mapping[str, Any]) -> Entry:
    """The record taken apart and encoded, as `record.encode` does it: printable ASCII, no line break.

    What is empty is left out of the private part. Raises `ValueError` for a record with a field of the chain's: the
    line would have it twice.
    """
    public, private = dict(record), {}
    for name in _IN_ORDER:
        if value := public.pop(name, None):
            private[name] = value
    if not _OF_THE_CHAIN.isdisjoint(public):
        raise ValueError(f"a record must not have the fields {', '.join(sorted(_OF_THE_CHAIN))}")
    return Entry(printable(public), printable(private), person_of(record)) if private else Entry(printable(public))


def person_of(record: Mapping[str, Any]) -> str:
    """Whose record it is: `caller:<id>` if verified, else `label:<label>`, else `address:<network>`, else `nobody`."""
    caller, label, address = record.get("caller"), record.get("label"), record.get("address")
    if type(caller) is dict and caller["verified"]:
        return f"caller:{caller['id']}"
    if label:
        return f"label:{label}"
    return f"address:{network_of(address)}" if address else "nobody"
