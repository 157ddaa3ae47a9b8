"""What is asked of a shared store: each question as one call of a script. Knows keys and replies, and no client.

Names of counters, claims and slots are hashed: no address and no caller stands in the store in clear. Revoked names do,
so that they can be listed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import Any, Final

import msgspec

from smcp_security.checks.rung import Charge, Claim, Question, Refusal, Release, Settle, Slot, Spend

_MICRO: Final = 1_000_000
_HOLDER_LENGTH: Final = 64
_OWNER: Final = re.compile("[0-9a-f]{32}")


class Call(msgspec.Struct, frozen=True):
    """One run of a script, and how to read what it replies."""

    script: str
    keys: Sequence[str]
    arguments: Sequence[str | bytes | int]
    read: Callable[[Any], Any]


class Revoked(msgspec.Struct, frozen=True):
    """The list of revoked names at a version; None where it is the one that was known."""

    version: bytes
    names: frozenset[str] | None


@lru_cache
def source(script: str) -> str:
    """The text of a script."""
    return (Path(__file__).parent / f"{script}.lua").read_text(encoding="utf-8")


class Calls:
    """The calls of one namespace: all its keys have one hash tag, so that a cluster keeps them on one shard."""

    def __init__(self, namespace: str) -> None:
        self._prefix = f"{{{namespace}}}:"
        self._list = [f"{self._prefix}revoked", f"{self._prefix}revoked:version"]
        self._makers: dict[type[Question], Callable[[Any], Call | None]] = {
            Spend: self._spend,
            Settle: self._settle,
            Release: lambda question: self.release(question.slots),
            Claim: self._claim,
        }

    def of(self, question: Question) -> Call | None:
        """The call that answers a question; None where nothing is asked and the answer is None."""
        return self._makers[type(question)](question)

    def release(self, slots: Sequence[Slot]) -> Call | None:
        """Give slots back."""
        return Call("release", self._slot_keys(slots), [_holder(slot) for slot in slots], _nothing) if slots else None

    def renew(self, slots: Sequence[Slot]) -> Call:
        """Hold slots for longer."""
        return Call("renew", self._slot_keys(slots), [part for slot in slots for part in _lease(slot)], _nothing)

    def revoke(self, name: str, seconds: float | None) -> Call:
        """Put a name on the list of what was revoked."""
        return Call("revoke", self._list, [_octets(name), "ever" if seconds is None else _micro(seconds)], _known)

    def restore(self, name: str) -> Call:
        """Take a name off that list."""
        return Call("revoke", self._list, [_octets(name), "never"], _known)

    def standing(self, version: bytes) -> Call:
        """The list, unless it is at this version still."""
        return Call("standing", self._list, [version], _revoked)

    def _spend(self, question: Spend) -> Call | None:
        charges, draws, slots = question.charges, question.draws, question.slots
        keys = [self._key("rate", charge.key) for charge in charges]
        keys += [self._key("budget", draw.key) for draw in draws]
        keys += self._slot_keys(slots)
        arguments: list[str | int] = [len(charges), len(draws), len(slots)]
        for charge in charges:
            arguments += _cost(charge)
        for draw in draws:
            arguments += (draw.cost, draw.limit, _micro(draw.ends))
        for slot in slots:
            arguments += (slot.limit, *_lease(slot))
        return Call("spend", keys, arguments, _refusal) if keys else None

    def _settle(self, question: Settle) -> Call | None:
        keys = [self._key("budget", draw.key) for draw in question.draws]
        arguments = [part for draw in question.draws for part in (draw.cost, _micro(draw.ends))]
        return Call("settle", keys, arguments, _nothing) if keys else None

    def _claim(self, question: Claim) -> Call:
        """An owner is kept as a digest: a stranger learns that there is another, and not who."""
        mine = _digest(question.value) if question.value else ""

        def read(reply: bytes) -> str:
            owner = reply.decode("ascii")
            if owner and _OWNER.fullmatch(owner) is None:
                raise ValueError("no owner")
            return question.value if owner == mine else owner and f"digest:{owner}"

        milliseconds = max(1, ceil(question.ttl * 1000))
        return Call("claim", [self._key("claim", question.key)], [mine, milliseconds, int(question.begin)], read)

    def _slot_keys(self, slots: Sequence[Slot]) -> list[str]:
        return [self._key("slots", slot.key) for slot in slots]

    def _key(self, kind: str, name: str) -> str:
        return f"{self._prefix}{kind}:{_digest(name)}"


def _cost(charge: Charge) -> tuple[int, int]:
    """Cost and room in whole microseconds: a rate is rounded down, never up. The hair forgives binary fractions."""
    interval = max(1, ceil(charge.interval * _MICRO - 1e-3))
    return charge.cost * interval, charge.burst * interval


def _lease(slot: Slot) -> tuple[str, int]:
    return _holder(slot), _micro(slot.ttl)


def _holder(slot: Slot) -> str:
    return slot.holder if len(slot.holder) <= _HOLDER_LENGTH else _digest(slot.holder)


def _micro(seconds: float) -> int:
    return max(1, ceil(seconds * _MICRO))


@lru_cache(maxsize=4096)
def _digest(text: str) -> str:
    """128 bits of SHA-256: no two names meet by chance."""
    return sha256(_octets(text)).hexdigest()[:32]


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _refusal(reply: Any) -> Refusal | None:
    if reply is None:
        return None
    if type(reply) is not list:
        raise TypeError("no refusal")
    place, wait = reply
    return Refusal(int(place), int(wait) / _MICRO)


def _revoked(reply: Any) -> Revoked:
    if type(reply) is not list:
        raise TypeError("no list of names")
    version, *changed = reply
    names = frozenset(name.decode("utf-8", "surrogatepass") for name in changed[0]) if changed else None
    return Revoked(bytes(version), names)


def _known(reply: Any) -> bool:
    if type(reply) is not int:
        raise TypeError("no yes or no")
    return reply == 1


def _nothing(reply: Any) -> None:
    """It says how many keys it touched."""
    if type(reply) is not int:
        raise TypeError("no count")
