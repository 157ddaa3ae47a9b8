"""What every contract is: a text -> a fault or none, and perhaps one look-up before that is settled. Pure."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

_NOTHING: frozenset[str] = frozenset()


class Fault(msgspec.Struct, frozen=True):
    """Why a value is refused: a code of the SMCP51x rows, and in words what is accepted. Never a part of the value."""

    code: str
    accepted: str


class PathLookup(msgspec.Struct, frozen=True):
    """Where does this absolute path lead, links followed? Answered by a `ResolvedPath`."""

    path: str


class HostLookup(msgspec.Struct, frozen=True):
    """Which addresses has this name? Answered by a tuple of IP addresses as text, empty if it has none."""

    host: str


class ResolvedPath(msgspec.Struct, frozen=True):
    """`real` is absolute and free of links as far as the path exists; `exists` is whether all of it does."""

    real: str
    exists: bool


Lookup: TypeAlias = PathLookup | HostLookup
Found: TypeAlias = ResolvedPath | tuple[str, ...]


class Contract:
    """One kind with its settings. Immutable after construction: threads share it."""

    kind: str = ""
    expects: frozenset[str] = _NOTHING
    """Categories of detection that are content here, not an attack: SQL in an argument for SQL."""

    most: int = 0
    """Characters that it judges in all the values of one message, for kinds whose parsers are slow; 0: any number.

    Never less than one value may have.
    """

    @property
    def asks(self) -> bool:
        """Whether there may be anything to look up."""
        return type(self).lookups is not Contract.lookups

    def fault(self, value: str) -> Fault | None:
        """What is wrong with the text itself; None if nothing is."""
        raise NotImplementedError

    def fault_of_beginning(self, value: str) -> Fault | None:
        """The same for what somebody has typed so far (`completion/complete`): nothing is always a beginning."""
        return self.fault(value) if value else None

    def lookups(self, value: str) -> tuple[Lookup, ...]:
        """What has to be asked before a text without a fault is accepted."""
        return ()

    def fault_found(self, value: str, found: tuple[Found, ...]) -> Fault | None:
        """What is wrong with the text given the answers to its look-ups, in their order."""
        return None
