"""The files that one audit consists of, oldest first: its segments, then the file that is written."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from smcp_security.audit.segments import segments_of
from smcp_security.audit.ship.position import Position

_LOOKS: Final = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """One file. `number` of the file that is written is the one that it will get when it is put aside."""

    path: str
    number: int
    inode: int
    size: int


def pieces(path: str) -> Sequence[Piece]:
    """The files of the audit at `path`. Raises `OSError` if its directory cannot be read."""
    found = _look(path)
    # A rotation between two names would show a file twice or not at all: what two looks agree on is there.
    for _ in range(_LOOKS):
        before, found = found, _look(path)
        if [piece.inode for piece in before] == [piece.inode for piece in found]:
            break
    return found


def behind(found: Sequence[Piece], position: Position | None) -> int:
    """Bytes of these files that come after `position`."""
    if position is None:
        return sum(piece.size for piece in found)
    for index, piece in enumerate(found):
        if piece.inode == position.inode and piece.size >= position.offset:
            return piece.size - position.offset + sum(later.size for later in found[index + 1 :])
    return sum(piece.size for piece in found if piece.number >= position.number)


def renamed(path: str, inode: int | None = None) -> list[str]:
    """Files beside `path` whose names begin like its own, with that inode: what other tools make when they rotate."""
    folder, name = os.path.split(path)
    stem = os.path.splitext(name)[0]
    with os.scandir(folder) as entries:
        return [
            entry.path
            for entry in entries
            if entry.name.startswith(stem) and inode in (None, entry.inode()) and entry.is_file(follow_symlinks=False)
        ]


def _look(path: str) -> list[Piece]:
    found = [_piece(segment.path, segment.number) for segment in segments_of(path)]
    segments = [piece for piece in found if piece is not None]
    written = _piece(path, segments[-1].number + 1 if segments else 1)
    if written is not None and all(piece.inode != written.inode for piece in segments):
        segments.append(written)
    return segments


def _piece(path: str, number: int) -> Piece | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return Piece(path, number, status.st_ino, status.st_size)
