"""Cross-validation of written rules: each source is judged by the rules without what only that source speaks for.

An atom (one alternative of a rule) that hits attacks of one source and of no other may have been written for that
source alone. It is left out when the source is measured, though it may as well come from a specification: what is
printed is a lower bound of what unseen texts of the kind meet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from msgspec.structs import replace

from benchmarks.detection_corpus import Row
from benchmarks.detection_groups import GROUPS, Group, group_of
from benchmarks.detection_judging import engine, judge_untyped
from benchmarks.samples import markdown
from smcp_security.rulebook import Rulebook, read_rules
from smcp_security.rules.catalogue import RawRule

Atom: TypeAlias = tuple[str, int, int]
"""A rule's id, the place of a detection in it, and the place of an atom in that."""

FEWEST: Final = 3
"""Texts that a source must have of a group to be measured by itself."""

_TOGETHER: Final = 12
"""Atoms scanned together; a scan that reports more rules than it may would end before the others."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One source of one group: caught with all rules, and with what other sources speak for."""

    group: str
    source: str
    count: int
    full: int
    reduced: int
    atoms: int

    @property
    def recall(self) -> tuple[float, float]:
        """Per cent, with all rules and without those atoms."""
        return 100 * self.full / self.count, 100 * self.reduced / self.count


def report(rows: Sequence[Row], level: int) -> tuple[str, object]:
    """The tables, and the same facts for a machine."""
    hits, measured = _measured(rows, level)
    alone = Counter(atom[0] for atom, places in hits.items() if len(places) == 1)
    text = "\n\n".join((
        f"# Recall at level {level} with each source left out, per cent: a lower bound",
        _table(measured),
        "Texts that another source holds as well are not counted: they were not left out.",
        f"Atoms: {len(hits)} hit something, {sum(alone.values())} of them one text alone: "
        + (", ".join(f"{rule} {count}" for rule, count in sorted(alone.items())) or "none"),
    ))  # fmt: skip
    return text, {
        "sources": [_facts(one) for one in measured],
        "groups": [_facts(one) for one in totals(measured)],
        "atoms": {"hit": len(hits), "one_text": dict(alone)},
    }


def tables(rows: Sequence[Row], level: int) -> tuple[str, dict[str, float]]:
    """The table alone, and recall with its sources left out of each group."""
    _, measured = _measured(rows, level)
    return _table(measured), {one.group: one.recall[1] for one in totals(measured)}


def _measured(rows: Sequence[Row], level: int) -> tuple[dict[Atom, set[int]], list[LeftOut]]:
    attacks = [row for row in rows if row.attack]
    hits = evidence(attacks, level)
    return hits, list(measure(attacks, hits, level))


def _table(measured: Sequence[LeftOut]) -> str:
    header = ("group", "source left out", "texts", "all rules", "left out", "lost", "atoms left out")
    return markdown(header, [_cells(one) for one in (*measured, *totals(measured))])


def evidence(attacks: Sequence[Row], level: int) -> dict[Atom, set[int]]:
    """For every atom that hits something: the places of the attacks in which it does."""
    hits: dict[Atom, set[int]] = defaultdict(set)
    rules = [rule for rule in read_rules() if rule.level <= level]
    bounds = [rule for rule in rules if not rule.detect]
    single = _single_atoms(rules)
    while chunk := list(islice(single, _TOGETHER)):
        atoms = {rule.id: atom for atom, rule in chunk}
        book = Rulebook([*bounds, *(rule for _, rule in chunk)])
        for place, row in enumerate(attacks):
            for hit in book.scan([row.text]):
                if hit.rule.id in atoms:
                    hits[atoms[hit.rule.id]].add(place)
    return dict(hits)


def measure(attacks: Sequence[Row], hits: Mapping[Atom, set[int]], level: int) -> Iterator[LeftOut]:
    """Each source that stands beside others of its group."""
    copies = _copies(attacks)
    with engine(level) as whole:
        for source, parts in _sources(attacks).items():
            inside = {place for place, row in enumerate(attacks) if source in (row.corpus, row.origin)}
            gone = {atom for atom, places in hits.items() if places <= inside}
            with engine(level, rules=without(gone, level)) as reduced:
                for group in parts:
                    # What another source holds as well was not left out.
                    fresh = [
                        attacks[place]
                        for place in sorted(inside)
                        if group_of(attacks[place]) is group and copies[_plain(attacks[place])] <= inside
                    ]
                    if len(fresh) >= FEWEST:
                        full = sum(one.caught(group) for one in judge_untyped(whole, fresh))
                        left = sum(one.caught(group) for one in judge_untyped(reduced, fresh))
                        yield LeftOut(group.name, source, len(fresh), full, left, len(gone))


def without(gone: Iterable[Atom], level: int) -> Rulebook:
    """The package's rules without some atoms."""
    left = frozenset(gone)
    rules = []
    for rule in read_rules():
        if rule.level > level:
            continue
        kept = []
        for number, detection in enumerate(rule.detect):
            atoms = tuple(atom for place, atom in enumerate(detection.any) if (rule.id, number, place) not in left)
            if atoms or not detection.any:
                kept.append(replace(detection, any=atoms))
        if kept or not rule.detect:
            rules.append(replace(rule, detect=tuple(kept)))
    return Rulebook(rules)


def totals(measured: Sequence[LeftOut]) -> list[LeftOut]:
    """The sum over the sources of each group."""
    sums = []
    for group in GROUPS:
        parts = [one for one in measured if one.group == group.name]
        if parts:
            counts = (sum(getattr(one, name) for one in parts) for name in ("count", "full", "reduced", "atoms"))
            sums.append(LeftOut(group.name, "all of them", *counts))
    return sums


def _single_atoms(rules: Sequence[RawRule]) -> Iterator[tuple[Atom, RawRule]]:
    for rule in rules:
        for number, detection in enumerate(rule.detect):
            # Atoms that count only together stay together.
            together = detection.count > 1
            for place, atom in enumerate(detection.any):
                alone = detection if together else replace(detection, any=(atom,))
                name = f"{rule.id}#{number}.{place}"
                yield (rule.id, number, place), replace(rule, id=name, slug=name, detect=(alone,))


def _sources(attacks: Sequence[Row]) -> dict[str, list[Group]]:
    """What can be left out: corpora where a group has several, else the lists inside of the only one."""
    sources: dict[str, list[Group]] = defaultdict(list)
    for group in GROUPS:
        of_group = [row for row in attacks if group_of(row) is group]
        corpora = Counter(row.corpus for row in of_group)
        several = corpora if len(corpora) > 1 else Counter(row.origin for row in of_group)
        if len(several) > 1:
            for source, count in several.items():
                if count >= FEWEST:
                    sources[source].append(group)
    return dict(sources)


def _copies(attacks: Sequence[Row]) -> dict[str, set[int]]:
    places: dict[str, set[int]] = defaultdict(set)
    for place, row in enumerate(attacks):
        places[_plain(row)].add(place)
    return places


def _plain(row: Row) -> str:
    return " ".join(row.text.casefold().split())


def _cells(one: LeftOut) -> list[str]:
    full, reduced = one.recall
    # The name of the list is enough: its folder is the repository's.
    source = one.source.rpartition("/")[2] if "/" in one.source else one.source
    return [one.group, source, str(one.count), f"{full:.1f}", f"{reduced:.1f}", f"{full - reduced:.1f}", str(one.atoms)]


def _facts(one: LeftOut) -> dict[str, object]:
    full, reduced = one.recall
    return {"group": one.group, "source": one.source, "texts": one.count, "all_rules": full, "left_out": reduced,
            "atoms": one.atoms}  # fmt: skip
