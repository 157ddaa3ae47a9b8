"""A shared store for the tests that want one to themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.identity.valkey import Valkey


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A store of the test's own."""
    valkey = Valkey(tmp_path_factory.mktemp("valkey"))
    valkey.start()
    yield valkey
    valkey.kill()
