"""Frameworks that the tests share: the doctor reads their policies and asks them nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smcp_security import SMCPSecurityFramework
from smcp_security.adapters.sdk import registered


@pytest.fixture(scope="session")
def framework() -> Iterator[SMCPSecurityFramework]:
    """Safe defaults."""
    with SMCPSecurityFramework() as made:
        yield made


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[SMCPSecurityFramework]:
    """A policy that names paths of its own, and admits any host."""
    with SMCPSecurityFramework({"version": 1, "server": {"paths": ["/rpc", "/old"], "hosts": ["*"]}}) as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_misplaced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests of this process put in the wrong place is none of ours, and looking for it takes a while."""
    if "forgotten" not in request.fixturenames:
        monkeypatch.setattr(registered, "misplaced", list)
