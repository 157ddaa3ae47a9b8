"""How much of known attacks is caught, and how much harmless text is refused, by source and category.

    python benchmarks/detection.py [--level 2] [--source WORD] [--category WORD] [--misses N] [--json]
    python benchmarks/detection.py --left-out | --disguises | --contracts
    python benchmarks/detection.py --write docs/detection.md README.md

Reads labelled texts from a folder of JSON lines (`--corpora`); they are attacks, and data only. Every text goes
through the whole engine as an argument of a tool of its kind. Exit code 2 if there is no such folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this folder: its http.py would stand in for the standard library's.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import time
from collections.abc import Sequence

from benchmarks import detection_contracts, detection_disguises, detection_left_out, detection_page, detection_report
from benchmarks.detection_corpus import CORPORA, CorpusError, Row, read
from benchmarks.detection_disguises import SAMPLE
from benchmarks.detection_judging import engine, judge, judge_untyped
from benchmarks.detection_report import Measured
from benchmarks.machine import facts


def measure(rows: Sequence[Row], level: int) -> Measured:
    """Every row where it belongs, and the attacks in untyped text besides."""
    with engine(level) as security:
        about = facts(security)
        began = time.perf_counter()
        placed = judge(security, rows)
        untyped = judge_untyped(security, [row for row in rows if row.attack])
        return Measured(placed, untyped, level, time.perf_counter() - began, about)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    options = _options(arguments)
    try:
        rows = [row for row in read(options.corpora) if options.source in row.corpus and _is_of(row, options.category)]
    except CorpusError as error:
        print(f"detection: {error}", file=sys.stderr)
        return 2
    if options.left_out:
        return _print(detection_left_out.report(rows, options.level), options.json)
    if options.disguises:
        return _print(detection_disguises.report(rows, options.level, options.sample), options.json)
    if options.contracts:
        return _print(detection_contracts.report(rows, options.misses), options.json)
    measured = measure(rows, options.level)
    if options.write is not None:
        tables = detection_page.tables_of(measured, rows)
        for page in options.write:
            detection_page.write(page, tables)
        return 0
    if options.json:
        print(json.dumps(detection_report.as_json(measured), indent=2))
        return 0
    print(detection_report.as_text(measured))
    if options.misses:
        print(detection_report.misses(measured, options.misses))
    return 0


def _is_of(row: Row, word: str) -> bool:
    return word in row.category


def _print(report: tuple[str, object], as_json: bool) -> int:
    text, machine = report
    print(json.dumps(machine, indent=2) if as_json else text)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What detection catches, and what it refuses wrongly.")
    parser.add_argument("--corpora", type=Path, default=CORPORA, metavar="FOLDER", help="JSON lines of labelled texts")
    parser.add_argument("--level", type=int, default=2, choices=(1, 2, 3), help="which rules count")
    parser.add_argument("--source", default="", metavar="WORD", help="only files with this in their name")
    parser.add_argument("--category", default="", metavar="WORD", help="only categories with this in their name")
    parser.add_argument("--misses", type=int, default=0, metavar="N", help="show N of each kind of miss, shortened")
    parser.add_argument("--sample", type=int, default=SAMPLE, metavar="N", help="with --disguises: how many attacks")
    parser.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--left-out", action="store_true", help="each source without what only it speaks for")
    only.add_argument("--disguises", action="store_true", help="attacks that are caught plain, sent in disguise")
    only.add_argument("--write", type=Path, nargs="+", metavar="PAGE", help="put all tables into pages with marks")
    only.add_argument("--contracts", action="store_true", help="texts in arguments with a contract")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
