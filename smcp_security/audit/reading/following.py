"""What is appended to an audit from now on, over every rotation; and what stood last in it. Must not import threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO, Final

from smcp_security.audit.segments import files_of

BLOCK: Final = 256 * 1024


def backwards(path: str) -> Iterator[bytes]:
    """The lines of all files, the last one first, without their ends; a line that is still being written is none."""
    live = os.path.abspath(path)
    for name in reversed(files_of(path)):
        try:
            with open(name, "rb", buffering=0) as file:
                yield from _from_behind(file, whole=name != live)
        except FileNotFoundError:
            # Rotated or purged since it was listed: its lines are told under another name, or gone.
            continue


class Follower:
    """Reads what is appended, each line once: also what was written to a file just before it was put aside."""

    def __init__(self, path: str) -> None:
        """Begins at the end of what is there."""
        self._path = os.path.abspath(path)
        self._file = _opened(self._path)
        self._rest = b""
        if self._file is not None:
            self._rest = _unfinished(self._file)

    def news(self) -> bytes:
        """Whole lines that came since the last call; empty if none did."""
        found = self._read()
        while self._replaced():
            # Nothing is appended to a file once it was put aside: what is left of it now is its end.
            found += self._read() + (self._rest and self._rest + b"\n")
            self._file, self._rest = self._next(), b""
            found += self._read()
        return found

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self) -> bytes:
        if self._file is None:
            return b""
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            # Truncated in place: what stands there now is new.
            self._file.seek(0)
            self._rest = b""
        data = self._rest + self._file.read()
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        return data[:end]

    def _replaced(self) -> bool:
        """Whether the path leads to another file than the one that was read."""
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            return False
        return self._file is None or not os.path.samestat(there, os.fstat(self._file.fileno()))

    def _next(self) -> BinaryIO | None:
        """The segment after the file that was read, if more than one rotation went by; else the live file."""
        own = None if self._file is None else os.fstat(self._file.fileno())
        self.close()
        if own is not None:
            names = files_of(self._path)
            for name, following in pairwise(names):
                if _is(name, own):
                    return _opened(following)
        return _opened(self._path)


def _is(name: str, own: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(name), own)
    except FileNotFoundError:
        return False


def _from_behind(file: BinaryIO, *, whole: bool) -> Iterator[bytes]:
    end = file.seek(0, os.SEEK_END)
    rest, complete = b"", whole
    while end:
        start = max(0, end - BLOCK)
        file.seek(start)
        lines = (file.read(end - start) + rest).split(b"\n")
        end, rest = start, lines[0]
        for line in reversed(lines[1:]):
            if line and complete:
                yield line
            complete = True
    if rest and complete:
        yield rest


def _unfinished(file: BinaryIO) -> bytes:
    """The piece of a line at the end, left behind the reader."""
    end = file.seek(0, os.SEEK_END)
    piece = b""
    while end:
        start = max(0, end - BLOCK)
        file.seek(start)
        block = file.read(end - start)
        cut = block.rfind(b"\n") + 1
        piece, end = block[cut:] + piece, start
        if cut:
            break
    file.seek(0, os.SEEK_END)
    return piece


def _opened(path: str) -> BinaryIO | None:
    try:
        return open(path, "rb", buffering=0)
    except FileNotFoundError:
        return None
