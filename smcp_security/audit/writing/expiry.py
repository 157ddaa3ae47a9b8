"""Which segments are old enough to be removed, and may be: those whose last line is a checkpoint that verifies."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec

from smcp_security.audit.keys import AuditKeys
from smcp_security.audit.proof import Proof
from smcp_security.audit.segments import Segment, segments_of
from smcp_security.audit.writing.tail import LONGEST_RECORD, NO_RECORD, last_line

MOST: Final = 1_000
"""Segments removed at once: the record of it names each of them."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A segment that is removed: when its first and last line were written, its lines, the hash of the last one."""

    name: str
    first: str
    last: str
    records: int
    hash: str

    def fields(self) -> dict[str, Any]:
        """As the record of a purge says it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Purge:
    """What a purge removes, and why it stopped before a segment that is old enough: empty if none is."""

    removed: tuple[Gone, ...] = ()
    kept: str = ""


class _Checkpoint(msgspec.Struct):
    at: str
    kind: str = ""
    records: int = 0


_CHECKPOINT: Final = msgspec.json.Decoder(_Checkpoint)


class _First(msgspec.Struct):
    at: str = ""


def expired(path: str, keys: AuditKeys, before: float) -> Purge:
    """What may go of the audit at `path`: its oldest segments, each of which ended before the time `before`.

    Stops at the first that has to stay, so that what is left has no gap. Raises `OSError`.
    """
    removed: list[Gone] = []
    proof = Proof.of(keys)
    for segment in segments_of(path)[:MOST]:
        line, checkpoint = _ending(segment, proof)
        if checkpoint is None:
            if os.stat(segment.path).st_mtime < before:
                return Purge(tuple(removed), f"{segment.name} does not end in a checkpoint that verifies")
            break
        if datetime.fromisoformat(checkpoint.at).timestamp() >= before:
            break
        removed.append(
            Gone(segment.name, _first_at(segment), checkpoint.at, checkpoint.records, sha256(line).hexdigest())
        )
    return Purge(tuple(removed))


def remove(path: str, gone: tuple[Gone, ...]) -> None:
    """Remove segments of the audit at `path`. Raises `OSError`."""
    directory = os.path.dirname(path)
    for each in gone:
        os.unlink(os.path.join(directory, each.name))


def _ending(segment: Segment, proof: Proof) -> tuple[bytes, _Checkpoint | None]:
    with open(segment.path, "rb", buffering=0) as file:
        line = last_line(file.fileno(), os.fstat(file.fileno()).st_size)
    try:
        checkpoint = _CHECKPOINT.decode(line)
        datetime.fromisoformat(checkpoint.at)
    except (*NO_RECORD, ValueError):
        return line, None
    whole = checkpoint.kind == "checkpoint" and proof.proves(line)
    return line, checkpoint if whole else None


def _first_at(segment: Segment) -> str:
    """When the first line was written; empty where that is no record."""
    with open(segment.path, "rb") as file:
        line = file.readline(LONGEST_RECORD)
    try:
        return msgspec.json.decode(line, type=_First).at
    except NO_RECORD:
        return ""
