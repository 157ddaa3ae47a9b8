"""An audit of two persons, and an operator of `smcp audit`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.audits import Desk, decision, outcome, refused


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SMCP_POLICY", "SMCP_AUDIT_KEY", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Whose audit has calls of ann and of bob, over one rotation."""
    made = Desk(tmp_path)
    made.write(
        decision("a1", "ann"), outcome("a1"), decision("b1", "bob", tool="sql.query", at=3600), outcome("b1", 3601)
    )
    made.rotate()
    made.write(refused("b2", "bob", at=7200), decision("a2", "ann", tool="sql.query", at=7300), outcome("a2", 7301))
    return made
