"""The benchmark of the stores measures every way, and prints no numbers of a store that was away."""

from __future__ import annotations

import pytest

from benchmarks import store
from tests.stores.keyserver import MissingServer, free_port, valkey_binary


@pytest.fixture(scope="module")
def url() -> str:
    """Skips where there is no Valkey."""
    try:
        return valkey_binary()
    except MissingServer as missing:
        pytest.skip(f"missing: {missing}")


@pytest.mark.real
@pytest.mark.usefixtures("url")
def test_every_way_to_ask_a_store_is_measured() -> None:
    with store.served() as address:
        text = store.report(address, 160, processes=(1, 2))
    lines = [line for line in text.splitlines() if line.startswith(("| memory", "| Valkey"))]
    assert [line.split("|")[2].strip() for line in lines] == ["1", "1", "2", "1", "2"]


@pytest.mark.real
def test_a_store_that_is_away_is_not_measured() -> None:
    with pytest.raises(store.Miscounted):
        store.measure(store.Way("gone", f"redis://127.0.0.1:{free_port()}"), 1, 10)
