"""The records a command works on: read, chosen, opened, and each problem with them said once on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from smcp_security.cli.audit.progress import progress
from smcp_security.cli.audit.source import Source, called

if TYPE_CHECKING:
    from smcp_security.audit.callers.people import People
    from smcp_security.audit.reading.selection import Selection


@contextmanager
def records_of(
    source: Source, selection: Selection, people: People | None, *, related: bool = True
) -> Iterator[Iterator[dict[str, Any]]]:
    """The records of all segments and the live file, opened as far as `people` can."""
    from smcp_security.audit.reading.lines import Lines
    from smcp_security.audit.reading.opening import opened
    from smcp_security.audit.reading.selection import Search

    search = Search(selection, related)
    lines: Lines | None = None
    with progress(called(), lambda: lines.size if lines else 0) as told:
        lines = Lines(source.file, told)
        try:
            yield (opened(record, people) for record in search.records(lines.blocks()))
        finally:
            lines.close()
    if search.unread:
        said = "1 line is no record" if search.unread == 1 else f"{search.unread} lines are no records"
        click.echo(f"{called()}: {said}; `smcp audit verify` says whether that is as it should be", err=True)


def of_caller(selection: Selection, people: People | None, name: str | None) -> Selection:
    """The selection, of one person alone where a name is given."""
    from smcp_security.cli.audit.choice import persons

    if name is None:
        return selection
    return replace(selection, people=frozenset(person.handle for person in persons(people, name)))
