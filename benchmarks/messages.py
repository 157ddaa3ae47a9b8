"""The workload that every benchmark shares: one tool, its policy, and honest messages of an exact size.

Owns the bytes that are measured. Must not import what it measures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

REVISION: Final = "2026-07-28"
TOOL: Final = "notes.save"
ADDRESS: Final = "127.0.0.1"
SEED: Final = 20260728

SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "limit": {"type": "integer", "minimum": 0},
        "body": {"type": "string"},
        "notes": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"author": {"type": "string"}, "text": {"type": "string"}},
                "required": ["author", "text"],
            },
        },
    },
    "required": ["title"],
}

CONTRACTS: Final[Mapping[str, Any]] = {
    "title": {"kind": "text", "max_length": 1_048_576},
    "limit": {"kind": "regex", "pattern": "[0-9]{1,4}"},
    "/notes/*/author": {"kind": "text", "max_length": 200, "scripts": ["Latin"]},
}
"""Typed contracts; that of SQL is measured by itself."""

_WORDS: Final = (
    "the a of and to in harbour morning report team after quiet river market letter answer window garden north season "
    "price little table question member paper weather story train early during number between autumn village often "
    "music kitchen summer bridge engine doctor library second colour under plan yellow journey several meeting "
    "because machine winter small detail teacher island evening bread nature picture forest simple mountain"
).split()
# What real text holds besides plain words: it wakes the decoders, which plain prose never does.
_SPICE: Final = (
    "https://example.com/articles/2026/07/harbour-report?page=2&sort=date",
    "3f2b8c1e-7d4a-4c59-9e10-5a6b7c8d9e0f",
    "docs/reports/2026/quarterly-summary.md",
    "70 %",
    "Zürich",
    "naïve café",
    "R&D",
    "C:\\Users\\ann\\notes.txt",
    "first line\nsecond line",
)
_RECORD: Final = 82
"""Bytes of one note with its keys, so that 16 KB hold the 390 strings that the budget names."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A message of `size` bytes: `notes` records of two short strings, or one long string if there are none."""

    name: str
    size: int
    notes: int
    mixed: bool = False


WORKLOADS: Final = (
    Workload("300 B", 300, 0),
    Workload("1 KB", 1024, 8),
    Workload("16 KB (390 strings)", 16 * 1024, 96),
    Workload("256 KB (one string)", 256 * 1024, 0),
    Workload("16 KB, mixed text", 16 * 1024, 96, mixed=True),
)


def policy(audit: Path) -> dict[str, Any]:
    """The policy of all benchmarks: everything on, nothing that trips. `audit` is the file to write to."""
    # Each tighter than the one before: a limit that could never be reached would be the policy's mistake.
    rates = [(["address"], 9_000_000), (["caller"], 8_000_000), (["caller", "tool"], 7_000_000)]
    return {
        "version": 1,
        "server": {"flood": "off", "max_body": "2MiB"},
        "limits": [{"per": per, "rate": f"{count}/second", "burst": count} for per, count in rates],
        "tools": {TOOL: {"schema": dict(SCHEMA), "arguments": dict(CONTRACTS)}},
        "injection": {"level": 2},
        "results": {"max_size": "2MiB"},
        "audit": {"file": str(audit)},
    }


def headers(body: bytes) -> dict[str, str]:
    """The HTTP headers that a client of the revision sends with `body`."""
    return {
        "host": "127.0.0.1:8000",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "user-agent": "benchmark",
        "mcp-protocol-version": REVISION,
        "mcp-method": "tools/call",
        "mcp-name": TOOL,
        "content-length": str(len(body)),
    }


def request(work: Workload) -> bytes:
    """A `tools/call` of exactly `work.size` bytes, canonical as the SDKs write it."""
    writer = _Writer(work)
    arguments: dict[str, Any] = {"title": ""}
    if work.notes:
        arguments["notes"] = writer.notes(work.notes)
    meta = {
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    message = {"name": TOOL, "arguments": arguments, "_meta": meta}
    return _padded({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": message}, arguments, "title", writer)


def response(work: Workload) -> bytes:
    """The answer to it, as large: half of the text in `content`, half in `structuredContent`."""
    writer = _Writer(work)
    structured: dict[str, Any] = {"notes": writer.notes(work.notes // 2)} if work.notes else {}
    structured["body"] = writer.prose(0 if work.notes else (work.size - 200) // 2)
    content = {"type": "text", "text": ""}
    result = {"resultType": "complete", "content": [content], "structuredContent": structured, "isError": False}
    return _padded({"jsonrpc": "2.0", "id": 1, "result": result}, content, "text", writer)


def call(arguments: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """A `tools/call` of the era before, which needs no more than this; `members` replace those of the message."""
    params = {"name": TOOL, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params} | members


def encoded(value: Any) -> bytes:
    """JSON without blanks, in UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class _Writer:
    """Writes text of a given length, the same in every run."""

    def __init__(self, work: Workload) -> None:
        self._random = Random(SEED)
        self._mixed = work.mixed
        self.size = work.size

    def prose(self, length: int) -> str:
        words: list[str] = []
        left = length
        while left > 0:
            source = _SPICE if self._mixed and self._random.random() < 0.1 else _WORDS
            words.append(self._random.choice(source))
            left -= len(words[-1]) + 1
        return " ".join(words)[:length]

    def notes(self, count: int) -> list[dict[str, str]]:
        return [{"author": self.prose(8).strip(), "text": self.prose(_RECORD - 36)} for _ in range(count)]


def _padded(message: dict[str, Any], place: dict[str, Any], key: str, writer: _Writer) -> bytes:
    """The message with `place[key]` filled so that all of it has exactly the size that was asked for."""
    size = writer.size
    place[key] = writer.prose(size - len(encoded(message)))
    surplus = len(encoded(message)) - size
    while surplus > 0:
        place[key] = place[key][:-surplus]
        surplus = len(encoded(message)) - size
    place[key] += "." * -surplus
    return encoded(message)
