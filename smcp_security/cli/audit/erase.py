"""`smcp audit erase`: destroys the key of a person. The lines about them stay, and say nothing of them any more."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import click

from smcp_security.cli.audit.agreed import confirmed, made_for_the_server, opened_as_written
from smcp_security.cli.audit.choice import persons
from smcp_security.cli.audit.source import Source, at_audit, fail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smcp_security.audit.callers.people import People, Person
    from smcp_security.audit.keys import AuditKeys


@click.command("erase")
@at_audit
@click.option("--caller", metavar="NAME", help="Who: ann whatever the kind, or caller:ann or label:ann alone.")
@click.option("--address", metavar="IP", help="Who sent no name from this address; of IPv6 its whole /64.")
@click.option("--dry-run", is_flag=True, help="Say who would be erased, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(source: Source, caller: str | None, address: str | None, dry_run: bool, yes: bool) -> int | None:
    """Make the records of one person unreadable, for ever; the chain still verifies.

    Their key is removed from the file of callers, and a record in the audit says so. What else has the key still reads
    them: backups and snapshots of the file of callers, and the disk until it writes over the place. Lines that were
    exported or opened before are as they were.

    Exit code 0: erased, 1: nobody of that name or not confirmed, 2: usage, or a file that cannot be used.
    """
    name = _named(caller, address)
    people, keys = opened_as_written(source)
    found = persons(people, name)
    for person in found:
        click.echo(f"{_shown(person)}", err=True)
    if dry_run:
        click.echo(f"{_count(found)} would be erased; nothing was changed")
        return None
    _check_writable(source.file, people.path)
    if not yes and not confirmed(f"Destroy {_keys(found)}? Their records stay unreadable for ever."):
        click.echo("nothing was erased", err=True)
        return 1
    _erase(source.file, people, keys, name)
    return None


def _erase(file: str, people: People, keys: AuditKeys, name: str) -> None:
    try:
        gone = people.erase(name)
    except OSError as error:
        fail(f"{people.path}: cannot be replaced ({error.strerror}); nobody is erased for certain: run it once more")
    try:
        _note(file, people, keys, gone)
    except OSError as error:
        fail(
            f"{_keys(gone)} destroyed, but {file} could not be told ({error.strerror}); note it elsewhere, the records"
            " are unreadable all the same"
        )
    click.echo(f"{_count(gone)} erased from {people.path}; copies of that file still open their records")


def _note(file: str, people: People, keys: AuditKeys, gone: Sequence[Person]) -> None:
    from smcp_security.audit.writing.journal import append_record

    with made_for_the_server(file, people):
        append_record(file, people, keys, erased_record(tuple(person.handle for person in gone), time.time()))


def erased_record(handles: Sequence[str], at: float) -> dict[str, Any]:
    """The record of keys that were destroyed: whose they were is not in it."""
    from smcp_security.audit.record import FORMAT, timestamp

    return {"v": FORMAT, "kind": "erased", "at": timestamp(at), "persons": list(handles)}


def _named(caller: str | None, address: str | None) -> str:
    from smcp_security.checks.transport import network_of

    if (caller is None) == (address is None):
        raise click.UsageError("expected one of --caller NAME and --address IP", click.get_current_context())
    name = caller if caller is not None else f"address:{network_of(str(address))}"
    if not name or name == "address:":
        raise click.UsageError("expected the name of a person, not an empty one", click.get_current_context())
    return name


def _check_writable(*paths: str) -> None:
    """Before anything is destroyed: the record of it must find its place."""
    for path in paths:
        if not os.access(path if os.path.exists(path) else os.path.dirname(path), os.W_OK):
            fail(f"{path}: this user may not write it; run this as the user that the server runs as")


def _shown(person: Person) -> str:
    from smcp_security.audit.reading.plain import plain

    return f"{plain(person.name)}  {person.handle}"


def _count(found: Sequence[Person]) -> str:
    return "1 person" if len(found) == 1 else f"{len(found)} persons"


def _keys(found: Sequence[Person]) -> str:
    return "the key of 1 person" if len(found) == 1 else f"the keys of {len(found)} persons"
