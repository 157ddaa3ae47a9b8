"""`smcp audit tail`: the last records, and those that follow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import click

from smcp_security.cli.audit.choice import choosing
from smcp_security.cli.audit.found import of_caller
from smcp_security.cli.audit.shown import shown
from smcp_security.cli.audit.source import Source, at_audit
from smcp_security.cli.output import format_option

if TYPE_CHECKING:
    from smcp_security.audit.callers.people import People
    from smcp_security.audit.reading.selection import Selection

PAUSE: Final = 0.2
"""Seconds between two looks at a file that is followed."""


@click.command("tail")
@at_audit
@choosing
@click.option("-n", "count", type=click.IntRange(0), default=20, show_default=True, help="How many of the last ones.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written, over every rotation, until Ctrl-C.")
@format_option
def command(
    source: Source, selection: Selection, caller: str | None, count: int, follow: bool, form: str
) -> int:  # fmt: skip
    """Show the last records, one a line, and with -f those that are written from now on.

    Times are UTC. JSON is one record a line.
    """
    from smcp_security.audit.reading.following import Follower

    people = source.people()
    chosen = of_caller(selection, people, caller)
    # Before the last ones are read: what is written meanwhile may be told twice, but is not left out.
    follower = Follower(source.file) if follow else None
    _show(reversed(list(islice(_last(source.file, chosen), count))), people, form)
    if follower is None:
        return 0
    try:
        for records in following(follower.news, chosen):
            _show(records, people, form)
    except KeyboardInterrupt:
        pass
    finally:
        follower.close()
    return 0


def following(
    news: Callable[[], bytes], selection: Selection, pause: Callable[[], None] = lambda: time.sleep(PAUSE)
) -> Iterator[Iterable[dict[str, Any]]]:
    """What is asked for of what `news` tells, batch by batch, for ever."""
    from smcp_security.audit.reading.selection import Search

    search = Search(selection, related=selection.kind is None)
    while True:
        while block := news():
            yield search.records((block,))
        pause()


def _last(path: str, selection: Selection) -> Iterator[dict[str, Any]]:
    """What is asked for, the last one first."""
    from smcp_security.audit.reading.following import backwards
    from smcp_security.audit.reading.opening import record_of

    for line in backwards(path):
        record = record_of(line) if selection.may_take(line) else None
        if record is not None and selection.takes(record):
            yield record


def _show(records: Iterable[dict[str, Any]], people: People | None, form: str) -> None:
    from smcp_security.audit.reading.opening import opened
    from smcp_security.audit.record import encode

    for each in records:
        record = opened(each, people)
        click.echo(shown(record) if form == "text" else encode(record)[:-1])
