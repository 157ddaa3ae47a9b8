"""One line of the audit taken apart: the fields of the chain in front, the proof behind, the record between. Pure."""

from __future__ import annotations

import re
from binascii import hexlify
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import msgspec

from smcp_security.audit.proof import is_maced, is_signed

PLAIN: Final = frozenset({b"decision", b"outcome", b"secret", b"store"})
"""Kinds whose content says nothing of the chain: nothing but their place and proof is looked at."""

STREAM: Final = slice(11, 27)
"""Where a line says whose it is."""

# A record of somebody's own need not say what it is: it is never one that speaks of the chain.
_SHAPE: Final = re.compile(
    rb'\{"stream":"([0-9a-f]{16})","seq":(0|[1-9][0-9]{0,17}),"prev":"([0-9a-f]{64})"(?:,"v":2,"kind":"([a-z]{1,32})")?'
    rb"[ -~]*\}"
)
_BEGINNING: Final = b'{"stream":"'


@dataclass(frozen=True, slots=True)
class Line:
    """A line that has the form of a record. What it says is not proved by that. `kind` may be empty."""

    text: bytes
    stream: bytes
    seq: int
    prev: bytes
    kind: str
    digest: bytes

    @property
    def maced(self) -> bool:
        """Whether it ends in a MAC."""
        return is_maced(self.text)

    @property
    def signed(self) -> bool:
        """Whether it ends in a signature."""
        return is_signed(self.text)

    def fields(self) -> dict[str, Any] | None:
        """What it says; None if it is no JSON object."""
        return fields_of(self.text)


def hash_of(line: bytes) -> bytes:
    """What the next line must cite: SHA-256 in 64 hex digits."""
    return hexlify(sha256(line).digest())


def read_line(text: bytes) -> Line | None:
    """A line without its line break; None if it is no record."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    stream, seq, prev, kind = match.groups()
    return Line(text, stream, int(seq), prev, (kind or b"").decode(), hash_of(text))


def fields_of(text: bytes) -> dict[str, Any] | None:
    """The JSON object that a line is; None if it is none."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def begins_a_record(tail: bytes) -> bool:
    """Whether bytes without a line break can be what a write left that did not end: the beginning of a record."""
    if not tail.startswith(_BEGINNING[: len(tail)]):
        return False
    # A whole object with something behind it: what stood there was the line break.
    ends = [index for index in range(len(tail) - 1, max(len(tail) - 64, 0), -1) if tail[index - 1 : index] == b"}"]
    return not any(fields_of(tail[:index]) is not None for index in ends)
