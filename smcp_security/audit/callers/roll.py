"""Who is known, by handle and by name, and how many nobody vouched for. In memory, and for one thread at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from smcp_security.audit.callers.lines import Known

MOST: Final = 10_000
"""Persons of a kind that nobody vouched for. Further ones share a key: who sends from ever new addresses, or calls
itself by ever new labels, must fill neither the disk nor the memory."""

_BOUNDED: Final = frozenset({"address", "label"})
_KINDS: Final = frozenset({"address", "caller", "label"})


class Roll:
    """The persons of one file of callers, in the order in which they came."""

    def __init__(self) -> None:
        self._handles: dict[str, Known] = {}
        self._names: dict[str, Known] = {}
        self._counts: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Known]:
        return iter(self._handles.values())

    def keep(self, known: Known) -> bool:
        """Add a person; false if the handle is another's."""
        if self._handles.setdefault(known.handle, known) is not known:
            return False
        self._names.setdefault(known.name, known)
        self._counts[_kind(known.name)] += 1
        return True

    def by_handle(self, handle: str) -> Known | None:
        """Who has that handle."""
        return self._handles.get(handle)

    def lookup(self, name: str) -> Known | None:
        """Who has the key for what is said of a person."""
        return self._names.get(name) or self._names.get(self.key_name(name))

    def key_name(self, name: str) -> str:
        """The name under which a new person gets a key: where there are too many of a kind, that of all others."""
        kind = _kind(name)
        return f"{kind}:others" if kind in _BOUNDED and self._counts[kind] >= MOST else name

    def found(self, name: str) -> Iterator[Known]:
        """Everybody of that name: `caller:ann` exactly, or `ann` whatever the kind."""
        kind, colon, _ = name.partition(":")
        if colon and kind in _KINDS:
            return (known for known in self if known.name == name)
        return (known for known in self if (known.name.partition(":")[2] or known.name) == name)


def _kind(name: str) -> str:
    return name.partition(":")[0]
