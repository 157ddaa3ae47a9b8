"""`smcp audit export`: records for other programs, and what is held of one person."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from smcp_security.cli.audit.choice import NOTHING_FOUND, choosing, persons
from smcp_security.cli.audit.found import records_of
from smcp_security.cli.audit.source import Source, at_audit, called, fail

if TYPE_CHECKING:
    from smcp_security.audit.callers.people import People
    from smcp_security.audit.reading.selection import Selection

_SHARED: Final = ("nobody", "address:others", "label:others")


@click.command("export")
@at_audit
@choosing
@click.option(
    "--format", "form", type=click.Choice(["json", "csv", "ocsf"]), default="json", show_default=True,
    help="JSON Lines, CSV for spreadsheets, or OCSF API Activity events.",
)  # fmt: skip
@click.option("--joined", is_flag=True, help="JSON: one line a call, its outcome and its secrets in it.")
@click.option("--out", metavar="FILE", help="A new file, which its owner alone can read. Default: stdout.")
def command(
    source: Source, selection: Selection, caller: str | None, form: str, joined: bool, out: str | None
) -> int:  # fmt: skip
    """Write records out for other programs; with --caller, what is held of one person and of nobody else.

    OCSF events are one a call, with its outcome. Exit code 0 if something was written, 1 if nothing was found.
    """
    if joined and form == "csv":
        raise click.UsageError("--joined: a row holds one record; choose --format json or ocsf")
    people = source.people()
    chosen = selection if caller is None else replace(selection, people=_subject(people, caller))
    write = {"json": _json, "csv": _csv, "ocsf": _ocsf}[form]
    with _output(out) as put, records_of(source, chosen, people, related=chosen.kind is None) as records:
        count = write(_calls(records) if joined or form == "ocsf" else records, put)
    if not count:
        click.echo(f"{called()}: nothing was found", err=True)
    return 0 if count else NOTHING_FOUND


def _subject(people: People | None, name: str) -> frozenset[str]:
    """The handle of the one person who is meant: records of two would tell each of the other."""
    found = persons(people, name)
    if len(found) > 1:
        fail(f"--caller {name}: several persons have that name: {', '.join(each.name for each in found)}; name one")
    [person] = found
    if person.name in _SHARED:
        fail(f"--caller {name}: {person.name} stands for many whom nobody told apart; their records are not one's own")
    if not person.name.startswith("caller:"):
        click.echo(f"{called()}: {person.name} was not vouched for by a credential; others may be behind it", err=True)
    return frozenset((person.handle,))


def _calls(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    from smcp_security.audit.reading.calls import calls_of

    return calls_of(records)


def _json(records: Iterable[dict[str, Any]], put: Callable[[str], object]) -> int:
    from smcp_security.audit.record import encode

    count = 0
    for count, record in enumerate(records, start=1):  # noqa: B007
        put(encode(record).decode("ascii"))
    return count


def _csv(records: Iterable[dict[str, Any]], put: Callable[[str], object]) -> int:
    from smcp_security.audit.export import heading, row

    count = 0
    put(heading())
    for count, record in enumerate(records, start=1):  # noqa: B007
        put(row(record))
    return count


def _ocsf(calls: Iterable[dict[str, Any]], put: Callable[[str], object]) -> int:
    from smcp_security.audit.export import event

    return _json((event(call) for call in calls if call["kind"] == "decision"), put)


@contextmanager
def _output(out: str | None) -> Iterator[Callable[[str], object]]:
    if out is None:
        yield sys.stdout.write
        return
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        fail(f"--out {out}: is there already; name a new file, or remove it")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "cannot be made"
        fail(f"--out {out}: {reason}; name a file in a folder that you may write")
    try:
        with open(descriptor, "w", encoding="ascii", newline="") as file:
            yield file.write
    except BaseException:
        # Half of what is held of somebody must not be taken for all of it.
        os.unlink(out)
        raise
