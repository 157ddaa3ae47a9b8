"""What a row of the acceptance table is made of: messages that must be refused, and others that must pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tests.envelopes import call, encoded, headers_of


class Sees(Enum):
    """What an edge has in its hands, most first: an edge that sees one of them sees those below it too."""

    FIELDS = 5
    """HTTP header fields as they came, repeated ones included."""
    HEADERS = 4
    """HTTP headers by name."""
    BYTES = 3
    """The message before anybody parsed it."""
    PARAMS = 2
    """The members of params as they came, those included that no revision knows."""
    VALUES = 1
    """Method, target and arguments."""


@dataclass(frozen=True)
class Sent:
    """One message: bytes or a value, with the headers that an SDK sends for it unless `fields` says others."""

    name: str
    message: Mapping[str, Any] | bytes
    codes: frozenset[str] = frozenset()
    """What refuses it; empty: it must pass untouched."""
    fields: tuple[tuple[str, str], ...] | None = None
    sees: Sees | None = None
    """What an edge must see of this message, where it is more than of its row."""
    where: str | None = None
    """The pointer that the refusal names; None: not looked at."""

    @property
    def raw(self) -> bytes:
        """The message as it stands on the wire."""
        return self.message if isinstance(self.message, bytes) else encoded(self.message)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The header fields that go with it."""
        if self.fields is not None:
            return list(self.fields)
        assert not isinstance(self.message, bytes), "bytes have no headers of their own"
        return headers_of(self.message)


@dataclass(frozen=True)
class Row:
    """One incident: a part of the policy, attacks and twins."""

    number: int
    incident: str
    sees: Sees
    sent: Sequence[Sent]
    policy: Mapping[str, Any] = field(default_factory=dict)

    @property
    def attacks(self) -> list[Sent]:
        """What must be refused."""
        return [one for one in self.sent if one.codes]

    @property
    def twins(self) -> list[Sent]:
        """What must pass."""
        return [one for one in self.sent if not one.codes]

    def hidden_from(self, edge: Sees) -> list[Sent]:
        """The attacks that an edge cannot see."""
        return [one for one in self.attacks if (one.sees or self.sees).value > edge.value]


def refused(code: str, tool: str, name: str, *values: Any, where: str | None = "") -> list[Sent]:
    """Calls of a tool with one argument that must be refused; several codes are separated by blanks.

    `where` is the pointer that the refusal names: left out, that of the argument; None, any.
    """
    place = f"/params/arguments/{name}" if where == "" else where
    return [Sent(_shown(tool, name, value), call(tool, {name: value}), _codes(code), where=place) for value in values]


def passes(tool: str, name: str, *values: Any) -> list[Sent]:
    """The same calls with values that must pass."""
    return [Sent(f"{_shown(tool, name, value)} passes", call(tool, {name: value})) for value in values]


def guessed(code: str, tool: str, name: str, *values: Any) -> list[Sent]:
    """Calls of a tool that the policy says nothing of: what names let infer, and the rules, refuse them."""
    return [Sent(f"{_shown(tool, name, value)} unnamed", call(tool, {name: value}), _codes(code)) for value in values]


def _codes(code: str) -> frozenset[str]:
    return frozenset(code.split())


def _shown(tool: str, name: str, value: Any) -> str:
    text = ascii(value)
    return f"{tool} {name}={text if len(text) <= 60 else f'{text[:40]} of {len(text)}'}"
