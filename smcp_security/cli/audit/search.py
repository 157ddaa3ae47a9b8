"""`smcp audit search`: the records somebody asks for, from all segments."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

from smcp_security.cli.audit.choice import NOTHING_FOUND, choosing
from smcp_security.cli.audit.found import of_caller, records_of
from smcp_security.cli.audit.shown import shown
from smcp_security.cli.audit.source import Source, at_audit
from smcp_security.cli.output import format_option

if TYPE_CHECKING:
    from smcp_security.audit.reading.selection import Selection


@click.command("search")
@at_audit
@choosing
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Stop after so many records.")
@format_option
def command(source: Source, selection: Selection, caller: str | None, limit: int | None, form: str) -> int:
    """Find records by caller, tool, code and time, in the segments and the live file.

    A decision that is found is followed by its outcome and the secrets it got. JSON is one record a line. Exit code 0
    if something was found, 1 if nothing was.
    """
    from smcp_security.audit.record import encode

    people = source.people()
    chosen = of_caller(selection, people, caller)
    count = 0
    with records_of(source, chosen, people, related=chosen.kind is None) as records:
        for record in islice(records, limit):
            count += 1
            click.echo(shown(record) if form == "text" else encode(record)[:-1])
    return 0 if count else NOTHING_FOUND
