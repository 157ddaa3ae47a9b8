"""`smcp audit stats`: verdicts counted by what they were about, and how long they took."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import click

from smcp_security.cli.audit.choice import NOTHING_FOUND, choosing
from smcp_security.cli.audit.found import of_caller, records_of
from smcp_security.cli.audit.shown import moment
from smcp_security.cli.audit.source import Source, at_audit
from smcp_security.cli.output import format_option, print_json

if TYPE_CHECKING:
    from smcp_security.audit.callers.people import People
    from smcp_security.audit.reading.selection import Selection
    from smcp_security.audit.reading.statistics import Statistics, Times

_BAR: Final = 40


@click.command("stats")
@at_audit
@choosing
@click.option("--top", type=click.IntRange(1), default=10, show_default=True, help="How many of the most frequent.")
@format_option
def command(source: Source, selection: Selection, caller: str | None, top: int, form: str) -> int:
    """Count verdicts by action, code, tool, caller and hour, and say how long they took.

    Times are right within 1 %. Exit code 0, or 1 if there was nothing to count.
    """
    from smcp_security.audit.reading.statistics import Statistics

    people = source.people()
    statistics = Statistics()
    with records_of(source, of_caller(selection, people, caller), None, related=selection.kind is None) as records:
        for record in records:
            statistics.add(record)
    facts = _facts(statistics, _names(statistics, people), top)
    if form == "json":
        print_json(facts)
    else:
        click.echo("\n".join(_text(facts)))
    return 0 if statistics.records else NOTHING_FOUND


def _names(statistics: Statistics, people: People | None) -> Counter[str]:
    known = {} if people is None else {person.handle: person.name for person in people.everybody()}
    unknown = "erased" if people is not None else "sealed"
    named: Counter[str] = Counter()
    for handle, count in statistics.persons.items():
        named[known.get(handle) or (f"{unknown} ({handle})" if handle else "nobody")] += count
    return named


def _facts(statistics: Statistics, callers: Counter[str], top: int) -> dict[str, Any]:
    return {
        "records": statistics.records,
        "first": statistics.first,
        "last": statistics.last,
        "lost": statistics.lost,
        "kinds": dict(statistics.kinds.most_common()),
        "actions": dict(statistics.actions.most_common()),
        "codes": dict(statistics.codes.most_common(top)),
        "tools": dict(statistics.tools.most_common(top)),
        "callers": dict(callers.most_common(top)),
        "results": dict(statistics.results.most_common(top)),
        "judging_us": _quantiles(statistics.judging),
        "answering_ms": _quantiles(statistics.answering, 1000),
        "hours": {hour: dict(counts) for hour, counts in sorted(statistics.hours.items())},
    }


def _quantiles(times: Times, factor: float = 1) -> dict[str, float | None]:
    found = {"p50": times.quantile(0.5), "p99": times.quantile(0.99)}
    return {name: None if value is None else round(value * factor, 1) for name, value in found.items()}


def _text(facts: dict[str, Any]) -> list[str]:
    first, last = (_shown(moment(facts[name]) or "-") for name in ("first", "last"))
    lines = [f"{facts['records']:,} records, {first} to {last}"]
    if facts["lost"]:
        lines.append(f"{facts['lost']:,} more were lost: the disk was full, or slower than the traffic")
    for name in ("actions", "codes", "tools", "callers", "results"):
        lines += _table(name, facts[name])
    for name, unit in (("judging_us", "us"), ("answering_ms", "ms")):
        if facts[name]["p50"] is not None:
            told = f"p50 {facts[name]['p50']:,} {unit}, p99 {facts[name]['p99']:,} {unit}"
            lines += ["", f"{name.partition('_')[0]}: {told}"]
    return lines + _hours(facts["hours"])


def _table(name: str, counts: dict[str, int]) -> list[str]:
    return (
        ["", name, *(f"  {count:>10,}  {_shown(value or '(none)')}" for value, count in counts.items())]
        if counts
        else []
    )


def _hours(hours: dict[str, dict[str, int]]) -> list[str]:
    if not hours:
        return []
    most = max(sum(counts.values()) for counts in hours.values())
    lines = ["", "hours (UTC)"]
    for hour, counts in hours.items():
        total = sum(counts.values())
        bar = "#" * max(1, round(_BAR * total / most))
        refused = f"{counts['block']:,} refused" if counts.get("block") else ""
        lines.append(f"  {_shown(hour.replace('T', ' '))}h  {total:>10,}  {bar}  {refused}".rstrip())
    return lines


def _shown(text: str) -> str:
    from smcp_security.audit.reading.plain import plain

    return plain(text)
