"""`smcp vault rotate` and `rewrap`: another key takes the place of the one in use, while every reader goes on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from smcp_security.cli.vault.arguments import Discreet, DiscreetGroup
from smcp_security.cli.vault.fresh import fresh_key, fresh_options
from smcp_security.cli.vault.place import Place, at_vault, failure
from smcp_security.cli.vault.terminal import progress, say

if TYPE_CHECKING:
    from smcp_security.vault.keyring import MasterKey
    from smcp_security.vault.vault import KeyState, Vault


@click.group("rotate", cls=DiscreetGroup, no_args_is_help=False)
def rotate() -> None:
    """Exchange the key of a vault in three phases, each safe to repeat.

    \b
      smcp vault rotate add env:NEW_KEY ...   1. the new key may open: give it to every reader, beside the old one
      smcp vault rotate first ...             2. the new key seals
      smcp vault rewrap ...                      everything is wrapped under it
      smcp vault rotate retire ...            3. the old key opens nothing any more: take it from every reader
    """


@rotate.command("add", cls=Discreet)
@click.argument("reference", required=False, metavar="[REF]")
@fresh_options
@at_vault
def add(place: Place, reference: str | None, new_key: bool, key_out: str | None) -> None:
    """Phase 1: let another key open the vault. REF is where it lies, such as env:NEW_KEY; or a fresh one is made.

    \b
      smcp vault rotate add --file vault.smcp --key-out next.key
      smcp vault rotate add env:NEW_KEY --file vault.smcp
    """
    if sum((reference is not None, new_key, key_out is not None)) != 1:
        raise click.UsageError("expected one of REF, --new-key and --key-out: the key that is to be added")
    vault = place.open()
    # A fresh key is shown only where it can be added.
    vault.keys()
    if reference is not None:
        _tell_added(place, vault.add_key(_key_at(reference, vault)), _first(vault), reference)
        return
    with fresh_key(key_out) as fresh:
        state = vault.add_key(fresh.source(None).first)
    _tell_added(place, state, _first(vault), fresh.reference)


def _key_at(reference: str, vault: Vault) -> MasterKey:
    from smcp_security.vault.providers import from_references

    return from_references([reference], os.environ)(vault.current().header.derivation).first


def _tell_added(place: Place, state: KeyState, first: KeyState, reference: str) -> None:
    if state.id == first.id:
        say(f"key {state.id} ({state.fingerprint}) seals {place.file} already: nothing to do")
        return
    say(f"phase 1 of 3 is done: key {state.id} ({state.fingerprint}) may open {place.file}; key {first.id} still seals")
    if not reference:
        say("the new key is the last line of the output, shown this once")
    name = reference or "env:NEW_KEY"
    say(f"next: give every reader both keys (in its policy `key: [{', '.join((*place.keys, name))}]`) and reload it")
    say(f"then: smcp vault rotate first {place.with_key(name).options}")


@rotate.command("first", cls=Discreet)
@click.argument("id", required=False, type=click.IntRange(min=1), metavar="[ID]")
@at_vault
def first(place: Place, id: int | None) -> None:
    """Phase 2: let that key seal from now on. ID as `smcp vault verify` shows it. Default: the key added last."""
    vault = place.open()
    keys = vault.keys()
    state = vault.make_first(_state_of(keys, id or max(key.id for key in keys), place).fingerprint)
    say(f"phase 2 of 3 is done: key {state.id} ({state.fingerprint}) seals {place.file}")
    if state.id > 1:
        say(f"next: smcp vault rewrap {place.options}")
        say(f"then: smcp vault rotate retire {place.options}")


@rotate.command("retire", cls=Discreet)
@click.argument("id", required=False, type=click.IntRange(min=1), metavar="[ID]")
@at_vault
def retire(place: Place, id: int | None) -> None:
    """Phase 3: keys up to ID open nothing any more. Default: all that are older than the key that seals."""
    vault = place.open()
    last = _first(vault).id - 1 if id is None else id
    if last < 1:
        raise failure("no key is older than the one that seals; `smcp vault rotate add` is phase 1 of an exchange")
    if id is not None:
        _state_of(vault.keys(), id, place)
    vault.retire_key(last)
    keys = f"key {last} opens" if last == 1 else f"keys up to {last} open"
    say(f"phase 3 of 3 is done: {keys} nothing in {place.file} any more")
    say("next: take the old key from every reader and its policy, then destroy it; copies of the file made before")
    say("still open with it, so if it has leaked, replace the secrets too")


@click.command("rewrap", cls=Discreet)
@at_vault
def rewrap(place: Place) -> None:
    """Wrap everything under the key that seals. Values are not touched; safe to repeat after an interruption."""
    vault = place.open()
    with progress("rewrap") as told:
        count = vault.rewrap(told)
    sealing = _first(vault)
    if not count:
        say(f"all of {place.file} is under key {sealing.id} already")
        return
    versions = "1 version is" if count == 1 else f"{count} versions are"
    say(f"{versions} now under key {sealing.id} ({sealing.fingerprint}); no value was touched")
    if sealing.id > 1:
        say(f"next: smcp vault rotate retire {place.options}")


def _first(vault: Vault) -> KeyState:
    keys = vault.keys()
    return next(key for key in keys if key.first)


def _state_of(keys: Sequence[KeyState], id: int, place: Place) -> KeyState:
    found = next((key for key in keys if key.id == id), None)
    if found is None:
        ids = ", ".join(str(key.id) for key in keys)
        raise failure(f"{place.file} has no key {id}; expected one of {ids}")
    return found
