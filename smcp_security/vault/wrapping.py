"""How a version of a secret is sealed in its two layers, what each layer is bound to, and the MAC of the file. Pure."""

from __future__ import annotations

import hmac

from msgspec.structs import replace

from smcp_security.vault.document import FORMAT, Line
from smcp_security.vault.envelope import bound, derived, seal, unseal
from smcp_security.vault.keyring import MasterKey


def mac_of(covered: bytes, key: MasterKey, vault_id: str) -> str:
    """The HMAC-SHA-256 that the last line of a file must have, under a key of its own, in hex."""
    return hmac.digest(derived(key.material, bound(FORMAT, "mac", vault_id)), covered, "sha256").hex()


def sealed(line: Line, value: bytes, data_key: bytes, key: MasterKey, vault_id: str) -> Line:
    """`line` with its value under `data_key` and that under the master key, whose id it has already."""
    wrapped = seal(key.material, data_key, _wrap_bound(line, vault_id))
    return replace(line, wrapped=wrapped, value=seal(data_key, value, _value_bound(line, vault_id)))


def opened(line: Line, key: MasterKey, vault_id: str) -> bytes:
    """The value of a version. Raises `InvalidToken`."""
    data_key = unseal(key.material, line.wrapped, _wrap_bound(line, vault_id))
    return unseal(data_key, line.value, _value_bound(line, vault_id))


def rewrapped(line: Line, before: MasterKey, after: MasterKey, after_id: int, vault_id: str) -> Line:
    """`line` with its data key under another master key; its value is not touched. Raises `InvalidToken`."""
    data_key = unseal(before.material, line.wrapped, _wrap_bound(line, vault_id))
    moved = replace(line, key_id=after_id)
    return replace(moved, wrapped=seal(after.material, data_key, _wrap_bound(moved, vault_id)))


def _wrap_bound(line: Line, vault_id: str) -> bytes:
    return bound(FORMAT, "wrap", vault_id, line.key_id, line.name, line.version, line.tenant)


def _value_bound(line: Line, vault_id: str) -> bytes:
    return bound(FORMAT, "value", vault_id, line.name, line.version, line.tenant)
