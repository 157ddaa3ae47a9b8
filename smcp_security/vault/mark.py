"""A mark of what was written or read last: by it an older copy of a vault shows, and one that forked off. Pure."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import msgspec

from smcp_security.errors import VaultDamaged
from smcp_security.vault.document import Header


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One generation of one vault."""

    vault_id: str
    generation: int
    sha256: str

    def is_of(self, data: bytes) -> bool:
        """Whether these are the bytes that were marked."""
        return self.sha256 == sha256(data).hexdigest()


_decoder: Final = msgspec.json.Decoder(Mark)


def mark_of(header: Header, data: bytes) -> Mark:
    """The mark of a file."""
    return Mark(header.vault_id, header.generation, sha256(data).hexdigest())


def encode_mark(mark: Mark) -> bytes:
    """As a line."""
    return msgspec.json.encode(mark) + b"\n"


def parse_mark(data: bytes, name: str) -> Mark:
    """The mark in a file beside the vault called `name`. Raises `VaultDamaged`."""
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise VaultDamaged(
            f"{name}.mark: no mark of a vault; if {name} is the newest copy, remove {name}.mark"
        ) from None


def check_seen(found: Mark, seen: Mark, name: str) -> None:
    """`found` is what this process has read before, or a later one. Raises `VaultDamaged`."""
    if what := _step_back(found, seen):
        raise VaultDamaged(
            f"{name}: {what} than this process has read; restore the newest copy, or, if this one is meant, start again"
        )


def check_keys(found: Header, seen: Header, name: str) -> None:
    """No key has come back that this process has seen retired. Raises `VaultDamaged`."""
    if found.least_key_id < seen.least_key_id:
        raise VaultDamaged(
            f"{name}: a key opens again that was retired (least_key_id {found.least_key_id}, before"
            f" {seen.least_key_id}); restore the newest copy, or, if this one is meant, start again"
        )


class Seen(msgspec.Struct, frozen=True):
    """What a process has read of one vault last."""

    mark: Mark
    header: Header


def check_later(found: Seen, seen: Seen, name: str) -> None:
    """`found` is what this process has read before, or a later one. Raises `VaultDamaged`."""
    check_seen(found.mark, seen.mark, name)
    check_keys(found.header, seen.header, name)


def check_marked(found: Mark, mark: Mark, name: str) -> None:
    """`found` is what was written here last, or a later one. Raises `VaultDamaged`."""
    if what := _step_back(found, mark):
        raise VaultDamaged(
            f"{name}: {what} than was written here last; restore the newest copy, or, if this one is meant, remove"
            f" {name}.mark"
        )


def check_least(generation: int, least: int, name: str) -> None:
    """It has come as far as the operator expects. Raises `VaultDamaged`."""
    if generation < least:
        raise VaultDamaged(
            f"{name}: rolled back: generation {generation}, expected {least} or later; restore the newest copy, or, if"
            " this one is meant, expect no more than its generation"
        )


def _step_back(found: Mark, before: Mark) -> str:
    """In which way one is no successor of the other, "" if it is."""
    if found.vault_id != before.vault_id:
        return "another vault"
    if found.generation < before.generation:
        return f"rolled back: generation {found.generation} is older, by {before.generation - found.generation},"
    if found.generation == before.generation and found.sha256 != before.sha256:
        return f"rolled back and written again: generation {found.generation} is another one"
    return ""
