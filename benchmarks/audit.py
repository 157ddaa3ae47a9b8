"""What the audit costs: a record on the caller's path, the writer, a whole log verified and searched.

    python benchmarks/audit.py [--short] [--json]

Writes logs into a folder of its own, which is removed again, and ends by itself. Exit code 1 if a log does not verify,
or not every record is found: its numbers would mean nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this folder: its http.py would stand in for the standard library's.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from benchmarks.machine import tell
from benchmarks.samples import Samples, markdown
from smcp_security.audit.callers.people import open_people
from smcp_security.audit.entry import entry_of
from smcp_security.audit.proof import Proof
from smcp_security.audit.proving.verification import Verifier
from smcp_security.audit.reading.lines import Lines
from smcp_security.audit.reading.log import open_log
from smcp_security.audit.reading.selection import Search, Selection
from smcp_security.audit.record import timestamp
from smcp_security.audit.sink import FileSink
from smcp_security.audit.writing.chain import GENESIS, Chain
from smcp_security.audit.writing.marks import opened
from smcp_security.audit.writing.upkeep import Upkeep

Fsync = Literal["interval", "never", "always"]
MEGABYTE: Final = 1_000_000
_APPEND: Final = 500
"""Records of one append of the large log."""

_RARE: Final = 10_000
"""One record in so many is of the tool that is searched for."""


@dataclass(frozen=True, slots=True)
class Size:
    """How often a record is offered and synced, how many the writer gets at once, and the bytes of the large log."""

    blocks: int = 7
    rounds: int = 3_000
    synced: int = 200
    flood: int = 100_000
    bytes: int = 1000 * MEGABYTE


SHORT: Final = Size(blocks=3, rounds=1_000, synced=50, flood=20_000, bytes=50 * MEGABYTE)


@dataclass(frozen=True, slots=True)
class Row:
    """One thing measured. `budget` is what the issue allows, or asks for at least; 0 for none."""

    what: str
    unit: str
    value: float
    p99: float = 0.0
    budget: float = 0.0


class Wrong(Exception):
    """A log does not verify, or a search found another number of records than there are."""


def record(number: int) -> dict[str, Any]:
    """A decision as `audit/record.py` makes them, of one of a hundred callers."""
    caller = {
        "id": f"ann{number % 100}",
        "verified": True,
        "source": "api_key",
        "credential": "k1",
        "tenant": "acme",
        "roles": ["viewer"],
    }
    return {
        "v": 2, "kind": "decision", "id": f"{number:032x}", "at": timestamp(time.time()), "allowed": True,
        "action": "pass", "codes": [], "findings": [], "method": "tools/call",
        "target": "rare.tool" if number % _RARE == 0 else "search", "era": "modern", "revision": "2026-01-01",
        "arguments": "3f" * 16, "size": 300, "caller": caller, "label": "", "address": "203.0.113.7",
        "session": "5e" * 16, "edge": "asgi", "traceparent": "", "mode": "enforce", "policy": "sha256:" + "aa" * 32,
        "rules": "sha256:" + "bb" * 32, "lock": "", "us": 80,
    }  # fmt: skip


def measure(folder: Path, size: Size) -> list[Row]:
    """All rows. Raises `Wrong`."""
    return [
        _offered(folder / "interval", "interval", size),
        _offered(folder / "never", "never", size),
        _synced(folder / "always", size),
        _flood(folder / "flood", size),
        *_large(folder / "large.jsonl", size),
    ]


def _offered(path: Path, fsync: Fsync, size: Size) -> Row:
    """What a caller waits for: the record is taken, and a thread writes it."""
    spent = Samples()
    sink = FileSink(path, upkeep=Upkeep(fsync))
    for _ in range(size.blocks):
        records = [record(number) for number in range(size.rounds)]
        spent.blocks.append([_spent(lambda each=each: sink.write(each)) for each in records])  # type: ignore[misc]
        _check(sink.flush(60))
    sink.close()
    _verify(path)
    return Row(f"a record offered, fsync: {fsync}", "µs", spent.p50, spent.p99, 15 if fsync == "interval" else 0)


def _synced(path: Path, size: Size) -> Row:
    """One caller alone: each record is on the disk before its verdict takes effect."""
    spent = Samples()
    sink = FileSink(path, upkeep=Upkeep("always"))

    def through(each: dict[str, Any]) -> None:
        sink.write(each)
        _check(sink.flush(60))

    for _ in range(size.blocks):
        records = [record(number) for number in range(size.synced)]
        spent.blocks.append([_spent(lambda each=each: through(each)) for each in records])  # type: ignore[misc]
    sink.close()
    _verify(path)
    return Row("a record offered and on the disk, fsync: always", "µs", spent.p50, spent.p99)


def _flood(path: Path, size: Size) -> Row:
    records = [record(number) for number in range(size.flood)]
    sink = FileSink(path, queue=size.flood, upkeep=Upkeep("interval", size=None))
    began = time.perf_counter()
    for each in records:
        sink.write(each)
    _check(sink.flush(600))
    took = time.perf_counter() - began
    sink.close()
    return Row("records written in a second, encoding included", "/s", size.flood / took)


def _large(path: Path, size: Size) -> Iterator[Row]:
    count = _written(path, size.bytes)
    megabytes = path.stat().st_size / MEGABYTE
    began = time.process_time()
    _check(_verify(path) == count + 1)
    took = time.process_time() - began
    yield Row("verified in a second", "MB/s", megabytes / took, budget=100)
    yield Row("records verified in a second", "/s", count / took, budget=200_000)
    for what, selection, expected in (
        ("by a rare tool", Selection(tool="rare.tool"), -(-count // _RARE)),
        ("for refused ones, of which there are none", Selection(action="block"), 0),
    ):
        began = time.perf_counter()
        lines = Lines(str(path))
        found = sum(1 for _ in Search(selection, False).records(lines.blocks()))
        lines.close()
        _check(found == expected)
        spent = time.perf_counter() - began
        yield Row(f"search of {megabytes:,.0f} MB {what}", "s", spent, budget=20 * megabytes / 1000)


def _written(path: Path, size: int) -> int:
    """A log of about `size` bytes; how many records it has besides its open."""
    people, keys = open_people(f"{path}.keys", None, "hmac", os.environ, create=True)
    chain, head, count = Chain(people, keys), GENESIS, 0
    with path.open("wb") as file:
        mark = opened(time.time(), order="file", key=keys.fingerprint, signature="hmac", cites=None)
        entries = [mark]
        while file.tell() < size:
            lines = chain.extend(entries, head)
            chain.commit(lines)
            file.write(lines.data)
            head = lines.head
            entries = [entry_of(record(count + number)) for number in range(_APPEND)]
            count += _APPEND
    people.flush()
    return count - _APPEND


def _verify(path: Path) -> int:
    """How many records a log has. Raises `Wrong` if it is not whole."""
    _, keys = open_people(f"{path}.keys", None, "hmac", os.environ, create=False)
    verifier = Verifier(Proof.of(keys))
    for block in open_log([str(path)]).blocks():
        verifier.feed(block)
    report = verifier.finish()
    _check(report.whole)
    return report.records


def _spent(work: Callable[[], object]) -> int:
    began = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - began


def _check(right: bool) -> None:
    if not right:
        raise Wrong


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    cells = [
        (
            row.what,
            _shown(row.value, row.unit),
            _shown(row.p99, row.unit) if row.p99 else "-",
            _shown(row.budget, row.unit) if row.budget else "-",
        )
        for row in rows
    ]
    return markdown(("what", "p50", "p99", "budget"), cells)


def _shown(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:,.1f} {unit}"


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if a log came out wrong."""
    parser = argparse.ArgumentParser(description="What the audit costs.")
    parser.add_argument("--short", action="store_true", help="a log of 50 MB and few rounds: some seconds")
    parser.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = measure(Path(folder), SHORT if options.short else Size())
    except Wrong:
        print("a log came out wrong; nothing was measured", file=sys.stderr)
        return 1
    tell(rows, table(rows), as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
