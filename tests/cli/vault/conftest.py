"""An operator of `smcp vault`: a key in the environment, and a vault with one secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from smcp_security.vault.key_text import new_key
from tests.cli.vaults import Desk


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """The key of every vault that a test makes."""
    made = new_key()
    monkeypatch.setenv("SMCP_VAULT_KEY", made)
    monkeypatch.delenv("SMCP_POLICY", raising=False)
    return made


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Whose vault has one secret; a file of tests may have a desk of its own."""
    made = Desk.with_vault(tmp_path)
    made.put("github")
    return made
