"""What a line seems to be, before it is judged: the id and the method that a reader would find. Pure.

A label decides where a verdict goes and never what it is. Ids are kept with their type: `1` and `"1"` are two.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, TypeAlias

import msgspec

Id: TypeAlias = "str | int"

ENDS: Final = 1024
"""Bytes of each end of a line over the cap that are looked at."""

# Members that hold neither an object nor a list. From the brace that opens a message on, or up to the one that closes
# it, they are its own.
_STRING: Final = rb'"(?:[^"\\]|\\.)*+"'
_MEMBER: Final = _STRING + rb"\s*+:\s*+(?:" + _STRING + rb'|[^\s"{}\[\],:]++)\s*+'
_FIRST: Final = re.compile(rb"\s*+\{\s*+((?:" + _MEMBER + rb",\s*+)*+)(" + _STRING + rb")?")
_LAST: Final = re.compile(_MEMBER + rb"(?:,\s*+" + _MEMBER + rb")*+(?=\}\s*+\Z)")
_BEGUN: Final = {b'"params"': "method", b'"result"': "result", b'"error"': "error"}


class Label(msgspec.Struct, frozen=True):
    """`id` is None where there is none, or none that could be one. `called`: there is a method; `answers`: there is
    none, but a result or an error."""

    id: Id | None
    called: bool
    answers: bool


class _Envelope(msgspec.Struct):
    id: Any = None
    method: Any = msgspec.UNSET
    # Their insides are read by whoever judges them.
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_read: Final = msgspec.json.Decoder(_Envelope).decode


def label(raw: bytes) -> Label | None:
    """The label of a line; None if it is no JSON object, however leniently it is read."""
    try:
        envelope = _read(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _lenient(raw)
    called = envelope.method is not msgspec.UNSET
    told = envelope.result is not msgspec.UNSET or envelope.error is not msgspec.UNSET
    return Label(_id(envelope.id), called, told and not called)


def label_of(value: Any) -> Label | None:
    """The label of a message that was read."""
    if type(value) is not dict:
        return None
    called = "method" in value
    return Label(_id(value.get("id")), called, not called and ("result" in value or "error" in value))


def label_at_ends(head: bytes, tail: bytes) -> Label | None:
    """The label of a message of which only the ends are at hand; None if they do not tell whose it is."""
    first, last = _FIRST.match(head[:ENDS]), _LAST.search(tail[-ENDS:])
    members = [] if first is None else [first.group(1).rstrip().rstrip(b",")]
    members += [] if last is None else [last.group()]
    try:
        value = json.loads(b"{" + b",".join(each for each in members if each) + b"}")
    except ValueError:
        return None
    # The member that was begun and is too large to be read.
    begun = b"" if first is None else first.group(2) or b""
    if begun in _BEGUN:
        value[_BEGUN[begun]] = None
    known = label_of(value)
    return None if known is None or known.id is None else known


def _lenient(raw: bytes) -> Label | None:
    """What strict readers refuse may still be an answer that somebody waits for."""
    try:
        return label_of(json.loads(raw))
    except ValueError:
        return None
    except RecursionError:  # whoever judges it refuses it, and somebody waits to hear so
        return label_at_ends(raw[:ENDS], raw[-ENDS:])


def _id(value: Any) -> Id | None:
    if type(value) is int:
        return value
    if type(value) is not str:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair cannot be written back
        return None
    return value
