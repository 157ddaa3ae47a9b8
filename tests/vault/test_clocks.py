"""Clocks that are wrong: no vault is written that nobody could read, and what a wrong one did to it is told."""

from __future__ import annotations

import pytest

from smcp_security.errors import VaultError
from tests.vault.chest import START, VALUE, Clock, Shelf, filled, opened


def test_a_vault_is_not_made_by_a_clock_that_no_file_can_say() -> None:
    shelf = Shelf()
    with pytest.raises(VaultError, match="this machine's clock is past the year 9999; set it"):
        opened(shelf, clock=lambda: 253402300800.0).create()
    assert shelf.forms == []
    opened(shelf, clock=lambda: -1.0).create()
    assert opened(shelf).verify().generation == 1


def test_a_clock_after_9999_leaves_a_vault_as_it_is() -> None:
    shelf, clock = Shelf(), Clock()
    filled(shelf, clock=clock)
    clock.now = 253402300800.0
    with pytest.raises(VaultError, match="this machine's clock"):
        opened(shelf, clock=clock).put("github", VALUE)
    assert opened(shelf).verify().generation == 5
    assert opened(shelf).put("github", VALUE).version == 3


def test_an_expiry_before_the_last_change_is_refused_with_the_time_and_a_way_on() -> None:
    shelf, clock = Shelf(), Clock()
    filled(shelf, clock=clock)
    clock.now = START + 10 * 365 * 86400
    opened(shelf, clock=clock).put("made.ahead", VALUE)
    vault = opened(shelf)
    with pytest.raises(VaultError, match=r"in the future, after 2037-01-12T08:00:00Z.*set secrets without an expiry"):
        vault.put("github", VALUE, expires_at=START + 90 * 86400)
    vault.put("github", VALUE)
    assert vault.get("github").value == VALUE
