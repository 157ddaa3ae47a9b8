from __future__ import annotations

import pytest

from smcp_security.errors import VaultError
from smcp_security.vault import changes
from smcp_security.vault.keyring import KeyRing
from smcp_security.vault.providers import Derivation
from smcp_security.vault.vault import Vault
from tests.vault.chest import START, VALUE, Shelf, filled, key, opened


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def vault(shelf: Shelf) -> Vault:
    return filled(shelf)


# -- keys


def test_the_wrong_key_is_an_error_that_names_the_right_one(shelf: Shelf, vault: Vault) -> None:
    with pytest.raises(VaultError) as caught:
        opened(shelf, key("two")).get("github")
    assert type(caught.value) is VaultError
    for part in (f"key 1, of fingerprint {key().fingerprint}", f"env:TWO (fingerprint {key('two').fingerprint})"):
        assert part in str(caught.value)
    assert opened(shelf, key("two"), key()).get("github").version == 2


def test_keys_of_passphrases_are_asked_for_with_what_the_vault_says(shelf: Shelf) -> None:
    asked: list[Derivation | None] = []

    def keys(derivation: Derivation | None) -> KeyRing:
        asked.append(derivation)
        return KeyRing([key()])

    Vault(shelf, keys, clock=lambda: START).create(passphrase=True)
    reader = Vault(shelf, keys, clock=lambda: START)
    reader.put("a", VALUE)
    opened(shelf).put("a", VALUE)
    assert reader.get("a").version == 2
    assert len(asked) == 2, "once for each of the two: a passphrase takes a while"
    assert asked[0] is not None and asked[0] == asked[1] and len(asked[0].salt) == 16
    assert Vault(Shelf(), keys, clock=lambda: START).create().generation == 1
    assert asked[2] is None


def test_keys_are_asked_for_again_when_the_vault_needs_another_one(shelf: Shelf, vault: Vault) -> None:
    rings = [KeyRing([key()]), KeyRing([key("two"), key()])]
    reader = Vault(shelf, lambda derivation: rings.pop(0), clock=lambda: START)
    assert reader.get("github").version == 2
    both = opened(shelf, key(), key("two"))
    both.add_key(key("two"))
    both.make_first(key("two").fingerprint)
    assert reader.get("github").version == 2
    assert rings == []


def test_a_fault_of_the_key_source_is_passed_on(shelf: Shelf, vault: Vault) -> None:
    def keys(derivation: Derivation | None) -> KeyRing:
        raise VaultError("env:NONE: not set")

    with pytest.raises(VaultError, match="env:NONE: not set"):
        Vault(shelf, keys, clock=lambda: START).entries()


def test_the_ring_is_what_was_given(vault: Vault) -> None:
    assert vault.ring().first == key()
    (state,) = vault.keys()
    assert (state.id, state.known, state.first, state.seals) == (1, True, True, 4)


# -- how much it takes


def test_a_key_that_sealed_too_often_is_warned_of_and_then_refused(
    shelf: Shelf, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "SEALS_WARNED", 5)
    monkeypatch.setattr(changes, "SEALS_MAX", 6)
    assert vault.verify().warnings == ()
    vault.put("a", VALUE)
    assert vault.verify().warnings == ("key 1 has sealed 5 times, and 6 are safe: rotate soon",)
    vault.put("a", VALUE)
    with pytest.raises(VaultError, match="key 1 has sealed 6 times, and 6 are safe; rotate: add a key"):
        vault.put("a", VALUE)
    both = opened(shelf, key(), key("two"))
    both.add_key(key("two"))
    both.make_first(key("two").fingerprint)
    both.put("a", VALUE)
    assert both.get("a").version == 3


def test_the_limits_on_seals_are_those_of_the_standard() -> None:
    assert (changes.SEALS_WARNED, changes.SEALS_MAX) == (2**31, 2**32)


def test_a_full_vault_says_so_and_takes_more_when_it_is_pruned(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "VERSIONS_MAX", 4)
    with pytest.raises(VaultError, match="holds 4 versions of secrets and no more; prune"):
        vault.put("a", VALUE)
    vault.prune(keep=1)
    vault.put("a", VALUE)


def test_a_file_that_would_be_too_large_is_not_written(
    shelf: Shelf, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = list(shelf.forms)
    monkeypatch.setattr("smcp_security.vault.vault.BYTES_MAX", len(shelf.forms[-1]))
    with pytest.raises(VaultError, match="no room for more than 64 MiB"):
        vault.put("a", VALUE)
    assert shelf.forms == before
