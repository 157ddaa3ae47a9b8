"""One framework for the tests of this folder that need nothing special of it: to make one costs more than a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smcp_security import SMCPSecurityFramework


@pytest.fixture(scope="session")
def framework() -> Iterator[SMCPSecurityFramework]:
    """The default policy without rates: a test says more than an honest client in a minute."""
    with SMCPSecurityFramework({"version": 1, "limits": []}) as made:
        yield made
