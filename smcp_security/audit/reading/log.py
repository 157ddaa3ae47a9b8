"""The lines of an audit and of its segments, in order and in big blocks, with their places. Must not judge them."""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final

from smcp_security.audit.reading.shape import Line, read_line
from smcp_security.audit.segments import segments_of
from smcp_security.errors import AuditError

if sys.platform != "win32":
    import fcntl

BLOCK: Final = 1024 * 1024
LONGEST: Final = 64 * 1024 * 1024
"""Bytes of a line. A record is far below; without a limit a file without line breaks would be read into memory."""

_SEGMENT: Final = re.compile(r"\.[0-9]{6,18}\Z", re.ASCII)
_PATIENCE: Final = 0.05
_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of an audit. `live`: it is still written. `missing`: segments that should stand before it, by name."""

    path: str
    live: bool = False
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive lines of one file, without their line breaks.

    `number` is that of the first line, from 1, `offset` the byte it begins at. `rest` is what follows the last line
    break at the very end of the file, in its last block.
    """

    file: LogFile
    number: int
    offset: int
    lines: Sequence[bytes]
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class _Found:
    """A file as it was when the log was opened: what is appended later is left out, and it may be renamed."""

    file: LogFile
    size: int
    identity: tuple[int, int]


class Log:
    """The files of one audit in the order they were written."""

    def __init__(self, found: Sequence[_Found]) -> None:
        self._found = found
        self.size: Final = sum(found.size for found in self._found)

    def blocks(self, told: Callable[[int], None] = lambda _: None) -> Iterator[Block]:
        """All lines; `told` gets the bytes of each block that was read. Raises `AuditError`."""
        for found in self._found:
            yield from _blocks(found, told)

    def last_record(self) -> tuple[Line, int] | None:
        """The last line that is a record, and which line of its file that is. Raises `AuditError`."""
        for found in reversed(self._found):
            last = None
            for block in _blocks(found, lambda _: None):
                for index in range(len(block.lines) - 1, -1, -1):
                    line = read_line(block.lines[index])
                    if line is not None:
                        last = line, block.number + index
                        break
            if last is not None:
                return last
        return None


def open_log(names: Sequence[str]) -> Log:
    """The audit of which these are the files: one name stands for a live file and its segments, several for themselves.

    Raises `AuditError` where one is not there or cannot be read.
    """
    if len(names) == 1 and not is_segment(names[0]):
        return Log(_with_segments(names[0]))
    return Log([_look(LogFile(name, live=name == names[-1] and not is_segment(name))) for name in names])


def is_segment(path: str) -> bool:
    """Whether the name is that of a segment, not of a live file."""
    return _SEGMENT.search(path) is not None


def live_name(path: str) -> str:
    """The name of the live file of which this is a segment, or the file itself."""
    return _SEGMENT.sub("", path)


def _with_segments(path: str) -> list[_Found]:
    # The live file first: if it is rotated now, it is among the segments too, and is read once.
    live = _look(LogFile(path, live=True)) if os.path.exists(path) else None
    try:
        segments = segments_of(path)
    except OSError as error:
        raise _unreadable(path, error) from None
    found, expected = [], segments[0].number if segments else 1
    for segment in segments:
        gone = tuple(f"{path}.{absent:06}" for absent in range(expected, min(segment.number, expected + 10)))
        each = _look(LogFile(f"{path}{_SEGMENT.findall(segment.path)[0]}", missing=gone))
        expected = segment.number + 1
        if live is not None and each.identity == live.identity:
            break
        found.append(each)
    if live is not None or not found:
        found.append(live or _look(LogFile(path, live=True)))
    return found


def _look(file: LogFile) -> _Found:
    try:
        with open(file.path, "rb") as opened, _quiet(opened):
            state = os.fstat(opened.fileno())
    except OSError as error:
        raise _unreadable(file.path, error) from None
    if not stat.S_ISREG(state.st_mode):
        raise AuditError(f"{file.path}: is no regular file; expected an audit file (JSON Lines)")
    return _Found(file, state.st_size, (state.st_dev, state.st_ino))


@contextmanager
def _quiet(opened: BinaryIO) -> Iterator[None]:
    """The lock that writers hold while they append, if it can be had soon: then no append is seen by half."""
    if sys.platform != "win32":
        for _ in range(_TRIES):
            try:
                fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                time.sleep(_PATIENCE)
            else:
                break
    yield


def _blocks(found: _Found, told: Callable[[int], None]) -> Iterator[Block]:
    number, offset, left, rest = 1, 0, found.size, b""
    path = found.file.path
    try:
        with _opened(found) as opened:
            while left:
                data = opened.read(min(BLOCK, left))
                if not data:
                    raise AuditError(f"{path}: became shorter while it was read; run it again, or somebody cuts it")
                left -= len(data)
                told(len(data))
                *lines, rest = (rest + data).split(b"\n")
                if len(rest) > LONGEST:
                    raise AuditError(f"{path}, byte {offset:,}: a line of over 64 MiB; this is no audit file")
                yield Block(found.file, number, offset, lines, b"" if left else rest)
                number += len(lines)
                offset += sum(map(len, lines)) + len(lines)
    except OSError as error:
        raise _unreadable(path, error) from None
    if not found.size:
        yield Block(found.file, 1, 0, ())


def _opened(found: _Found) -> BinaryIO:
    """The file that was found, also where it was put aside as a segment since."""
    path = found.file.path
    for name in (path, *(segment.path for segment in reversed(segments_of(live_name(path))))):
        try:
            opened = open(name, "rb", buffering=0)  # noqa: SIM115, whoever calls closes it
        except FileNotFoundError:
            continue
        state = os.fstat(opened.fileno())
        if (state.st_dev, state.st_ino) == found.identity:
            return opened
        opened.close()
    raise AuditError(f"{path}: was replaced while it was read; run it again")


def _unreadable(path: str, error: OSError) -> AuditError:
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return AuditError(f"{path}: cannot be read: {reason}; expected an audit file that this user may read")
