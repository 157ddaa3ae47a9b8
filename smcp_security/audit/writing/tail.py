"""How a file of lines ends: its last whole line, and what a killed writer left behind it. Must not write."""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import msgspec

from smcp_security.audit.writing.chain import GENESIS

FIRST_LOOK: Final = 8 * 1024
"""Bytes of the first look back, enough for the usual line; what is longer is found with larger ones."""

LOOK: Final = 256 * 1024
LONGEST_RECORD: Final = 64 * 1024 * 1024
"""A line that is longer is no record: it is not even read to see."""

MOST_FRAGMENTS: Final = 64
"""Lines looked at for fragments: each is a writer killed while it mended what the one before had left."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """What stands at the end and is no record: its bytes without the last line break.

    `after` is the hash of the line before it, empty if nothing else is in the file.
    """

    bytes: int
    after: str


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a file of `size` bytes. `head` is the hash of its last line, or of the fragment that stands there.

    `open`: the last line break is missing. `cites`: which record the last whole line is, if it is one of a chain.
    `proved`: it has a code or a signature.
    """

    size: int
    head: str = GENESIS
    open: bool = False
    fragment: Fragment | None = None
    cites: dict[str, Any] | None = None
    proved: bool = False


class Place(msgspec.Struct):
    """Which record a line is; `stream` is empty if it is of no chain."""

    stream: str = ""
    seq: int = -1
    mac: str = ""
    sig: str = ""

    def cited(self, head: str) -> dict[str, Any] | None:
        """As the beginning of a stream cites it."""
        return {"stream": self.stream, "seq": self.seq, "hash": head} if self.stream else None


_PLACE: Final = msgspec.json.Decoder(Place)
NO_RECORD: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding a line raises that is no record, whatever somebody put there."""


def place_of(line: bytes) -> Place | None:
    """Which record a line is; None for a line that is no JSON object."""
    try:
        return _PLACE.decode(line)
    except NO_RECORD:
        return None


def read_tail(fd: int, size: int) -> Tail:
    """How the first `size` bytes of the file end. Raises `OSError`."""
    if not size:
        return Tail(0)
    open_ended = read_at(fd, size - 1, 1) != b"\n"
    end = size if open_ended else size - 1
    start = _line_start(fd, end)
    place = _place(fd, start, end)
    if place is None:
        return _torn(fd, size, start, end, open_ended)
    head = hash_of(fd, start, end)
    return Tail(size, head, open_ended, None, place.cited(head), bool(place.mac or place.sig))


def last_line(fd: int, size: int) -> bytes:
    """The last line of the file without its break; empty if that is no whole line of a bearable length."""
    if not size or read_at(fd, size - 1, 1) != b"\n":
        return b""
    start = _line_start(fd, size - 1)
    return b"" if size - start > LONGEST_RECORD else read_all(fd, start, size - 1)


def read_at(fd: int, offset: int, length: int) -> bytes:
    """`length` bytes from `offset`, fewer at the end of the file."""
    os.lseek(fd, offset, os.SEEK_SET)
    return os.read(fd, length)


def hash_of(fd: int, start: int, end: int) -> str:
    """SHA-256 of a part of the file, however long."""
    found = sha256()
    while start < end and (data := read_at(fd, start, min(LOOK, end - start))):
        found.update(data)
        start += len(data)
    return found.hexdigest()


def read_all(fd: int, start: int, end: int) -> bytes:
    """A part of the file, read to its end: one read may give less."""
    parts = []
    while start < end and (data := read_at(fd, start, end - start)):
        parts.append(data)
        start += len(data)
    return b"".join(parts)


def _torn(fd: int, size: int, start: int, end: int, open_ended: bool) -> Tail:
    """A fragment may be of several lines: who mended the first was killed as well."""
    after, cites, lines = "", None, 1
    while start:
        before = _line_start(fd, start - 1)
        place = _place(fd, before, start - 1)
        if place is not None or lines == MOST_FRAGMENTS:
            after = hash_of(fd, before, start - 1)
            cites = None if place is None else place.cited(after)
            break
        start, lines = before, lines + 1
    return Tail(size, hash_of(fd, start, end), open_ended, Fragment(end - start, after), cites)


def _line_start(fd: int, end: int) -> int:
    """Where the line begins that ends before `end`."""
    look = FIRST_LOOK
    while end:
        start = max(0, end - look)
        found = read_all(fd, start, end).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end, look = start, LOOK
    return 0


def _place(fd: int, start: int, end: int) -> Place | None:
    return None if end - start > LONGEST_RECORD else place_of(read_all(fd, start, end))
