"""The secret of the rows of answers: in a vault, and handed out to a tool once, as in any server that uses it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from smcp_security import SMCPSecurityFramework, secure_tool
from smcp_security.vault.providers import from_callable
from smcp_security.vault.store import FileStore
from smcp_security.vault.vault import Vault
from tests.acceptance.answer_rows import INTEGRATION

_KEY: Final = hashlib.sha256(b"the key of the table").digest()
_TOOL: Final = "integration"


def vaulted(folder: Path, policy: Mapping[str, Any]) -> SMCPSecurityFramework:
    """A framework with the policy and a new vault in `folder`, whose secret a tool has used."""
    file = folder / "vault.smcp"
    vault = Vault(FileStore(str(file)), from_callable(lambda: _KEY), clock=time.time)
    vault.create()
    vault.put(_TOOL, INTEGRATION.encode())
    grants = [{"secrets": [_TOOL], "tools": [_TOOL]}]
    section = {"file": str(file), "key": "env:SMCP_VAULT_KEY", "grants": grants}
    framework = SMCPSecurityFramework({**policy, "vault": section}, vault_key=lambda: _KEY)

    @secure_tool(name=_TOOL, secrets={"token": _TOOL}, framework=framework)
    def use(token: str) -> bool:
        return token == INTEGRATION

    if not use():
        raise AssertionError("the tool did not get what the vault holds")
    return framework
