"""What it costs to look for handed out secrets in answers: clean ones, the first leak, hostile texts.

    python benchmarks/leaks.py [--short] [--json]

Each answer passes both rungs, the one that masks and the last look at the bytes. Ends by itself; exit code 1 if a
clean answer is touched, or a leak is missed: the numbers would mean nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this folder: its http.py would stand in for the standard library's.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import platform
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from random import Random
from statistics import median
from typing import Final

from benchmarks.answers import cases
from benchmarks.messages import SEED
from benchmarks.samples import Samples, markdown
from smcp_security.checks import leaks, results
from smcp_security.checks.rung import Context
from smcp_security.decision import Outcome
from smcp_security.drivers import drive
from smcp_security.redaction.sought import LeakFlood, Sought, Value

COUNTS: Final = (1, 5, 50, 512, 4096)
"""Secrets that were handed out."""

BUDGET_US: Final = 100
LONGEST: Final = 20_000
HOSTILE: Final = 100_000
_SIGNS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
_RUNGS: Final = (leaks.build(), leaks.build_last())


class Missed(Exception):
    """A clean answer was touched or a leak passed."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: microseconds."""

    name: str
    secrets: int
    p50: float
    p99: float


def values(count: int, random: Random) -> list[Value]:
    """Secrets as most APIs have them."""
    return [Value(f"secret-{number}", "".join(random.choices(_SIGNS, k=40)).encode()) for number in range(count)]


def measure(sought: Sought, *, blocks: int, loops: int) -> list[Row]:
    """Clean answers, hot."""
    rows = []
    for case in cases():
        if case.honest and len(case.body) <= LONGEST and not case.event:
            samples = Samples()
            for _ in range(blocks):
                samples.blocks.append([_clean(case.body, sought) for _ in range(loops)])
            rows.append(Row(case.name, len(sought.values), samples.p50, samples.p99))
    return rows


def _clean(body: bytes, sought: Sought) -> int:
    # Bytes of its own: what was seen clean is not looked at again.
    context = read(bytes(bytearray(body)))
    began = time.perf_counter_ns()
    outcomes = [_judged(rung, context, sought) for rung in _RUNGS]
    spent = time.perf_counter_ns() - began
    if any(outcome.findings for outcome in outcomes):
        raise Missed("a clean answer was touched")
    return spent


def read(body: bytes) -> Context:
    """The context of an answer as the rungs before leave it."""
    context = Context(raw=body)
    context.message = drive(results.build_parse()(context), _nothing).edit
    return context


def _nothing(question: object) -> None:
    raise AssertionError(question)


def _judged(rung: leaks.Rung, context: Context, sought: Sought) -> Outcome:
    return drive(rung(context), lambda _: sought)


def measure_leaks(sought: Sought) -> list[Row]:
    """An answer of 16 KB in which one of them stands: for the first time, and from then on."""
    value, count = sought.values[-1].octets.decode(), len(sought.values)
    body = next(case.body for case in cases() if case.honest and 10_000 < len(case.body) <= LONGEST)
    text = json.dumps(f" {value}")[1:-1].encode()
    at = body.index(b'"text":"') + len(b'"text":"')
    spent = [_masked(body[:at] + text + body[at:], sought) for _ in range(20)]
    return [Row("16 KB, the first leak", count, spent[0], spent[0]), Row("16 KB, a leak", count, *_ends(spent[1:]))]


def _masked(body: bytes, sought: Sought) -> float:
    context = read(body)
    began = time.perf_counter_ns()
    outcome = _judged(_RUNGS[0], context, sought)
    spent = (time.perf_counter_ns() - began) / 1000
    if [item.code for item in outcome.findings] != ["SMCP922"] or outcome.edit is None:
        raise Missed("a leak was missed")
    return spent


def _ends(spent: list[float]) -> tuple[float, float]:
    return median(spent), max(spent)


def measure_hostile(sought: Sought, random: Random, *, repeats: int) -> list[Row]:
    """Fresh texts of 100 KB that are made of escapes, of beginnings and ends of the secrets, of noise."""
    rows = []
    for name, made in _families(sought, random).items():
        spent = []
        for _ in range(repeats):
            body = made()[:HOSTILE]
            began = time.thread_time_ns()
            with suppress(LeakFlood):
                sought.suspects(body)
            spent.append((time.thread_time_ns() - began) / 1000)
        rows.append(Row(f"hostile 100 KB, {name}", len(sought.values), *_ends(spent)))
    return rows


def _families(sought: Sought, random: Random) -> Mapping[str, Callable[[], bytes]]:
    def each(made: Callable[[int], str]) -> Callable[[], bytes]:
        return lambda: "".join(made(ord(random.choice(_SIGNS))) for _ in range(HOSTILE // len(made(99)))).encode()

    def parts() -> bytes:
        return b"".join(random.choice(sought.values).octets[random.randint(0, 9) : 39] for _ in range(HOSTILE // 30))

    return {
        "Base64": lambda: b64encode(random.randbytes(HOSTILE * 3 // 4)),
        "hex": lambda: random.randbytes(HOSTILE // 2).hex().encode(),
        "percent": each(lambda number: f"%{number:02x}"),
        "percent of percent": each(lambda number: f"%2525{number:02x}"),
        "units": each(lambda number: f"\\u00{number:02x}"),
        "references": each(lambda number: f"&#{number:03d};"),
        "references in hex": each(lambda number: f"&#x00{number:02x};"),
        "backslashes": lambda: b"\\" * HOSTILE,
        "percent signs": lambda: b"%" * HOSTILE,
        "parts of secrets": parts,
        "parts of secrets in Base64": lambda: b64encode(parts()),
    }


def report(rows: list[Row]) -> str:
    """The table."""
    table = [[row.name, f"{row.secrets:,}", f"{row.p50:,.0f}", f"{row.p99:,.0f}"] for row in rows]
    return markdown(("answer", "secrets", "p50 µs", "p99 or worst µs"), table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="a tenth of the time, up to 50 secrets")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows: list[Row] = []
    for count in COUNTS[:3] if asked.short else COUNTS:
        random = Random(SEED)
        began = time.perf_counter_ns()
        sought = Sought(values(count, random))
        sought.suspects(b"")
        rows.append(Row("compiling them at once", count, *([(time.perf_counter_ns() - began) / 1000] * 2)))
        rows += measure(sought, blocks=2 if asked.short else 5, loops=50 if asked.short else 300)
        rows += measure_leaks(sought)
        rows += measure_hostile(sought, random, repeats=2 if asked.short else 5)
    if asked.json:
        print(json.dumps({"python": platform.python_version(), "rows": [asdict(row) for row in rows]}, indent=2))
    else:
        print(report(rows))


if __name__ == "__main__":
    try:
        main()
    except Missed as error:
        sys.exit(f"leaks: {error}")
