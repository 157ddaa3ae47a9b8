"""`smcp audit purge`: removes whole segments that are old enough. What is left still verifies."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import click

from smcp_security.cli.audit.agreed import made_for_the_server, opened_as_written
from smcp_security.cli.audit.source import Source, at_audit, fail

if TYPE_CHECKING:
    from smcp_security.audit.writing.expiry import Purge

_EXPECTED: Final = "--older-than: expected a time such as 90d, 12h or 30m"


def _age(_context: click.Context, _option: click.Parameter, text: str) -> float:
    from smcp_security.policy.units import parse_duration

    try:
        return float(parse_duration(text))
    except ValueError:
        raise click.UsageError(_EXPECTED) from None


@click.command("purge")
@at_audit
@click.option("--older-than", "age", required=True, metavar="TIME", callback=_age, help="90d, 12h, 30m.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
def command(source: Source, age: float, dry_run: bool) -> None:
    """Remove whole segments whose last record is older than TIME, and write down in the audit what went.

    A segment goes only if it ends in a checkpoint that verifies, so that what is left is known to follow it; the live
    file never goes. From the oldest on, so that no gap is left. Exit code 0: done, also if nothing was old enough.
    """
    from smcp_security.audit.segments import segments_of
    from smcp_security.audit.writing.expiry import expired
    from smcp_security.audit.writing.purging import purge

    people, keys = opened_as_written(source)
    before = time.time() - age
    try:
        if dry_run:
            done = expired(source.file, keys, before)
        else:
            with made_for_the_server(source.file, people):
                done = purge(source.file, people, keys, before)
        left = len(segments_of(source.file)) - (len(done.removed) if dry_run else 0)
    except OSError as error:
        fail(f"{error.filename or source.file}: cannot be purged ({error.strerror}); let this user write it")
    _tell(done, left, dry_run=dry_run)


def _tell(done: Purge, left: int, *, dry_run: bool) -> None:
    word = "would go" if dry_run else "gone"
    for each in done.removed:
        click.echo(f"{word}  {each.name}  {each.records:,} records, {each.first} to {each.last}")
    if not done.removed:
        click.echo("nothing is old enough" if not done.kept else "nothing can go")
    if done.kept:
        click.echo(f"kept  {done.kept}, and what comes after it; see `smcp audit verify`")
    click.echo(f"left  {left} {'segment' if left == 1 else 'segments'} and the live file")
