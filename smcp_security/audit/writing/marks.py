"""The records that the writer itself makes: where a stream begins and ends, what was torn or purged. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from smcp_security.audit.entry import Entry
from smcp_security.audit.record import FORMAT, encode, timestamp
from smcp_security.version import VERSION


def opened(at: float, *, order: str, key: str, signature: str, cites: Mapping[str, Any] | None) -> Entry:
    """The first record of a stream. `order`: `prev` is of the "file" or of the "stream"; `cites` what was before."""
    return _mark("open", at, {"version": VERSION, "order": order, "key": key, "signature": signature, "cites": cites})


def closed(at: float) -> Entry:
    """The last record of a stream whose writer ended as it should."""
    return _mark("close", at, {})


def checkpoint(at: float, *, records: int, streams: Mapping[str, int]) -> Entry:
    """So many lines has the file with this one, and so far has each stream come before it."""
    return _mark("checkpoint", at, {"records": records, "streams": dict(streams)})


def torn(at: float, *, bytes: int, sha256: str, after: str) -> Entry:
    """What stands before this line is no record: a writer was killed in the middle of one, `after` that line.

    No bytes: the lines before are whole, and their writer was killed before it signed them.
    """
    return _mark("torn", at, {"bytes": bytes, "sha256": sha256, "after": after})


def purged(at: float, segments: Sequence[Mapping[str, Any]]) -> Entry:
    """These segments are removed, because they are older than they may be kept."""
    return _mark("purged", at, {"segments": list(segments)})


def _mark(kind: str, at: float, fields: Mapping[str, Any]) -> Entry:
    return Entry(encode({"v": FORMAT, "kind": kind, "at": timestamp(at), **fields}).rstrip(b"\n"))
