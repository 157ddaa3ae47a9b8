"""What may be known of a vault without opening it: facts for lists, reports and the audit. Pure."""

from __future__ import annotations

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """What may be known of one version of a secret. Times are unix seconds; `expires_at` None: never."""

    name: str
    version: int
    tenant: str = ""
    created_at: float = 0.0
    expires_at: float | None = None
    tags: tuple[str, ...] = ()
    key_id: int = 0
    size: int = 0
    """Bytes of the value."""
    newest: bool = True


class KeyState(msgspec.Struct, frozen=True):
    """One key of a vault. `id` counts up from 1; one under `least_key_id` of the vault opens nothing any more."""

    id: int
    fingerprint: str
    seals: int
    first: bool
    known: bool
    """Whether the key ring has it."""


class Report(msgspec.Struct, frozen=True):
    """What `verify` found to be right."""

    vault_id: str
    generation: int
    keys: tuple[KeyState, ...]
    least_key_id: int
    secrets: int
    versions: int
    expired: int
    warnings: tuple[str, ...] = ()
