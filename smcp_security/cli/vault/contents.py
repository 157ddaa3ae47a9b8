"""`smcp vault list`, `rm` and `prune`: what is in a vault, and less of it. Never a value."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from smcp_security.cli.output import format_option, print_json
from smcp_security.cli.vault.arguments import Discreet, named, tenant_option
from smcp_security.cli.vault.place import Place, at_vault, failure
from smcp_security.cli.vault.terminal import confirmed, say, shown

if TYPE_CHECKING:
    from smcp_security.vault.document import Line
    from smcp_security.vault.vault import Entry, Vault

_HEAD: Final = ("name", "tenant", "version", "of", "size", "created", "expires", "key", "tags")
_NAMED: Final = 10


@click.command("list", cls=Discreet)
@click.option("--all", "every", is_flag=True, help="Every version, not the newest alone.")
@format_option
@at_vault
def list_(place: Place, every: bool, form: str) -> None:
    """List the secrets of a vault, without their values."""
    entries = place.open().entries()
    counts = Counter((entry.tenant, entry.name) for entry in entries)
    now = time.time()
    facts = [
        _facts(entry, counts[entry.tenant, entry.name], now) for entry in entries if every or entry.newest
    ]  # fmt: skip
    if form == "json":
        print_json(facts)
    elif not facts:
        say(f"{place.file} has no secrets; `smcp vault set NAME` puts one in")
    else:
        _print_table([_row(fact) for fact in facts])


def _facts(entry: Entry, versions: int, now: float) -> dict[str, Any]:
    from smcp_security.keys.api_key import moment_text

    ends = entry.expires_at
    return {
        "name": entry.name, "tenant": entry.tenant or None, "version": entry.version, "versions": versions,
        "newest": entry.newest, "size": entry.size, "created": moment_text(entry.created_at),
        "expires": None if ends is None else moment_text(ends), "expired": ends is not None and ends <= now,
        "key": entry.key_id, "tags": list(entry.tags),
    }  # fmt: skip


def _row(fact: dict[str, Any]) -> tuple[str, ...]:
    ends = fact["expires"] or "never"
    return (
        fact["name"], fact["tenant"] or "-", str(fact["version"]), str(fact["versions"]), str(fact["size"]),
        fact["created"], f"{ends} (expired)" if fact["expired"] else ends, str(fact["key"]),
        ",".join(fact["tags"]) or "-",
    )  # fmt: skip


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    table = [_HEAD, *(tuple(shown(cell) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(_HEAD))]
    for row in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@click.command("rm", cls=Discreet)
@named
@tenant_option
@click.option("--version", type=click.IntRange(min=1), help="One version. Default: all of them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@at_vault
def rm(place: Place, name: str, tenant: str, version: int | None, yes: bool) -> int | None:
    """Remove the secret NAME with all its versions, or one version. Copies of the file that were made still have it."""
    vault = place.open()
    there = [entry for entry in vault.entries() if (entry.tenant, entry.name) == (tenant, name)]
    gone = [entry for entry in there if version in (None, entry.version)]
    if not gone:
        raise failure(f"{place.file}: there is no such secret; `smcp vault list --all` shows what there is")
    if not yes and not confirmed(f"Remove {_versions(len(gone))} of {name} from {place.file}?", "--yes"):
        return _left()
    say(f"{_versions(vault.remove(name, tenant=tenant, version=version))} of {name} removed from {place.file}")
    if len(gone) < len(there) and any(entry.newest for entry in gone):
        say(f"tools get version {max(entry.version for entry in there if entry not in gone)} now")
    return None


@click.command("prune", cls=Discreet)
@click.option("--keep", type=click.IntRange(min=1), required=True, help="How many versions of each secret to keep.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@at_vault
def prune(place: Place, keep: int, yes: bool) -> int | None:
    """Remove all but the newest versions of each secret, and what has expired."""
    vault = place.open()
    gone = _pruned(vault, keep)
    if not gone:
        say(f"{place.file} has nothing to prune")
        return None
    names = [f"{line.name} {line.version}" + (f" of {line.tenant}" if line.tenant else "") for line in gone]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    say(f"to be removed: {', '.join(names[:_NAMED])}{more}")
    if not yes and not confirmed(f"Remove {_versions(len(gone))} from {place.file}?", "--yes"):
        return _left()
    say(f"{_versions(vault.prune(keep=keep))} removed from {place.file}")
    return None


def _pruned(vault: Vault, keep: int) -> Sequence[Line]:
    """What `Vault.prune` will remove, if nothing changes until then."""
    from smcp_security.vault.changes import pruned

    before = vault.current()
    kept = set(pruned(before, keep, vault.now()))
    return [line for line in before.lines if line not in kept]


def _versions(count: int) -> str:
    return "1 version" if count == 1 else f"{count} versions"


def _left() -> int:
    say("nothing was removed")
    return 1
