"""The audit file on disk: appends to its chain, checkpoints, rotation, what a killed writer left. No threads.

Several processes may append to one file: each append holds the file's advisory lock, so no line is torn, and each cites
the line before it, whoever wrote that.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from smcp_security.audit.entry import Entry, entry_of
from smcp_security.audit.keys import AuditKeys
from smcp_security.audit.segments import next_segment, segments_of
from smcp_security.audit.writing import marks
from smcp_security.audit.writing.chain import Chain, Lines, Sealer
from smcp_security.audit.writing.expiry import Purge, expired, remove
from smcp_security.audit.writing.held import HeldFile, sync_directory
from smcp_security.audit.writing.lineage import followed, tail_of
from smcp_security.audit.writing.tail import Tail, read_tail
from smcp_security.audit.writing.tally import Tally
from smcp_security.audit.writing.upkeep import Upkeep, day_of

SYNC_SECONDS: Final = 1.0
"""With `fsync: interval`, how old a line may become before it is on the disk."""

AGAIN_SECONDS: Final = 60.0
"""After a file could not be put aside, how long it goes on growing before that is tried again."""

_NOTHING: Final = sha256().hexdigest()
_log: Final = logging.getLogger("smcp_security.sink")


class Journal:
    """One audit file and its chain, opened on the first append. For one thread at a time."""

    def __init__(
        self,
        path: str,
        chain: Chain,
        upkeep: Upkeep | None = None,
        *,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.chain = chain
        self.upkeep: Final = upkeep or Upkeep()
        self._wall, self._steady = wall, steady
        self._file = HeldFile(path)
        self._tally = Tally()
        # The line that ours follow, and the size of the file with it: -1 while that is not known.
        self._last = Tail(-1)
        self._newest = self._begun = 0
        self._checked = steady()
        self._unsynced: float | None = None
        self._stuck_until = 0.0
        self._let_go: os.stat_result | None = None

    def append(self, entries: Sequence[Entry]) -> None:
        """Write one line for each, or nothing.

        Raises `OSError` when the file cannot be opened or written; then the entries can be offered again.
        """
        with self._held():
            if not self._full():
                self._put(entries)
                return
            since = self._wall() - os.fstat(self._file.fd).st_mtime
            self._put((), last=True)
            self._put_aside()
        with self._held():
            retention = self.upkeep.retention
            # Nothing for longer than anything is kept: rather a clock that was set forward than so quiet a server.
            if retention is not None and since < retention:
                self._purge(self._wall() - retention)
            self._put(entries)

    def finish(self) -> None:
        """End the stream, if it has begun, and put all of it on the disk. Raises `OSError`."""
        if self.chain.begun:
            with self._held():
                self._put((marks.closed(self._wall()),))
        self.sync()

    def purge(self, before: float) -> Purge:
        """Remove the segments that ended before this time, once a record says so. Raises `OSError`."""
        with self._held():
            return self._purge(before)

    def patience(self) -> float | None:
        """Seconds until `sync` is due; None when nothing waits for it."""
        if self._unsynced is None or self.upkeep.fsync != "interval":
            return None
        return max(0.0, self._unsynced + SYNC_SECONDS - self._steady())

    def unsynced(self) -> float:
        """Seconds since the first line that is not known to be on the disk; 0.0 if all are."""
        since = self._unsynced
        return 0.0 if since is None else self._steady() - since

    def sync(self) -> None:
        """Put on the disk what was written, unless the policy never does. Raises `OSError`."""
        if self._unsynced is not None and self.upkeep.fsync != "never":
            self._file.sync()
            self._unsynced = None

    def close(self) -> None:
        """Let the files go; the next append opens them again. Releases no lock that another process shares."""
        if self._file.regular and self._file.fd >= 0:
            self._let_go = os.fstat(self._file.fd)
        self._file.close()
        self.chain.people.close()

    def renewed(self) -> Journal:
        """One like this for a child process, which begins a stream of its own."""
        self._file.close()
        chain = Chain(self.chain.people, self.chain.keys)
        return Journal(self.path, chain, self.upkeep, wall=self._wall, steady=self._steady)

    def _held(self) -> AbstractContextManager[None]:
        return self._file.locked(self._left, self._found)

    # -- with the lock held ------------------------------------------------------------------------------------------

    def _put(self, entries: Sequence[Entry], *, last: bool = False, sync: bool = False) -> None:
        now, end = self._wall(), self._end()
        batch = [*self._preface(end, now), *entries]
        checked = last or self._steady() - self._checked >= self.upkeep.checkpoint
        if checked:
            batch.append(self._checkpoint(end, len(batch), now))
        if not batch and not end.open:
            return
        lines = self.chain.extend(batch, end.head)
        self.chain.people.flush()
        data = b"\n" + lines.data if end.open else lines.data
        sync = sync or last or self.upkeep.fsync == "always"
        try:
            self._file.write(data, sync=sync)
        except OSError:
            if self._file.torn:
                # Some of these lines may be whole: their places in the stream are taken.
                self.chain.renew()
                self._last = replace(self._last, size=-1, open=not self._file.regular)
            raise
        self._wrote(end, data, lines, now, synced=sync, checked=checked)

    def _wrote(self, end: Tail, data: bytes, lines: Lines, now: float, *, synced: bool, checked: bool) -> None:
        self.chain.commit(lines)
        stream, seq = self.chain.stream, lines.seq - 1
        self._tally.add(end.size, data, stream, seq)
        if checked:
            self._tally.streams.clear()
            self._checked = self._steady()
        size = end.size + len(data)
        self._last = Tail(size, lines.head, cites={"stream": stream, "seq": seq, "hash": lines.head}, proved=True)
        if synced:
            self._unsynced = None
        elif self._unsynced is None:
            self._unsynced = self._steady()
        if not end.size:
            self._begun = day_of(now)
            if synced and self._file.regular:
                sync_directory(self.path)

    def _end(self) -> Tail:
        """What the next line follows."""
        if not self._file.regular:
            return replace(self._last, size=self._tally.offset)
        size, last = self._file.size(), self._last
        if size == last.size:
            return last
        if not size:
            return replace(last, size=0)
        tail = read_tail(self._file.fd, size)
        if tail.fragment is not None and not tail.fragment.after:
            # A file that begins with it: the line before is that of the file before.
            fragment = replace(tail.fragment, after=last.head)
            return replace(tail, fragment=fragment, cites=last.cites)
        # Shorter than it was: somebody cut it. What we know was there is cited, so that the cut can be seen.
        return replace(last, size=size, open=tail.open) if size < last.size and tail.fragment is None else tail

    def _preface(self, end: Tail, now: float) -> list[Entry]:
        """What has to be said before anything else: what a killed writer left, that this stream begins."""
        said = []
        if end.fragment is not None:
            said.append(marks.torn(now, bytes=end.fragment.bytes, sha256=end.head, after=end.fragment.after))
        elif end.cites is not None and not end.proved:
            said.append(marks.torn(now, bytes=0, sha256=_NOTHING, after=end.head))
        if not self.chain.begun:
            order = "file" if self._file.regular else "stream"
            key, signature = self.chain.keys.fingerprint, self.chain.signature
            said.append(marks.opened(now, order=order, key=key, signature=signature, cites=end.cites))
        return said

    def _checkpoint(self, end: Tail, ahead: int, now: float) -> Entry:
        """The checkpoint that stands behind `ahead` lines of ours."""
        if self._file.regular:
            self._tally.catch_up(self._file.fd, end.size)
        streams = self._tally.streams | {self.chain.stream: self.chain.seq + ahead}
        # A fragment becomes a line when it gets its break.
        return marks.checkpoint(now, records=self._tally.lines + end.open + ahead + 1, streams=streams)

    def _full(self) -> bool:
        if not self._file.regular or self._steady() < self._stuck_until:
            return False
        return self.upkeep.is_full(self._file.size(), self._begun, day_of(self._wall()))

    def _put_aside(self) -> None:
        try:
            segment = next_segment(self.path, self._newest)
            self._file.put_aside(segment.path)
        except OSError as error:
            self._stuck_until = self._steady() + AGAIN_SECONDS
            reason = os.strerror(error.errno) if error.errno else type(error).__name__
            _log.error("audit file %s cannot be put aside: %s. It goes on growing.", self.path, reason)
        else:
            self._newest = segment.number

    def _purge(self, before: float) -> Purge:
        purge = expired(self.path, self.chain.keys, before)
        if purge.removed:
            self._put((marks.purged(self._wall(), [gone.fields() for gone in purge.removed]),), sync=True)
            remove(self.path, purge.removed)
        return purge

    # -- the file at the path is another one --------------------------------------------------------------------------

    def _left(self) -> None:
        """The file was renamed or deleted: others may have written to it after us."""
        if not self._file.regular:
            return
        self._last = self._end()
        if self._last.open or self._last.fragment is not None:
            self._put(())
        self.sync()

    def _found(self) -> None:
        """Another file was opened."""
        self._tally = Tally()
        self._last = replace(self._last, size=-1)
        if self._file.regular:
            self._begun = day_of(os.fstat(self._file.fd).st_mtime)
            # Where the directory may not be listed nothing can be put aside either.
            with suppress(PermissionError):
                self._look_back()

    def _look_back(self) -> None:
        """The line before the first one of a new file is the last of a segment that we have not seen yet, or the last
        one that we know, or what others have written since to a file that was renamed."""
        last, newest = self._last, max(segments_of(self.path), default=None)
        if newest is not None and newest.number > self._newest:
            self._newest = newest.number
            last = tail_of(newest.path)
        if not self._file.size():
            last = followed(self.path, last, self._let_go)
        self._last, self._let_go = replace(last, size=-1), None


def append_record(path: str, people: Sealer, keys: AuditKeys, record: Mapping[str, Any]) -> None:
    """Write one record into an audit file that others may be writing; it is on the disk then. Raises `OSError`."""
    journal = Journal(os.path.abspath(path), Chain(people, keys), Upkeep("always", size=None))
    try:
        journal.append((entry_of(record),))
        journal.finish()
    finally:
        journal.close()
