"""Strict JSON (RFC 8259): bytes -> a value and its canonical bytes, or what is wrong with them. Pure.

What was inspected is what the server gets. The cheap sound way: decode with msgspec; if encoding the value gives
the same bytes back, nothing was lost and no duplicate key can hide, so the original bytes go on. Otherwise what was
decoded is serialised anew if it has as many members as the text; if not, the standard library says what is wrong.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

import msgspec

# CPython itself refuses to print integers of more than 4,300 digits; 1,000 is past every RSA-2048 decimal.
MAX_DIGITS: Final = 1_000
_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')

_ID: Final = re.compile(rb'"id"\s*:\s*("(?:[^"\\]|\\.){0,128}"|-?[0-9]{1,20})(?=\s*[,}])')

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Malformed(Exception):
    """The bytes are not one acceptable JSON value; `code` is the finding code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def load(raw: bytes) -> tuple[Any, bytes]:
    """Decode strictly: (the value, canonical bytes). Raises `Malformed`. Does not bound depth or size."""
    try:
        value = _decode(raw)
        canonical = _encode(value)
    except RecursionError:
        raise Malformed("SMCP117") from None
    except (msgspec.MsgspecError, UnicodeError):
        return _load_slowly(raw)  # the standard library says why
    if canonical == raw:
        return value, raw
    return (value, canonical) if _kept_all(value, raw) else _load_slowly(raw)


def _kept_all(value: Any, raw: bytes) -> bool:
    """Whether every member of the JSON text is in its value: each has one colon outside of strings."""
    members, waiting = 0, [value] if type(value) in (dict, list) else []
    for node in waiting:
        if type(node) is dict:
            members += len(node)
            node = node.values()
        waiting += [member for member in node if type(member) is dict or type(member) is list]
    return raw.count(b":") == members or _STRING.sub(b"", raw).count(b":") == members


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


def serialise(value: Any) -> bytes:
    """Canonical bytes of a JSON value: UTF-8, no blanks, keys in the order given."""
    return _encode(value)


def deserialise(canonical: bytes) -> Any:
    """The value of canonical bytes."""
    return _decode(canonical)


def has_id(raw: bytes) -> bool:
    """Whether a message in canonical bytes has an id."""
    return "id" in _decode(raw)


def ids_at_ends(head: bytes, tail: bytes) -> list[str | int]:
    """The first and the last id in a message that nobody holds whole. Either may be that of something inside it.

    SDKs write the id of a message before its result, or after it.
    """
    found = [_ID.search(head), *list(_ID.finditer(tail))[-1:]]
    ids = [claimed_id(b"{%b}" % match.group()) for match in found if match is not None]
    return [id for id in ids if id is not None]


def claimed_id(raw: bytes) -> str | int | None:
    """The id of an answer that could not be read strictly, as a lenient reader takes it; None for no answer.

    For the error in its place, so that whoever waits for that id does not wait for ever.
    """
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    id = value.get("id") if type(value) is dict and "method" not in value else None
    return id if type(id) in (str, int) and faithful(id) is not None else None


def faithful(value: Any) -> bytes | None:
    """Canonical bytes of a value handed over in process, None if JSON cannot hold it exactly.

    msgspec writes NaN as null, a key 1 as "1" and a date as a string: what is inspected must be what goes on.
    """
    try:
        raw = _encode(value)
        return raw if _decode(raw) == value else None
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        return None
