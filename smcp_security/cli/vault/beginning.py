"""`smcp vault init`: a new, empty vault, and a key for it where there is none yet."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from smcp_security.cli.vault.arguments import Discreet
from smcp_security.cli.vault.fresh import fresh_key, fresh_options
from smcp_security.cli.vault.place import KEY, KEY_VARIABLE, Place, at_vault, failure
from smcp_security.cli.vault.terminal import say

if TYPE_CHECKING:
    from smcp_security.vault.vault import Report


@click.command("init", cls=Discreet)
@fresh_options
@at_vault
def init(place: Place, new_key: bool, key_out: str | None) -> None:
    """Make a new, empty vault. Never replaces a file.

    \b
      export SMCP_VAULT_KEY=$(smcp vault init --file vault.smcp --new-key)
      smcp vault init --file vault.smcp --key-out vault.key
      smcp vault init --file vault.smcp --passphrase

    With --passphrase, or a key `passphrase:...`, keys are made of passphrases by Argon2id: slow on purpose.
    """
    if new_key and key_out is not None:
        raise click.UsageError("--new-key and --key-out exclude each other")
    fresh = new_key or key_out is not None
    if fresh and place.typed_key:
        raise click.UsageError("a fresh key goes with neither --key nor --passphrase")
    if os.path.lexists(place.file):
        raise failure(f"{place.file}: is there already and is not replaced; name a new file")
    if not (fresh or place.typed_key or KEY_VARIABLE in os.environ or place.keys != (KEY,)):
        raise failure(
            f"{KEY_VARIABLE} is not set; --new-key makes a key, --key-out FILE writes one, --key REF names one"
        )
    if not fresh:
        by_words = place.passphrase or any(key.startswith("passphrase:") for key in place.keys)
        report = place.open(place.source(twice=True)).create(passphrase=by_words)
        _tell(place, report, place.options)
        return
    with fresh_key(key_out) as key:
        report = place.open(key.source).create()
    _tell(place, report, (place.with_only(key.reference) if key.reference else place).options, shown=new_key)


def _tell(place: Place, report: Report, options: str, *, shown: bool = False) -> None:
    say(f"{place.file} is made: vault {report.vault_id}, generation {report.generation}")
    if shown:
        say("its key is the last line of the output, shown this once: nothing opens the vault without it")
        say(f"next: keep the key where {place.keys[0]} finds it and a copy far from the vault")
    say(f"next: smcp vault set NAME {options}".rstrip() + " < file-with-the-value")
