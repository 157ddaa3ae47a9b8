"""Where master keys come from: the environment, a file, a passphrase, any callable. Never from a default."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from smcp_security.errors import VaultError
from smcp_security.policy.vault import KEY_PATTERN
from smcp_security.vault.key_text import ADVICE, check_key, key_of, new_key
from smcp_security.vault.keyring import KeyRing, MasterKey
from smcp_security.vault.passphrase import Derivation, key_from
from smcp_security.vault.private_file import read_private

__all__ = ["Derivation", "KeyProvider", "KeySource", "from_callable", "from_references", "new_key"]

KeySource: TypeAlias = Callable[["Derivation | None"], KeyRing]
"""Gives the keys once it is known how the vault derives those of passphrases; None: no passphrase may be asked for."""

KeyProvider: TypeAlias = Callable[[], "bytes | Sequence[bytes]"]
"""What an operator may hand over: 32 random bytes, or several keys of which the first one seals."""

MOST_KEYS: Final = 64
_REFERENCE: Final = re.compile(KEY_PATTERN, re.ASCII)
_PASSPHRASE: Final = "passphrase:"
_PROVIDED: Final = "vault_key"


def from_references(references: Sequence[str], environ: Mapping[str, str]) -> KeySource:
    """The keys that `env:NAME`, `file:PATH`, `passphrase:env:NAME` and `passphrase:file:PATH` name.

    The source raises `VaultError` for what is not there, weak, or readable by others.
    """
    given = tuple(references)
    for each in given:
        if _REFERENCE.fullmatch(each) is None:
            # Not shown: somebody may have written the key in its place.
            raise VaultError(
                "expected env:NAME or file:PATH of the master key, or passphrase:env:NAME or passphrase:file:PATH;"
                " the key itself has no place here"
            )

    def read(derivation: Derivation | None) -> KeyRing:
        return KeyRing([MasterKey(_material(each, environ, derivation), each) for each in given])

    return read


def from_callable(provider: KeyProvider) -> KeySource:
    """The keys that the operator's own code gives. The source raises `VaultError` for what is no key."""

    def ask(derivation: Derivation | None) -> KeyRing:
        given = _given(provider)
        keys = [given] if isinstance(given, bytes) else list(given)[: MOST_KEYS + 1]
        if not keys or len(keys) > MOST_KEYS:
            raise VaultError(f"{_PROVIDED}: expected 1 to {MOST_KEYS} keys; the first one seals")
        labels = [_PROVIDED] if len(keys) == 1 else [f"{_PROVIDED}[{index}]" for index in range(len(keys))]
        return KeyRing([_provided(key, label) for key, label in zip(keys, labels, strict=True)])

    return ask


def _material(reference: str, environ: Mapping[str, str], derivation: Derivation | None) -> bytes:
    text = _text(reference.removeprefix(_PASSPHRASE), environ, reference)
    if not reference.startswith(_PASSPHRASE):
        return key_of(text, reference)
    if derivation is None:
        raise VaultError(
            f"{reference}: this vault was made without a passphrase, so no passphrase opens it; name its key,"
            " env:NAME or file:PATH"
        )
    return key_from(text, derivation, reference)


def _text(place: str, environ: Mapping[str, str], reference: str) -> str:
    kind, _, name = place.partition(":")
    if kind == "file":
        return read_private(name)
    text = environ.get(name)
    if text is None:
        raise VaultError(f"{reference}: the environment variable {name} is not set; {_set(reference)}")
    if not text.strip():
        raise VaultError(f"{reference}: the environment variable {name} is empty; {_set(reference)}")
    return text


def _set(reference: str) -> str:
    what = "passphrase" if reference.startswith(_PASSPHRASE) else f"key of the vault, or for a new vault {ADVICE}"
    return f"set it to the {what}"


class _Refusal:
    """Keeps the name of what a block raised: its text may hold the key that could not be decoded."""

    def __init__(self) -> None:
        self.name = ""

    def __enter__(self) -> _Refusal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if kind is None or not issubclass(kind, Exception):
            return False
        self.name = kind.__name__
        return True


def _given(provider: KeyProvider) -> bytes | Sequence[bytes]:
    given: object = None
    with _Refusal() as refusal:
        given = provider()
    if refusal.name:
        raise VaultError(f"{_PROVIDED}: gave no key, it raised {refusal.name}; its text is not shown, it may hold one")
    if inspect.iscoroutine(given):
        # Else Python warns of a coroutine that nobody has awaited.
        given.close()
    if not isinstance(given, bytes | list | tuple):
        raise VaultError(f"{_PROVIDED}: expected 32 random bytes or a list of them, not {type(given).__name__}")
    return given


def _provided(key: bytes, label: str) -> MasterKey:
    master = MasterKey(key, label)
    check_key(key, label)
    return master
