"""The tables of what was caught and what was refused wrongly. No text of a corpus but what `misses` is asked for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from benchmarks.detection_groups import APART, BENIGN_TARGET, GROUPS, HARDEST_TARGET, OF_THEIR_OWN, counted, group_of
from benchmarks.detection_judging import Verdict
from benchmarks.messages import SEED
from benchmarks.samples import markdown

_SHOWN: Final = 80

_ENOUGH: Final = 50
"""Texts of a source from which on a share of 2 % can be told from one odd text."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of some texts were blocked, and how many blocked or reported."""

    count: int
    blocked: int
    flagged: int

    @property
    def blocked_share(self) -> float:
        """Per cent."""
        return 100 * self.blocked / self.count if self.count else 0.0

    @property
    def flagged_share(self) -> float:
        """Per cent."""
        return 100 * self.flagged / self.count if self.count else 0.0

    def cells(self) -> list[str]:
        """For a table."""
        return [str(self.count), f"{self.blocked_share:.1f}", f"{self.flagged_share:.1f}"]


def rate(verdicts: Iterable[Verdict]) -> Rate:
    """The rate over some verdicts."""
    judged = list(verdicts)
    return Rate(len(judged), sum(one.blocked for one in judged), sum(one.flagged for one in judged))


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that one run found: all texts where they belong, and the attacks in untyped text."""

    placed: Sequence[Verdict]
    untyped: Sequence[Verdict]
    level: int
    seconds: float
    about: dict[str, str] = field(default_factory=dict)

    @property
    def benign(self) -> list[Verdict]:
        """The verdicts that false positives are counted on."""
        rows = set(map(id, counted([one.row for one in self.placed])))
        return [one for one in self.placed if id(one.row) in rows]

    @property
    def per_second(self) -> float:
        """Texts."""
        return (len(self.placed) + len(self.untyped)) / self.seconds if self.seconds else 0.0


def as_text(measured: Measured) -> str:
    """The whole report in Markdown."""
    about = "\n".join(f"- {name}: {value}" for name, value in measured.about.items())
    return "\n\n".join((
        f"# Detection at level {measured.level}: {measured.per_second:,.0f} texts a second, through the whole engine",
        *([about] if about else []),
        "## Attacks, per cent; a target counts what is blocked, or flagged where marked so",
        groups_table(measured),
        "## Harmless texts, per cent",
        benign_table(measured),
        "## Attacks by source and category",
        markdown(("source", "category", "n", "blocked", "flagged"), _by_category(measured)),
        "## No target",
        markdown(("what", "n", "blocked", "flagged", "why"), _apart(measured)),
        "## Which rules hit harmless texts",
        markdown(("code", "blocked", "flagged"), _codes(measured.benign)),
    ))  # fmt: skip


def as_json(measured: Measured) -> dict[str, Any]:
    """The same facts for a machine."""
    benign = measured.benign
    return {
        "level": measured.level,
        "about": measured.about,
        "groups": {
            group.name: {
                "untyped": _facts(one for one in measured.untyped if group_of(one.row) is group),
                "placed": _facts(one for one in measured.placed if group_of(one.row) is group),
                "target": group.target,
                "counts": "flagged" if group.flagged else "blocked",
            }
            for group in GROUPS
        },
        "benign": _facts(benign),
        "benign_without_own_tools": _facts(one for one in benign if one.row.context not in OF_THEIR_OWN),
        "benign_by_source": {name: _facts(found) for name, found in _by(benign, lambda one: one.row.corpus).items()},
    }


def misses(measured: Measured, most: int) -> str:
    """Some of the attacks that were not caught, and of the harmless texts that were, shortened and escaped."""
    random = Random(SEED)
    missed: dict[str, list[Verdict]] = defaultdict(list)
    for one in measured.untyped:
        group = group_of(one.row)
        if group is not None and not one.caught(group):
            missed[f"missed: {group.name}, {one.row.corpus}"].append(one)
    for one in measured.benign:
        if one.blocked:
            missed[f"refused wrongly: {one.row.corpus}, {one.row.context}"].append(one)
    lines = []
    for name, found in missed.items():
        lines.append(f"## {name}: {len(found)}")
        chosen = random.sample(found, min(most, len(found)))
        lines += [f"- {' '.join(one.codes)} {one.row.text[:_SHOWN]!a}" for one in chosen]
    return "\n".join(lines)


def groups_table(measured: Measured, left_out: Mapping[str, float] | None = None) -> str:
    """The targets and how they are met; `left_out` is recall by group with its sources left out."""
    rows = []
    for group in GROUPS:
        untyped = rate(one for one in measured.untyped if group_of(one.row) is group)
        placed = rate(one for one in measured.placed if group_of(one.row) is group and one.row.typed)
        share = untyped.flagged_share if group.flagged else untyped.blocked_share
        own = f"{placed.blocked_share:.1f} of {placed.count}" if placed.count else ""
        target = f"{group.target:.0f}{' flagged' if group.flagged else ''}"
        without = f"{left_out[group.name]:.1f}" if left_out and group.name in left_out else ""
        cells = [group.name, *untyped.cells(), own, without, target, "yes" if share >= group.target else "no"]
        if untyped.count:
            rows.append(cells if left_out is not None else [*cells[:5], *cells[6:]])
    header = ["group", "texts", "blocked", "flagged", "blocked by its tool", "left out", "target", "met"]
    return markdown(header if left_out is not None else [*header[:5], *header[6:]], rows)


def benign_table(measured: Measured) -> str:
    """What was refused and reported of harmless texts."""
    return markdown(("texts", "n", "blocked", "flagged", "target", "met"), _benign(measured))


def _benign(measured: Measured) -> list[list[str]]:
    benign = measured.benign
    rows = [_line("all", benign, BENIGN_TARGET)]
    rows.append(_line("all but code, SQL and shell", [one for one in benign if one.row.context not in OF_THEIR_OWN]))
    for corpus, found in sorted(_by(benign, lambda one: one.row.corpus).items()):
        enough = len(found) >= _ENOUGH
        rows.append(_line(corpus, found, HARDEST_TARGET if enough else None))
        parts = _by(found, lambda one: one.row.category)
        if len(parts) > 1:
            rows += [_line(f"{corpus}, {name}", part) for name, part in sorted(parts.items())]
    return rows


def _line(name: str, verdicts: Sequence[Verdict], target: float | None = None) -> list[str]:
    found = rate(verdicts)
    # Two places: the target is half of one per cent.
    cells = [str(found.count), f"{found.blocked_share:.2f}", f"{found.flagged_share:.2f}"]
    if target is None:
        return [name, *cells, "", ""]
    return [name, *cells, f"{target}", "yes" if found.blocked_share <= target else "no"]


def _by_category(measured: Measured) -> list[list[str]]:
    of_target = [one for one in measured.untyped if group_of(one.row) is not None]
    found = _by(of_target, lambda one: (one.row.corpus, one.row.category))
    return [[*key, *rate(verdicts).cells()] for key, verdicts in sorted(found.items())]


def _apart(measured: Measured) -> list[list[str]]:
    rows = []
    for name, why in APART.items():
        found = [one for one in measured.untyped if name in (one.row.corpus, one.row.category)]
        if found:
            rows.append([name, *rate(found).cells(), why])
    local = [one for one in measured.placed if one.row.context == "url_local"]
    return [*rows, ["url_local", *rate(local).cells(), "harmless, and refused by a contract for public addresses"]]


def _codes(verdicts: Sequence[Verdict]) -> list[list[str]]:
    blocked = Counter(one.codes[0] for one in verdicts if one.blocked and one.codes)
    flagged = Counter(code for one in verdicts for code in one.codes)
    return [[code, str(blocked[code]), str(count)] for code, count in flagged.most_common(25)]


def _by(verdicts: Iterable[Verdict], key: Any) -> dict[Any, list[Verdict]]:
    found: dict[Any, list[Verdict]] = defaultdict(list)
    for one in verdicts:
        found[key(one)].append(one)
    return found


def _facts(verdicts: Iterable[Verdict]) -> dict[str, float]:
    found = rate(verdicts)
    return {"texts": found.count, "blocked": found.blocked_share, "flagged": found.flagged_share}
