"""`smcp vault verify`: everything opened once, and what was found told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from smcp_security.cli.output import format_option, print_json
from smcp_security.cli.vault.arguments import Discreet
from smcp_security.cli.vault.place import Place, at_vault
from smcp_security.cli.vault.terminal import progress, say

if TYPE_CHECKING:
    from smcp_security.vault.vault import KeyState, Report


@click.command("verify", cls=Discreet)
@click.option("--generation", type=click.IntRange(min=1), help="Least generation to expect: an older copy is refused.")
@format_option
@at_vault
def verify(place: Place, generation: int | None, form: str) -> None:
    """Open everything once. Exit code 0: it opens, 2: no vault, or the wrong key, 3: torn, changed or rolled back."""
    vault = replace(place, least=max(place.least, generation or 0)).open()
    with progress("verify") as told:
        report = vault.verify(told)
    if form == "json":
        print_json(_facts(place, report))
    else:
        _print(place, report)
    for warning in report.warnings:
        say(f"warning: {warning}")


def _facts(place: Place, report: Report) -> dict[str, Any]:
    return {
        "file": place.file, "vault": report.vault_id, "generation": report.generation, "secrets": report.secrets,
        "versions": report.versions, "expired": report.expired, "least_key": report.least_key_id,
        "keys": [
            {"id": key.id, "fingerprint": key.fingerprint, "seals": key.seals, "first": key.first, "known": key.known,
             "retired": key.id < report.least_key_id}
            for key in report.keys
        ],
        "warnings": list(report.warnings),
    }  # fmt: skip


def _print(place: Place, report: Report) -> None:
    click.echo(f"{place.file}: everything opens")
    click.echo(f"  vault       {report.vault_id}")
    click.echo(f"  generation  {report.generation}")
    click.echo(f"  secrets     {report.secrets}, versions {report.versions}, expired {report.expired}")
    for key in report.keys:
        state = _state(key, report.least_key_id)
        click.echo(f"  key {key.id:<7} {key.fingerprint}  {state}; seals so far: {key.seals}")


def _state(key: KeyState, least: int) -> str:
    if key.id < least:
        return "retired"
    return ("seals" if key.first else "opens") + ("" if key.known else ", not among the keys given")
