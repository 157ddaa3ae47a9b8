"""How many lines the live file has and how far each stream has come in it: what a checkpoint says. Must not write."""

from __future__ import annotations

from typing import Final

from smcp_security.audit.writing.tail import place_of, read_at

_CHUNK: Final = 1024 * 1024
# Inside a text the quotes would be escaped.
_CHECKPOINT: Final = b'"kind":"checkpoint"'


class Tally:
    """Counts the lines of one file up to `offset`, and the streams since the last checkpoint in it."""

    def __init__(self) -> None:
        self.offset = 0
        self.lines = 0
        self.streams: dict[str, int] = {}

    def add(self, size: int, data: bytes, stream: str, seq: int) -> None:
        """Our own lines `data` were written at `size`, the last one `seq` of `stream`."""
        if self.offset == size:
            self.offset += len(data)
            self.lines += data.count(b"\n")
            self.streams[stream] = seq

    def catch_up(self, fd: int, size: int) -> None:
        """Count what others have written up to `size`. Whoever calls holds the file's lock. Raises `OSError`."""
        if size < self.offset:
            self.offset = self.lines = 0
            self.streams.clear()
        rest = b""
        while self.offset < size and (data := read_at(fd, self.offset, min(_CHUNK, size - self.offset))):
            self.offset += len(data)
            whole, _, rest = (rest + data).rpartition(b"\n")
            self._count(whole)
        # A line without its break is counted when it has one.
        self.offset -= len(rest)

    def _count(self, whole: bytes) -> None:
        if not whole:
            return
        self.lines += whole.count(b"\n") + 1
        last = whole.rfind(_CHECKPOINT)
        if last >= 0:
            self.streams.clear()
            whole = whole[last:].partition(b"\n")[2]
        for line in whole.split(b"\n"):
            # Read whole: a fragment begins like a record.
            if (place := place_of(line)) is not None and place.stream:
                self.streams[place.stream] = place.seq
