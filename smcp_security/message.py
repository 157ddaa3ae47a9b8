"""Bytes -> `Message` -> canonical bytes: strict JSON, and where caller-controlled text sits. Pure: no I/O, no clock.

What was inspected is what the server gets. The cheap sound way: decode with msgspec; if encoding the value gives
the same bytes back, nothing was lost and no duplicate key can hide, so the original bytes go on. Otherwise the
standard library judges with a pairs hook, and the value is serialised anew.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from itertools import islice
from typing import Any, Final, NoReturn, TypeAlias

import msgspec

# Every captured exchange of real clients has fewer than 200; 50,000 bounds the walk to a few milliseconds.
MAX_NODES: Final = 50_000
# CPython itself refuses to print integers of more than 4,300 digits; 1,000 is past every RSA-2048 decimal.
MAX_DIGITS: Final = 1_000
_LEAST_TOO_LONG: Final = 10**MAX_DIGITS
_MAX_BITS: Final = _LEAST_TOO_LONG.bit_length() - 1  # counting bits is cheap; only longer numbers are compared
_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")

Path: TypeAlias = tuple[str | int, ...]

# Keys that the protocol itself gives to objects: constants, so never caller-controlled text.
PROTOCOL_KEYS: Final = frozenset(
    "jsonrpc id method params result error name arguments uri cursor ref argument value context type _meta "
    "progressToken protocolVersion capabilities clientInfo version title requestId reason notifications "
    "io.modelcontextprotocol/protocolVersion io.modelcontextprotocol/clientInfo "
    "io.modelcontextprotocol/clientCapabilities io.modelcontextprotocol/logLevel inputResponses requestState".split()
)

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Malformed(Exception):
    """The bytes are not one acceptable JSON value; `code` is the finding code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Kind(StrEnum):
    """The three kinds of JSON-RPC message. A response is a result or an error."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    RESPONSE = "response"


class Era(StrEnum):
    """Revisions up to 2025-11-25 shake hands first (legacy); from 2026-07-28 on each request stands alone (modern)."""

    LEGACY = "legacy"
    MODERN = "modern"


class Texts(msgspec.Struct, frozen=True):
    """Caller-controlled strings, keys included, in the order of the walk.

    `request` is what the caller asks with; `answer` is what it answers with (posted responses, `inputResponses`).
    """

    request: list[str] = msgspec.field(default_factory=list)
    answer: list[str] = msgspec.field(default_factory=list)


class Message(msgspec.Struct, frozen=True):
    """One JSON-RPC message. `raw` is canonical: what was inspected, byte for byte what goes on.

    `kind`, `id`, `method`, `params`, `era` and `revision` are empty until the envelope is judged.
    """

    value: dict[str, Any]
    raw: bytes
    texts: Texts
    kind: Kind = Kind.REQUEST
    id: str | int | None = None
    method: str = ""
    params: dict[str, Any] = msgspec.field(default_factory=dict)
    era: Era = Era.LEGACY
    revision: str = ""

    @property
    def target(self) -> str:
        """The tool, prompt, resource or task that the message names; empty if none."""
        named = self.params.get("name") or self.params.get("uri") or self.params.get("taskId")
        if isinstance(named, str):
            return named
        ref = self.params.get("ref")
        named = (ref.get("name") or ref.get("uri")) if isinstance(ref, dict) else None
        return named if isinstance(named, str) else ""


def parse(raw: bytes, *, max_depth: int) -> Message:
    """Parse one message strictly. Raises `Malformed` with the finding code of what is wrong."""
    value, canonical = load(raw)
    if type(value) is list:
        raise Malformed("SMCP119")
    if type(value) is not dict:
        raise Malformed("SMCP120")
    return Message(value=value, raw=canonical, texts=_texts(value, max_depth))


def typed(message: Message, era: Era = Era.LEGACY, revision: str = "") -> Message:
    """The message with kind, id, method and params read off its envelope. The envelope itself is judged elsewhere."""
    value = message.value
    kind = Kind.RESPONSE if "method" not in value else Kind.REQUEST if "id" in value else Kind.NOTIFICATION
    params, id, method = value.get("params"), value.get("id"), value.get("method", "")
    return Message(
        value,
        message.raw,
        message.texts,
        kind,
        id if type(id) in (str, int) else None,
        method if type(method) is str else "",
        params if type(params) is dict else {},
        era,
        revision,
    )


def load(raw: bytes) -> tuple[Any, bytes]:
    """Decode strictly: (the value, canonical bytes). Raises `Malformed`. Does not bound depth or size."""
    try:
        value = _decode(raw)
        if _encode(value) == raw:
            return value, raw
    except RecursionError:
        raise Malformed("SMCP117") from None
    except (msgspec.MsgspecError, UnicodeError):
        pass  # the standard library says why, below
    return _load_slowly(raw)


def _load_slowly(raw: bytes) -> tuple[Any, bytes]:
    if raw.startswith(_BYTE_ORDER_MARKS):
        raise Malformed("SMCP113")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("SMCP113") from None
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_not_finite, parse_float=_finite, parse_int=_bounded
        )
    except RecursionError:
        raise Malformed("SMCP117") from None
    except json.JSONDecodeError:
        raise Malformed("SMCP114") from None
    try:
        return value, _encode(value)
    except UnicodeEncodeError:
        raise Malformed("SMCP116") from None
    except RecursionError:
        raise Malformed("SMCP117") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("SMCP112")
    return members


def _not_finite(_constant: str) -> NoReturn:
    raise Malformed("SMCP115")


def _finite(literal: str) -> float:
    number = float(literal)
    if number in (float("inf"), float("-inf")):
        raise Malformed("SMCP115")
    return number


def _bounded(literal: str) -> int:
    if len(literal) > MAX_DIGITS + literal.startswith("-"):
        raise Malformed("SMCP115")
    return int(literal)


def _texts(value: dict[str, Any], max_depth: int) -> Texts:
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


def pointers(message: Message, indexes: Collection[int], *, answer: bool) -> dict[int, Path]:
    """The paths (member names, list places) of some texts of one of the two lists in `message.texts`, by index."""
    wanted, last = frozenset(indexes), max(indexes, default=-1)
    places = islice(_places(message.value, answer), last + 1)
    return {index: path for index, (path, _) in enumerate(places) if index in wanted}


def _places(value: dict[str, Any], answer: bool) -> Iterator[tuple[Path, str]]:
    """The walk of `_texts` again, with paths: paid only on a hit."""
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


def serialise(value: Any) -> bytes:
    """Canonical bytes of a JSON value: UTF-8, no blanks, keys in the order given."""
    return _encode(value)


def deserialise(canonical: bytes) -> Any:
    """The value of canonical bytes."""
    return _decode(canonical)


def faithful(value: Any) -> bytes | None:
    """Canonical bytes of a value handed over in process, None if JSON cannot hold it exactly.

    msgspec writes NaN as null, a key 1 as "1" and a date as a string: what is inspected must be what goes on.
    """
    try:
        raw = _encode(value)
        return raw if _decode(raw) == value else None
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        return None
