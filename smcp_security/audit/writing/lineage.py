"""Files of an audit that somebody renamed from outside: which of them goes on where a writer left off. Must not write.

A writer that had nothing to say for a while knows none of the files that others have begun and left since. Each cites
the last line of the one before it, so that they can be followed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Final

import msgspec

from smcp_security.audit.segments import is_segment
from smcp_security.audit.writing.chain import GENESIS
from smcp_security.audit.writing.tail import NO_RECORD, Tail, read_tail

_FIRST_LINE: Final = 64 * 1024
"""Bytes read of a file to see what its first line cites."""


class _Cited(msgspec.Struct):
    stream: str
    prev: str


_CITED: Final = msgspec.json.Decoder(_Cited)


def tail_of(path: str) -> Tail:
    """How a file ends that is written no more. Raises `OSError`."""
    with open(path, "rb", buffering=0) as file:
        tail = read_tail(file.fileno(), os.fstat(file.fileno()).st_size)
    # A fragment stays with the file that it ends.
    return replace(tail, open=False, fragment=None)


def followed(path: str, known: Tail, let_go: os.stat_result | None) -> Tail:
    """How the last file of the audit at `path` ends, from the last line that is `known` on.

    `let_go`: the file that this line was in, if others may have gone on in it. Who knows none yet takes the end of the
    only file that no other follows. Raises `OSError`.
    """
    after = dict(_renamed(path))
    if known.head == GENESIS and GENESIS not in after:
        ends = [tail for file in after.values() if (tail := tail_of(file)).head not in after]
        return ends[0] if len(ends) == 1 else known
    if let_go is not None:
        known = next((tail_of(file) for file in after.values() if _is(file, let_go)), known)
    while (file := after.pop(known.head, None)) is not None:
        known = tail_of(file)
    return known


def _is(path: str, state: os.stat_result) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.stat(path), state)
    return False


def _renamed(path: str) -> Iterator[tuple[str, str]]:
    """Files beside the live one whose names begin like it, by what their first line cites."""
    directory, name = os.path.split(path)
    with os.scandir(directory) as beside:
        for other in beside:
            if other.name.startswith(name) and other.name != name and not is_segment(other.name, name):
                with suppress(OSError, *NO_RECORD):
                    if other.is_file(follow_symlinks=False):
                        yield _first_cites(other.path), other.path


def _first_cites(path: str) -> str:
    with open(path, "rb", buffering=0) as file:
        return _CITED.decode(file.read(_FIRST_LINE).partition(b"\n")[0]).prev
