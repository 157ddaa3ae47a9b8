"""An older copy of a vault is no other one: not by another name of its file, nor with other vaults in between."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from smcp_security.checks.custody import OpenSecret
from smcp_security.errors import VaultDamaged
from smcp_security.policy.vault import VaultPolicy
from smcp_security.vault.custody import Custody
from smcp_security.vault.file_store import FileStore
from smcp_security.vault.providers import KeySource, from_callable
from smcp_security.vault.vault import Vault

NOW = 1_800_000_000.0
OLD, NEW = b"a-token-of-rollbacks-1", b"a-token-of-rollbacks-2"
SOURCE: KeySource = from_callable(lambda: sha256(b"the key of rollbacks").digest())


def make(path: Path) -> bytes:
    """A vault whose secret has a new value; an older copy of it, without a mark."""
    vault = Vault(FileStore(str(path)), SOURCE, clock=lambda: NOW)
    vault.create()
    vault.put("github", OLD)
    older = path.read_bytes()
    vault.put("github", NEW)
    return older


def served(path: str, before: Custody | None = None) -> Custody:
    """What a start or, with `before`, a reload makes of a vault."""
    custody = Custody(VaultPolicy.model_validate({"file": path, "key": "env:K"}), SOURCE, wall=lambda: NOW)
    if before is not None:
        custody.adopt(before)
    return custody


def value(custody: Custody) -> bytes | None:
    opened = custody.open(OpenSecret("github"))
    return None if opened is None else opened.value


def put_back(path: Path, copy: bytes) -> None:
    """As somebody does who may write the folder."""
    path.write_bytes(copy)
    os.unlink(f"{path}.mark")


@pytest.mark.parametrize("name", ["./vault.smcp", "../{}/vault.smcp", "link"])
def test_a_reload_knows_an_older_copy_by_any_name_of_its_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "vault.smcp"
    (tmp_path / "link").symlink_to("vault.smcp")
    older = make(path)
    before, other = served(str(path)), f"{tmp_path}/{name.format(tmp_path.name)}"
    assert value(served(other, before)) == NEW
    put_back(path, older)
    with pytest.raises(VaultDamaged, match="rolled back: generation 2 is older, by 1"):
        served(other, before)
    assert value(served(other)) == OLD


def test_a_reload_knows_an_older_copy_with_another_vault_in_between(tmp_path: Path) -> None:
    path, another = tmp_path / "vault.smcp", tmp_path / "another.smcp"
    older = make(path)
    make(another)
    between = served(str(another), served(str(path)))
    assert value(served(str(path), between)) == NEW
    put_back(path, older)
    with pytest.raises(VaultDamaged, match="rolled back"):
        served(str(path), between)


def test_a_reload_knows_a_copy_that_was_written_on_to_the_same_generation(tmp_path: Path) -> None:
    path = tmp_path / "vault.smcp"
    older = make(path)
    before = served(str(path))
    put_back(path, older)
    Vault(FileStore(str(path)), SOURCE, clock=lambda: NOW).put("github", OLD)
    with pytest.raises(VaultDamaged, match="rolled back and written again: generation 3"):
        served(str(path), before)


def test_a_reload_takes_a_later_copy_that_the_vault_in_force_reads_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "vault.smcp"
    make(path)
    before, now = served(str(path)), served(str(path))
    Vault(FileStore(str(path)), SOURCE, clock=lambda: NOW).put("github", OLD)
    before._vault.current()
    now.adopt(before)
    assert now._vault.current().generation == 4
