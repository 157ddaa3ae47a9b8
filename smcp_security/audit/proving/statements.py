"""What records say of the chain itself, held against what was seen of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smcp_security.audit.proving.streams import Stream
from smcp_security.audit.reading.shape import Line

Streams = Mapping[bytes, Stream]


def false_checkpoint(fields: Mapping[str, Any], line: Line, number: int, streams: Streams) -> str:
    """Why a checkpoint is not so; empty if it is. `number` is that of its line in its file."""
    records, last = fields.get("records"), fields.get("streams")
    own = streams.get(line.stream)
    if not isinstance(records, int) or not isinstance(last, dict):
        return "this checkpoint has no count of records, or no streams"
    if (own is None or own.filed) and records != number:
        return f"this checkpoint says {records} records so far and is the {number}. line of its file"
    for name, seq in last.items():
        stream = streams.get(name.encode())
        if stream is None:
            return f"this checkpoint names the stream {name[:16]}, of which nothing is there"
        if seq != stream.next - 1 and not (stream is own and seq == line.seq):
            return f"this checkpoint says that stream {name} has come to record {seq}; it has come to {stream.next - 1}"
    return ""


def false_citation(fields: Mapping[str, Any], line: Line, streams: Streams) -> str:
    """Why what an open record cites is not so; empty if it is."""
    cites = fields.get("cites")
    if cites is None:
        return ""
    if not isinstance(cites, dict):
        return "what it cites is no record"
    stream = streams.get(str(cites.get("stream")).encode())
    seq, digest = cites.get("seq"), str(cites.get("hash")).encode()
    if digest == line.prev or stream is None:
        return ""
    if not isinstance(seq, int) or seq >= stream.next or (seq == stream.next - 1 and digest != stream.last):
        return f"it cites record {seq} of stream {stream.name}, which is another one"
    return ""
