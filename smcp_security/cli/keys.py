"""`smcp keys`: create, list and revoke the API keys of a file. A key is shown once, when it is created."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from smcp_security.cli.expiry import expires_option, expiry
from smcp_security.cli.output import Failure, format_option, print_json

if TYPE_CHECKING:
    from smcp_security.keys.api_key import Entry

file_option = click.option("--file", "path", required=True, metavar="FILE", help="The key file.")


@click.group("keys", no_args_is_help=False)
def command() -> None:
    """Create, list and revoke API keys. The file holds digests: no key can be had from it."""


@command.command("create")
@file_option
@click.option("--owner", required=True, help="Who the key is for; the caller's name in the audit and for limits.")
@click.option("--role", "roles", multiple=True, help="A role of the caller; repeat for more.")
@click.option("--scope", "scopes", multiple=True, help="A scope of the caller; repeat for more.")
@click.option("--tenant", default="", help="The caller's tenant.")
@expires_option
def create(
    path: str, owner: str, roles: Sequence[str], scopes: Sequence[str], tenant: str, expires: str | None
) -> None:
    """Create a key in FILE, which is made if it is missing. The key stands alone on the last line of the output."""
    from smcp_security.keys.issuing import create_key

    _check("owner", owner)
    for option, values in (("role", roles), ("scope", scopes)):
        for value in values:
            _check(option, value)
    if tenant:
        _check("tenant", tenant)
    now = time.time()
    ends = None if expires is None else expiry(expires, now)
    entry, key = create_key(
        path, owner=owner, roles=list(dict.fromkeys(roles)), scopes=list(dict.fromkeys(scopes)), tenant=tenant,
        expires_at=ends, now=now,
    )  # fmt: skip
    click.echo(f"key {entry.id} of {entry.owner} is in {path}, {_validity(entry)}; it is shown this once:", err=True)
    click.echo(key)


@command.command("list")
@file_option
@format_option
def list_(path: str, form: str) -> None:
    """List the keys of FILE, without their digests."""
    from smcp_security.keys.issuing import list_keys

    now = time.time()
    entries = list_keys(path)
    if form == "json":
        print_json([_facts(entry, now) for entry in entries])
    elif not entries:
        click.echo(f"{path} has no keys; `smcp keys create` makes one", err=True)
    else:
        _print_table(entries, now)


@command.command("revoke")
@file_option
@click.argument("id")
def revoke(path: str, id: str) -> None:
    """Revoke the key with that ID in FILE. Servers that read the file take notice within a second or two."""
    from smcp_security.keys.api_key import KEY_PATTERN
    from smcp_security.keys.issuing import list_keys, revoke_key

    whole = KEY_PATTERN.fullmatch(id)
    name = whole.group(1) if whole is not None else id
    if not any(entry.id == name for entry in list_keys(path)):
        # What was given may be a secret with a typing error.
        raise Failure("keys revoke", f"no key with that id in {path}; `smcp keys list --file {path}` shows the ids")
    entry = revoke_key(path, name)
    since = f" since {entry.revoked}" if isinstance(entry.revoked, str) else ""
    click.echo(f"key {entry.id} of {entry.owner} is revoked{since}", err=True)


def _check(option: str, value: str) -> None:
    """Refuse what the file could not hold, by the name of the option."""
    from smcp_security.keys.api_key import Misfit, check_text

    try:
        check_text({"role": "roles", "scope": "scopes"}.get(option, option), value)
    except Misfit as misfit:
        raise click.UsageError(f"--{option}: expected {misfit.expected}", click.get_current_context()) from None


def _validity(entry: Entry) -> str:
    return f"valid until {entry.expires}" if entry.expires else "valid until it is revoked"


def _facts(entry: Entry, now: float) -> dict[str, Any]:
    return {
        "id": entry.id, "owner": entry.owner, "state": entry.state(now), "roles": list(entry.roles),
        "scopes": list(entry.scopes), "tenant": entry.tenant or None, "created": entry.created or None,
        "expires": entry.expires or None, "revoked": entry.revoked or None,
    }  # fmt: skip


def _print_table(entries: Sequence[Entry], now: float) -> None:
    head = ("id", "owner", "state", "roles", "scopes", "tenant", "created", "expires")
    rows = [
        (
            entry.id, entry.owner, entry.state(now), ",".join(entry.roles) or "-", ",".join(entry.scopes) or "-",
            entry.tenant or "-", entry.created or "-", entry.expires or "never",
        )
        for entry in entries
    ]  # fmt: skip
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
