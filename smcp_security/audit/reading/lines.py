"""The lines of an audit in the order in which they were written: all segments, then the live file. Proves nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from smcp_security.audit.segments import segments_of

BLOCK: Final = 4 * 1024 * 1024


class Lines:
    """What stood in the files when this was made, and what is appended to the live one while it is read.

    A rotation meanwhile changes nothing: the live file is opened first. Close it after use.
    """

    def __init__(self, path: str, told: Callable[[int], None] = lambda _: None) -> None:
        """`told` gets the bytes of each block that was read. Raises `OSError` where a file cannot be opened."""
        self._told = told
        self._live = _opened(path)
        own = None if self._live is None else os.fstat(self._live.fileno())
        listed = [(segment.path, os.stat(segment.path)) for segment in segments_of(path)]
        self._segments = [name for name, found in listed if own is None or not os.path.samestat(found, own)]
        sizes = {name: found.st_size for name, found in listed}
        self.size = sum(sizes[name] for name in self._segments) + (0 if own is None else own.st_size)

    def blocks(self) -> Iterator[bytes]:
        """Whole lines, some megabytes at a time; the last line of a file may lack its end."""
        for name in self._segments:
            segment = _opened(name)
            # A purge may have removed it since it was listed.
            if segment is not None:
                with segment:
                    yield from self._of(segment)
        if self._live is not None:
            yield from self._of(self._live)

    def close(self) -> None:
        """Let the live file go."""
        if self._live is not None:
            self._live.close()

    def _of(self, file: BinaryIO) -> Iterator[bytes]:
        pieces: list[bytes] = []
        while block := file.read(BLOCK):
            self._told(len(block))
            end = block.rfind(b"\n") + 1
            if not end:
                pieces.append(block)
                continue
            yield b"".join((*pieces, block[:end]))
            pieces = [block[end:]] if end < len(block) else []
        if pieces:
            yield b"".join(pieces)


def _opened(path: str) -> BinaryIO | None:
    try:
        return open(path, "rb", buffering=0)
    except FileNotFoundError:
        return None
