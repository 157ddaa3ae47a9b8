"""Whose counter it is: keys that no two subjects share, and the crowd that newcomers join when the store is full. Pure.

A key is made of parts, each a letter for its kind and text behind its length, so that no text one caller chooses reads
as another subject's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, TypeAlias

import msgspec

from smcp_security.checks.rung import Context
from smcp_security.message import Message
from smcp_security.policy.globs import matches

Listing: TypeAlias = Callable[[str], bool]

# Thousands of keys are kept, and an edge may pass on text of any length.
_LONGEST: Final = 128
_REMEMBERED: Final = 1024
_CALL: Final = "tools/call"
# A client that is out of calls can still connect, list and say goodbye; and connecting costs it no call.
GRACE: Final = frozenset(
    "initialize notifications/initialized server/discover ping logging/setLevel notifications/cancelled "
    "tools/list prompts/list resources/list resources/templates/list".split()
)


class Asking(msgspec.Struct, frozen=True):
    """What the limits look at in one message. `tool` is None unless a tool is called."""

    method: str
    grace: bool
    tool: str | None
    arguments: Any
    parts: Mapping[str, str]
    crowd: str

    def subject(self, per: tuple[str, ...]) -> str:
        """The end of the key of whoever sends this, counted by the words of `per`."""
        return self.parts[per[0]] if len(per) == 1 else "".join([self.parts[word] for word in per])


def asking(context: Context, message: Message, words: Iterable[str]) -> Asking:
    """What is asked by a message; only the `words` that some limit counts by are looked up."""
    method = message.method
    tool = message.target if method == _CALL else None
    arguments = None if tool is None else message.params.get("arguments")
    parts = {word: _PARTS[word](context, message) for word in words}
    return Asking(method, method in GRACE, tool, arguments, parts, crowd(context.network))


def sender_of(context: Context, message: Message) -> tuple[str, ...]:
    """All that `asking` and the limits look at but the arguments, as it came: equal ones are counted by equal keys."""
    caller, method = context.caller, message.method
    tool = message.target if method == _CALL else ""
    if caller is None or not caller.verified:
        return method, tool, context.network, context.label
    # One more than of a label, so that no label stands for a caller.
    return method, tool, context.network, caller.id, caller.tenant


def exact(text: str) -> str:
    """A text behind its length, or its digest: whatever follows, it is read in one way only."""
    # A key goes to stores that speak UTF-8, and a label given in process may hold half of a surrogate pair.
    if len(text) <= _LONGEST and text.isascii():
        return f"{len(text)}:{text}"
    return "#" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def crowd(network: str) -> str:
    """The bucket of a network while the store is full of busy keys: its /8 (IPv4) or /16 (IPv6), never one for all."""
    head, dot, _ = network.partition(".")
    if dot and len(head) <= 3 and not head.strip("0123456789"):
        return f"~4.{head}"
    head, colon, _ = network.partition(":")
    if colon and len(head) <= 4 and not head.strip("0123456789abcdef"):
        return f"~6.{head}"
    # Names that an edge gives in place of an address: any number of them, but at most 256 buckets.
    return f"~x.{sha256(network.encode('utf-8', 'surrogatepass')).hexdigest()[:2]}"


def listing(globs: tuple[str, ...] | None) -> Listing | None:
    """Whether a name is on the list, remembered for the names that callers repeat; None where there is no list."""
    if globs is None:
        return None

    def judge(name: str) -> bool:
        return any(matches(glob, name) for glob in globs)

    known = lru_cache(maxsize=_REMEMBERED)(judge)
    return lambda name: known(name) if len(name) <= _LONGEST else judge(name)


def _address(context: Context, _: Message) -> str:
    return "a" + exact(context.network)


def _caller(context: Context, _: Message) -> str:
    """A label counts only together with the address until a credential vouches for it."""
    caller = context.caller
    if caller is not None and caller.verified:
        return "c" + exact(caller.id)
    return "n" + exact(context.network) + exact(context.label)


def _tenant(context: Context, message: Message) -> str:
    """Callers without a tenant are no tenant of their own: each counts for itself."""
    caller = context.caller
    if caller is not None and caller.verified and caller.tenant:
        return "t" + exact(caller.tenant)
    return _caller(context, message)


def _tool(_: Context, message: Message) -> str:
    return "u" + exact(message.target)


def _method(_: Context, message: Message) -> str:
    return "m" + exact(message.method)


_PARTS: Final[Mapping[str, Callable[[Context, Message], str]]] = {
    "address": _address,
    "caller": _caller,
    "tenant": _tenant,
    "tool": _tool,
    "method": _method,
}
