"""How much of poisoned definitions is told, and how much of honest ones is, by source.

    python benchmarks/descriptions.py [--level 2] [--source WORD] [--misses N] [--json]
    python benchmarks/descriptions.py --write docs/results.md

Reads the rows for descriptions from a folder of JSON lines (`--corpora`); they are attacks, and data only. Each text is
the description of a tool that the descriptions rung looks over. Exit code 2 if there is no such folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Not this folder: its http.py would stand in for the standard library's.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace

from benchmarks.detection_corpus import CORPORA, CorpusError, Row, read
from benchmarks.samples import markdown
from smcp_security.checks.poison import Judge, Suspicion
from smcp_security.checks.shadows import shadows
from smcp_security.rulebook import DEFINED, Rulebook, load, read_rules
from smcp_security.rules.catalogue import RawRule

TARGETS: Final[Mapping[bool, float]] = {True: 70.0, False: 1.0}
"""Per cent of poisoned definitions that are to be reported, and of honest ones that may be at most."""

_MARKS: Final = ("<!-- descriptions:{} -->", "<!-- /descriptions:{} -->")
_SHOWN: Final = 160


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in one text."""

    row: Row
    found: tuple[Suspicion, ...]

    @property
    def dropped(self) -> bool:
        """Whether `descriptions: drop` leaves the entry out."""
        return any(each.certain for each in self.found)


def judged(rows: Sequence[Row], judge: Judge) -> list[Verdict]:
    """Each text as the description of a tool."""
    return [Verdict(row, judge.suspicions([{"name": "tool", "description": row.text}])[0]) for row in rows]


def left_out(rows: Sequence[Row], level: int) -> dict[str, tuple[int, int]]:
    """(told, texts) of each source of attacks, by the rules without the atoms that hit no other source's texts."""
    attacks = [row for row in rows if row.attack]
    sources = sorted({row.corpus for row in attacks})
    bounds = [rule for rule in read_rules() if not rule.detect]
    own = [rule for rule in read_rules() if rule.category == "poisoning" and rule.level <= level]
    evidence = {atom: _hit(Rulebook([*bounds, rule], DEFINED), attacks) for atom, rule in _single_atoms(own)}
    told = {}
    for source in sources:
        gone = {atom for atom, hit in evidence.items() if hit and hit <= {source}}
        judge = Judge(Rulebook([*bounds, *_without(own, gone)], DEFINED), general=load(level))
        verdicts = judged([row for row in attacks if row.corpus == source], judge)
        told[source] = sum(bool(one.found) for one in verdicts), len(verdicts)
    return told


Atom = tuple[str, int, int]


def _hit(book: Rulebook, attacks: Sequence[Row]) -> set[str]:
    judge = Judge(book, threshold=1)
    return {one.row.corpus for one in judged(attacks, judge) if one.found}


def _single_atoms(rules: Iterable[RawRule]) -> Iterator[tuple[Atom, RawRule]]:
    for rule in rules:
        for number, detection in enumerate(rule.detect):
            for place, atom in enumerate(detection.any):
                alone = replace(rule, detect=(replace(detection, any=(atom,)),), score=5)
                yield (rule.id, number, place), alone


def _without(rules: Iterable[RawRule], gone: set[Atom]) -> Iterator[RawRule]:
    for rule in rules:
        kept = []
        for number, detection in enumerate(rule.detect):
            atoms = tuple(atom for place, atom in enumerate(detection.any) if (rule.id, number, place) not in gone)
            if atoms:
                kept.append(replace(detection, any=atoms))
        if kept:
            yield replace(rule, detect=tuple(kept))


def texts_table(verdicts: Sequence[Verdict], without: Mapping[str, tuple[int, int]]) -> str:
    """Per source: texts, and per cent that are reported, left out of lists, and reported with the source left out."""
    rows = []
    for attack in (True, False):
        kind = "poisoned" if attack else "honest"
        of_kind = [one for one in verdicts if one.row.attack is attack]
        for source in sorted({one.row.corpus for one in of_kind}):
            part = [one for one in of_kind if one.row.corpus == source]
            told, texts = without.get(source, (0, 0)) if attack else (0, 0)
            rows.append([f"{kind}, {source}", *_cells(part), f"{100 * told / texts:.1f}" if texts else "", "", ""])
        share = _share(of_kind)
        met = share >= TARGETS[attack] if attack else share <= TARGETS[attack]
        target = f"{'at least' if attack else 'at most'} {TARGETS[attack]:.0f}"
        every = [sum(pair) for pair in zip(*without.values(), strict=True)] if attack and without else []
        apart = f"{100 * every[0] / every[1]:.1f}" if every else ""
        rows.append([f"{kind}, all", *_cells(of_kind), apart, target, "yes" if met else "no"])
    return markdown(("texts", "n", "reported", "left out of the list", "source left out", "target", "met"), rows)


def names_table(rows: Sequence[Row]) -> str:
    """Names of tools of honest sources, as if one server had them all."""
    names: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.tool and not row.attack:
            names[row.corpus].add(row.tool)
    cells = []
    for source, of_source in sorted(names.items()):
        if len(of_source) > 1:
            found = shadows(sorted(of_source))
            twins = sum(shadow.twin for shadow in found)
            cells.append([source, str(len(of_source)), str(twins), str(len(found) - twins)])
    return markdown(("source", "names", "look the same", "one slip apart"), cells)


def _cells(verdicts: Sequence[Verdict]) -> list[str]:
    dropped = 100 * sum(one.dropped for one in verdicts) / max(1, len(verdicts))
    return [str(len(verdicts)), f"{_share(verdicts):.1f}", f"{dropped:.1f}"]


def _share(verdicts: Sequence[Verdict]) -> float:
    return 100 * sum(bool(one.found) for one in verdicts) / max(1, len(verdicts))


def misses(verdicts: Sequence[Verdict], most: int) -> str:
    """Some of the poisoned texts that nothing was found in, and of the honest ones that something was."""
    wrong = [one for one in verdicts if one.row.attack is not bool(one.found)]
    return "\n".join(
        f"- {one.row.corpus} {' '.join(each.rule.id for each in one.found)} {one.row.text[:_SHOWN]!a}"
        for one in wrong[:most]
    )


def write(page: Path, tables: Mapping[str, str]) -> None:
    """Put each table between its marks. Raises `ValueError` for a page that lacks one."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables.items():
        opener, closer = (mark.format(name) for mark in _MARKS)
        if text.count(opener) != 1 or text.count(closer) != 1:
            raise ValueError(f"{page.name} needs the marks {opener} and {closer}, once each")
        before, _, rest = text.partition(opener)
        _, _, after = rest.partition(closer)
        text = f"{before}{opener}\n{table}\n{closer}{after}"
    page.write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    options = _options(arguments)
    try:
        rows = [row for row in read(options.corpora) if options.source in row.corpus]
    except CorpusError as error:
        print(f"descriptions: {error}", file=sys.stderr)
        return 2
    described = [row for row in rows if row.context == "description"]
    verdicts = judged(described, Judge.at(options.level))
    without = left_out(described, options.level)
    if options.json:
        print(json.dumps(_facts(verdicts, without), indent=2))
        return 0
    tables = {"texts": texts_table(verdicts, without), "names": names_table(rows)}
    if options.write is not None:
        write(options.write, tables)
        return 0
    print("\n\n".join(tables.values()))
    if options.misses:
        print(misses(verdicts, options.misses))
    return 0


def _facts(verdicts: Sequence[Verdict], without: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    attacks, honest = ([one for one in verdicts if one.row.attack is attack] for attack in (True, False))
    return {
        "poisoned": {"texts": len(attacks), "reported": _share(attacks)},
        "honest": {"texts": len(honest), "reported": _share(honest)},
        "left_out": {source: {"texts": texts, "told": told} for source, (told, texts) in without.items()},
    }


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What the descriptions rung tells, and what it tells wrongly.")
    parser.add_argument("--corpora", type=Path, default=CORPORA, metavar="FOLDER", help="JSON lines of labelled texts")
    parser.add_argument("--level", type=int, default=2, choices=(1, 2, 3), help="which rules count")
    parser.add_argument("--source", default="", metavar="WORD", help="only files with this in their name")
    parser.add_argument("--misses", type=int, default=0, metavar="N", help="show N that were judged wrongly, shortened")
    parser.add_argument("--json", action="store_true", help="print JSON in place of Markdown")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into a page with marks")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
