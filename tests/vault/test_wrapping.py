from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from smcp_security.errors import InvalidToken
from smcp_security.vault.document import Line
from smcp_security.vault.wrapping import mac_of, opened, rewrapped, sealed
from tests.vault.chest import START, VALUE, key

VAULT = "0" * 32
DATA_KEY = bytes(range(32))


def _line(**fields: Any) -> Line:
    """One version, sealed as what `fields` say."""
    line = Line("acme", "github", 2, START, None, (), 1, b"", b"")
    return sealed(replace(line, **fields), VALUE, DATA_KEY, key(), VAULT)


CHANGES: list[dict[str, Any]] = [{"tenant": ""}, {"tenant": "acme2"}, {"name": "git"}, {"version": 1}]
NAMES = ["shared", "another tenant", "another name", "another version"]


def test_what_was_sealed_opens_at_its_own_place() -> None:
    assert opened(_line(), key(), VAULT) == VALUE


@pytest.mark.parametrize("change", [*CHANGES, {"key_id": 2}], ids=[*NAMES, "another key"])
def test_a_wrapped_key_opens_at_its_own_place_alone(change: dict[str, Any]) -> None:
    moved = replace(_line(), **change)
    with pytest.raises(InvalidToken):
        rewrapped(moved, key(), key("two"), 3, VAULT)


@pytest.mark.parametrize("change", CHANGES, ids=NAMES)
def test_a_value_opens_at_its_own_place_alone_though_its_key_is_known_there(change: dict[str, Any]) -> None:
    there = _line(**change)
    assert opened(there, key(), VAULT) == VALUE
    with pytest.raises(InvalidToken):
        opened(replace(there, value=_line().value), key(), VAULT)


def test_nothing_of_one_vault_opens_in_another() -> None:
    for ask in (lambda: opened(_line(), key(), "1" * 32), lambda: rewrapped(_line(), key(), key("two"), 2, "1" * 32)):
        with pytest.raises(InvalidToken):
            ask()


def test_another_key_opens_what_was_wrapped_under_it_anew() -> None:
    line = _line()
    moved = rewrapped(line, key(), key("two"), 2, VAULT)
    assert (moved.key_id, moved.value) == (2, line.value)
    assert opened(moved, key("two"), VAULT) == VALUE
    with pytest.raises(InvalidToken):
        opened(moved, key(), VAULT)


def test_the_check_of_a_file_is_another_one_for_each_key_and_vault() -> None:
    checks = {mac_of(data, by, vault) for data in (b"", b"a") for by in (key(), key("two")) for vault in (VAULT, "1")}
    assert len(checks) == 8
    assert mac_of(b"a", key(), VAULT) == mac_of(b"a", key(), VAULT)
