"""Where caller-controlled text sits in a message, and the way back to it. Pure.

`gather` collects the texts, bounding depth and nodes; `pointers` walks again in the same order, with paths, where one
of them was hit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, Final, TypeAlias

import msgspec

from smcp_security.strict_json import MAX_DIGITS, Malformed

# Every captured exchange of real clients has fewer than 200; 50,000 bounds the walk to a few milliseconds.
MAX_NODES: Final = 50_000
_LEAST_TOO_LONG: Final = 10**MAX_DIGITS
_MAX_BITS: Final = _LEAST_TOO_LONG.bit_length() - 1  # counting bits is cheap; only longer numbers are compared

Path: TypeAlias = tuple[str | int, ...]

# Keys that the protocol itself gives to objects: constants, so never caller-controlled text.
PROTOCOL_KEYS: Final = frozenset(
    "jsonrpc id method params result error name arguments uri cursor ref argument value context type _meta "
    "progressToken protocolVersion capabilities clientInfo version title requestId reason notifications "
    "io.modelcontextprotocol/protocolVersion io.modelcontextprotocol/clientInfo "
    "io.modelcontextprotocol/clientCapabilities io.modelcontextprotocol/logLevel inputResponses requestState".split()
)


class Texts(msgspec.Struct, frozen=True):
    """Caller-controlled strings, keys included, in the order of the walk.

    `request` is what the caller asks with; `answer` is what it answers with (posted responses, `inputResponses`).
    """

    request: list[str] = msgspec.field(default_factory=list)
    answer: list[str] = msgspec.field(default_factory=list)


def gather(value: dict[str, Any], max_depth: int) -> Texts:
    """Where caller-controlled text sits, in any method: everything but the protocol's own constant keys."""
    texts = Texts()
    walk = _Walk(max_depth)
    walk.enter(value, 1)
    answers = "method" not in value
    for key, member in value.items():
        into = texts.answer if answers or key in ("result", "error") else texts.request
        walk.key(key, into)
        if key == "params" and type(member) is dict:
            walk.enter(member, 2)
            for name, part in member.items():
                walk.key(name, into)
                walk.node(part, 3, texts.answer if name == "inputResponses" else into)
        elif not _plain(key, member):
            walk.node(member, 2, into)
    return texts


def _plain(key: str, member: Any) -> bool:
    """The version, and a method of letters and slashes: no attack fits into them, and every message has them."""
    if key == "method":
        return type(member) is str and member.isascii() and member.replace("/", "").isalpha()
    return key == "jsonrpc" and member == "2.0"


class _Walk:
    """One pass over a value that bounds depth, nodes and digits, and gathers strings."""

    __slots__ = ("left", "max_depth")

    def __init__(self, max_depth: int) -> None:
        self.max_depth = max_depth
        self.left = MAX_NODES

    def enter(self, node: dict[str, Any] | list[Any], depth: int) -> None:
        if depth > self.max_depth:
            raise Malformed("SMCP117")
        self.left -= len(node)
        if self.left < 0:
            raise Malformed("SMCP118")

    def key(self, key: str, into: list[str]) -> None:
        if key not in PROTOCOL_KEYS:
            into.append(key)

    def node(self, node: Any, depth: int, into: list[str]) -> None:
        kind = type(node)
        if kind is str:
            into.append(node)
        elif kind is dict or kind is list:
            self.container(node, depth, into)
        elif kind is int and node.bit_length() > _MAX_BITS:
            _refuse_long(node)

    def container(self, node: dict[str, Any] | list[Any], depth: int, into: list[str]) -> None:
        self.enter(node, depth)
        if type(node) is dict:
            for key in node:
                if key not in PROTOCOL_KEYS:
                    into.append(key)
        members: Iterable[Any] = node.values() if type(node) is dict else node
        for member in members:
            # The two commonest kinds are judged here: a call a member would double the cost of the walk.
            kind = type(member)
            if kind is str:
                into.append(member)
            elif kind is dict or kind is list:
                self.container(member, depth + 1, into)
            elif kind is int and member.bit_length() > _MAX_BITS:
                _refuse_long(member)


def _refuse_long(number: int) -> None:
    if abs(number) >= _LEAST_TOO_LONG:
        raise Malformed("SMCP115")


def pointers(value: dict[str, Any], indexes: Collection[int], *, answer: bool) -> dict[int, Path]:
    """The paths (member names, list places) of some texts of one of the two lists in `message.texts`, by index."""
    wanted, last = frozenset(indexes), max(indexes, default=-1)
    places = islice(_places(value, answer), last + 1)
    return {index: path for index, (path, _) in enumerate(places) if index in wanted}


def _places(value: dict[str, Any], answer: bool) -> Iterator[tuple[Path, str]]:
    """The walk of `gather` again, with paths: paid only on a hit."""
    answers = "method" not in value
    for key, member in value.items():
        of_answer = answers or key in ("result", "error")
        if of_answer is answer and key not in PROTOCOL_KEYS:
            yield (key,), key
        if key == "params" and type(member) is dict:
            for name, part in member.items():
                if of_answer is answer and name not in PROTOCOL_KEYS:
                    yield (key, name), name
                if (of_answer or name == "inputResponses") is answer:
                    yield from _below(part, (key, name))
        elif of_answer is answer and not _plain(key, member):
            yield from _below(member, (key,))


def _below(node: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The texts of a node with their paths. A stack of its own: a chain of generators costs its depth at each text."""
    waiting: list[tuple[Any, Path]] = [(node, path)]
    while waiting:
        node, path = waiting.pop()
        if type(node) is str:
            yield path, node
        elif type(node) is dict:
            yield from (((*path, key), key) for key in node if key not in PROTOCOL_KEYS)
            waiting.extend((member, (*path, key)) for key, member in reversed(node.items()))
        elif type(node) is list:
            waiting.extend((node[place], (*path, place)) for place in range(len(node) - 1, -1, -1))
