"""The answers that the benchmark of results measures: honest ones of an exact size, and some with a finding in them.

Owns the bytes that are measured. Must not import what it measures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Final

from benchmarks.messages import SEED, call, encoded

_WORDS: Final = (
    "the a of and to in harbour morning report team after quiet river market letter answer window garden north season "
    "price little table question member paper weather story train early during number between autumn village often "
    "music kitchen summer bridge engine doctor library second colour under plan yellow journey several meeting"
).split()
# What real answers hold besides words, and what looks like a secret and is none.
_SPICE: Final = (
    "https://example.com/articles/2026/07/harbour-report?page=2&sort=date",
    "3f2b8c1e-7d4a-4c59-9e10-5a6b7c8d9e0f",
    "9fceb02d0ae598e95dc970b74767f19372d61af8",
    "2026-07-28T09:15:00Z",
    "docs/reports/2026/quarterly-summary.md",
    "order 4711-0815-2342",
    "70 %",
    "Zürich",
    "naïve café",
    "C:\\Users\\ann\\notes.txt",
    "first line\nsecond line",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One answer to be measured. `budget` is microseconds at p50, None where none was set; `honest`: none of it is to
    be changed or reported."""

    name: str
    body: bytes
    budget: float | None = None
    honest: bool = True
    event: bool = False


def asked() -> bytes:
    """The call that every answer here is for."""
    return encoded(call({"title": "t"}))


@cache
def cases() -> tuple[Case, ...]:
    """Every answer, in the order of the report."""
    mega = 2**20
    return (
        Case("300 B", _blocks(300, 1)),
        Case("1 KB", _blocks(1024, 4)),
        Case("16 KB (390 strings)", _blocks(16_384, 48), 260),
        Case("16 KB, mixed text", _blocks(16_384, 48, mixed=True), 260),
        Case("16 KB, as SDKs write it", _repeated(16_384, mixed=False), 260),
        Case("16 KB, one token in it", _leaking(16_384), honest=False),
        Case("1 MB, two strings", _blocks(mega, 1), 25_000),
        Case("1 MB, 25,000 strings", _blocks(mega, 3_100), 25_000),
        Case("1 MB, mixed text", _blocks(mega, 3_100, mixed=True), 25_000),
        Case("1 MB, as SDKs write it", _repeated(mega, mixed=True), 25_000),
        Case("SSE event of 300 B", _blocks(300, 1), 100, event=True),
        Case("SSE event, a log message", _log_line(), 100, event=True),
        Case("SSE event of 16 KB", _blocks(16_384, 48), event=True),
    )


def as_event(body: bytes) -> bytes:
    """The bytes of one SSE event."""
    return b"event: message\r\ndata: " + body + b"\r\n\r\n"


class _Writer:
    """Writes text of a given length, the same in every run."""

    def __init__(self, *, mixed: bool = False) -> None:
        self._random = Random(SEED)
        self._mixed = mixed

    def prose(self, length: int) -> str:
        words: list[str] = []
        left = length
        while left > 0:
            source = _SPICE if self._mixed and self._random.random() < 0.1 else _WORDS
            words.append(self._random.choice(source))
            left -= len(words[-1]) + 1
        return " ".join(words)[:length]

    def notes(self, count: int, length: int) -> list[dict[str, str]]:
        return [{"author": self.prose(8).strip(), "text": self.prose(length)} for _ in range(count)]


def _result(**members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": {**members, "isError": False}}


def _blocks(size: int, count: int, *, mixed: bool = False) -> bytes:
    """Half of the text in `count` blocks of `content`, half in as many notes of `structuredContent`."""

    def made(length: int) -> dict[str, Any]:
        writer = _Writer(mixed=mixed)
        texts = [{"type": "text", "text": writer.prose(length)} for _ in range(count)]
        return _result(content=texts, structuredContent={"notes": writer.notes(count, length)})

    return _fitted(size, count, made)


def _repeated(size: int, *, mixed: bool) -> bytes:
    """`content` is one text that repeats `structuredContent` as JSON: what the SDKs make of a returned object."""

    def made(length: int) -> dict[str, Any]:
        held = {"notes": _Writer(mixed=mixed).notes(size // 170, length)}
        text = json.dumps(held, ensure_ascii=False, indent=2)
        return _result(content=[{"type": "text", "text": text}], structuredContent=held)

    return _fitted(size, 2 * (size // 170), made)


def _leaking(size: int) -> bytes:
    """An answer that holds one token, in `content` and in `structuredContent`."""
    # In parts, so that no scanner of this repository takes it for one.
    token = "".join(("gh", "p_", "n3V5uQ8wXz2LkD7Rt1", "YbGcJ4mHs6PaEf9ToK"))
    writer = _Writer()
    texts = [{"type": "text", "text": writer.prose(size // 120)} for _ in range(48)]
    notes = writer.notes(48, size // 120)
    texts[20]["text"] += f" {token} "
    notes[20]["text"] += f" {token} "
    return encoded(_result(content=texts, structuredContent={"notes": notes}))


def _log_line() -> bytes:
    params: Mapping[str, Any] = {"level": "info", "logger": "harbour", "data": _Writer().prose(180)}
    return encoded({"jsonrpc": "2.0", "method": "notifications/message", "params": params})


def _fitted(size: int, texts: int, made: Callable[[int], dict[str, Any]]) -> bytes:
    """The largest answer of at most `size` bytes, found by the length that each of its texts has."""
    length = size // max(1, texts)
    while True:
        body = encoded(made(length))
        if len(body) <= size:
            return body
        length -= max(1, (len(body) - size) // (2 * max(1, texts)))
