"""Which vault a command works on and which keys it has: from its options, or from the `vault` section of a policy."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Final

import click

from smcp_security.cli.output import Failure, without_log

if TYPE_CHECKING:
    from smcp_security.vault.keyring import KeyRing
    from smcp_security.vault.providers import Derivation, KeySource
    from smcp_security.vault.vault import Vault

KEY_VARIABLE: Final = "SMCP_VAULT_KEY"
KEY: Final = f"env:{KEY_VARIABLE}"
_PASSPHRASE: Final = "--passphrase"


@dataclass(frozen=True)
class Place:
    """A vault file, the references of its keys, and what was typed to name them. `least`: see `vault.generation`."""

    file: str
    keys: tuple[str, ...] = (KEY,)
    typed: tuple[str, ...] = ()
    passphrase: bool = False
    least: int = 0

    @property
    def options(self) -> str:
        """What to type to name the same vault again, for advice that can be run."""
        return " ".join(shlex.quote(each) for each in self.typed)

    @property
    def typed_key(self) -> bool:
        """Whether an option says which keys there are."""
        return self.passphrase or "--key" in self.typed

    def with_key(self, reference: str) -> Place:
        """The same vault, and one key more."""
        if reference in self.keys:
            return self
        given = self.typed if "--key" in self.typed else (*self.typed, *_as_options(self.keys))
        return replace(self, keys=(*self.keys, reference), typed=(*given, "--key", reference))

    def with_only(self, reference: str) -> Place:
        """The same vault by one key alone."""
        if self.keys == (reference,):
            return self
        return replace(self, keys=(reference,), typed=(*self.typed, "--key", reference))

    def open(self, source: KeySource | None = None) -> Vault:
        """The vault, with keys of its own or those of `source`."""
        from smcp_security.vault.store import FileStore
        from smcp_security.vault.vault import Vault

        return Vault(FileStore(self.file), source or self.source(), clock=time.time, least=self.least)

    def source(self, *, twice: bool = False) -> KeySource:
        """The keys; a passphrase is asked for when it is needed, and once. `twice`: and once more, to be sure."""
        from smcp_security.vault.keyring import KeyRing, MasterKey
        from smcp_security.vault.passphrase import key_from
        from smcp_security.vault.providers import from_references

        named = from_references(self.keys, os.environ)
        if not self.passphrase:
            return named

        def source(derivation: Derivation | None) -> KeyRing:
            if derivation is None:
                raise failure(f"{self.file}: was made without a passphrase; name its key, --key env:NAME or file:PATH")
            others = named(derivation).keys if self.keys else ()
            typed = key_from(_typed(twice), derivation, _PASSPHRASE)
            return KeyRing([MasterKey(typed, _PASSPHRASE), *others])

        return source


def at_vault(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Give a command the options that name a vault and its keys; it gets them as `place`."""

    @click.option("--file", metavar="FILE", help="The vault file. Default: what the policy names.")
    @click.option("--policy", metavar="FILE", help="A policy with a `vault` section. Default: SMCP_POLICY.")
    @click.option(
        "--key",
        "references",
        multiple=True,
        metavar="REF",
        help="env:NAME, file:PATH, passphrase:env:NAME or passphrase:file:PATH; repeat for more."
        f" Default: what the policy names, or {KEY}.",
    )
    @click.option(_PASSPHRASE, is_flag=True, help="Ask for a passphrase on the terminal.")
    @wraps(function)
    def run(
        *arguments: object, file: str | None, policy: str | None, references: tuple[str, ...], passphrase: bool,
        **options: object,
    ) -> int | None:  # fmt: skip
        place = _place(file, policy, references, passphrase)
        return function(*arguments, place=place, **options)

    return run


def failure(problem: str) -> Failure:
    """What keeps the command that runs from its work."""
    return Failure(click.get_current_context().command_path.removeprefix("smcp "), problem)


def _place(file: str | None, policy: str | None, references: Sequence[str], passphrase: bool) -> Place:
    if file is not None and policy is not None:
        raise click.UsageError("--file and --policy exclude each other: the policy names its file")
    if file is not None and (not file.strip() or "\n" in file):
        raise click.UsageError("--file: expected the name of a vault file")
    typed = [*_as_options(references), *([_PASSPHRASE] if passphrase else [])]
    given = tuple(references) or (() if passphrase else None)
    if file is not None:
        return Place(file, (KEY,) if given is None else given, ("--file", file, *typed), passphrase)
    named = _of_policy(policy)
    named_by = () if policy is None else ("--policy", policy)
    return replace(named, keys=named.keys if given is None else given, typed=(*named_by, *typed), passphrase=passphrase)


def _of_policy(path: str | None) -> Place:
    from smcp_security.policy.load import FILE_VARIABLE, resolve

    if path is None and FILE_VARIABLE not in os.environ:
        raise failure("no vault is named; expected --file FILE, or --policy FILE with a `vault` section")
    with without_log():
        section = resolve(path, os.environ).vault
    if section is None:
        where = FILE_VARIABLE if path is None else "--policy"
        raise failure(f"the policy of {where} has no `vault` section; add one with file and key, or give --file FILE")
    return Place(section.file, section.key, least=section.generation or 0)


def _as_options(references: Sequence[str]) -> list[str]:
    return [word for reference in references for word in ("--key", reference)]


def _typed(twice: bool) -> str:
    if sys.stdin is None or not sys.stdin.isatty():
        raise failure(f"{_PASSPHRASE} needs a terminal; give --key passphrase:env:NAME or passphrase:file:PATH instead")
    typed: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True)
    return typed
