"""Whole vault files: one that was written once opens for ever; a second implementation opens what is written now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from smcp_security.errors import VaultDamaged
from smcp_security.vault import envelope
from smcp_security.vault.document import FORMAT, encode, finished, parse
from smcp_security.vault.envelope import bound
from smcp_security.vault.keyring import KeyRing
from smcp_security.vault.providers import from_references
from smcp_security.vault.store import FileStore
from smcp_security.vault.vault import Vault
from tests.architecture.source import ROOT
from tests.vault import chest, plain_file
from tests.vault.plain import Refused

FOLDER = Path(__file__).parent / "vectors"
WRITTEN = FOLDER / "vault.smcp"
AT = 1_800_000_100.0

Values = Mapping[tuple[str, str, int], bytes]


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    return json.loads((FOLDER / "vault.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def ring(known: dict[str, Any]) -> KeyRing:
    # At the strength of a real vault, so once for all tests.
    environ = dict(zip("PK", known["given"][0], strict=True))
    derivation = parse(WRITTEN.read_bytes(), "vault").header.derivation
    return from_references(["env:K", "passphrase:env:P"], environ)(derivation)


@pytest.fixture(scope="module")
def values(known: dict[str, Any]) -> Values:
    return {(tenant, name, version): bytes.fromhex(value) for tenant, name, version, value in known["values"]}


def _copy(folder: Path, data: bytes) -> FileStore:
    path = folder / "vault.smcp"
    path.write_bytes(data)
    path.chmod(0o600)
    return FileStore(str(path))


def _read(store: FileStore, ring: KeyRing) -> Values:
    vault = Vault(store, lambda derivation: ring, clock=lambda: AT)
    places = [(entry.tenant, entry.name, entry.version) for entry in vault.entries()]
    return {place: vault.get(place[1], tenant=place[0], version=place[2]).value for place in places}


def test_a_vault_that_was_written_once_opens_for_ever(tmp_path: Path, ring: KeyRing, values: Values) -> None:
    assert _read(_copy(tmp_path, WRITTEN.read_bytes()), ring) == values


def test_the_second_implementation_opens_it_too(ring: KeyRing, values: Values) -> None:
    assert plain_file.secrets_of(WRITTEN.read_bytes(), [key.material for key in ring.keys]) == values


def test_the_vault_that_was_written_once_is_spelt_as_it_is_today() -> None:
    data = WRITTEN.read_bytes()
    document = parse(data, "vault")
    assert finished(encode(document.header, document.lines), document.mac) == data


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"generation":9', b'"generation":8'),
        (b'"first_key_id":2', b'"first_key_id":1'),
        (b'"expires":1900000000.5', b'"expires":1900000001.5'),
        (b'"tags":["ci"', b'"tags":["cd"'),
        (b'"seals":3', b'"seals":2'),
        (b'"memory":65536', b'"memory":65537'),
    ],
)
def test_both_implementations_notice_what_was_changed(tmp_path: Path, ring: KeyRing, old: bytes, new: bytes) -> None:
    before = WRITTEN.read_bytes()
    assert old in before
    changed = before.replace(old, new, 1)
    with pytest.raises(VaultDamaged):
        _read(_copy(tmp_path, changed), ring)
    with pytest.raises(Refused):
        plain_file.secrets_of(changed, [key.material for key in ring.keys])


def test_what_the_library_writes_now_the_second_implementation_opens() -> None:
    one, two, shelf = chest.key("one"), chest.key("two"), chest.Shelf()
    vault = chest.filled(shelf, one, two)
    vault.add_key(two)
    vault.make_first(two.fingerprint)
    vault.put("mail", b"sealed under the second key")
    written = [form for form in shelf.forms if form]
    assert len(written) == 8
    for form in written:
        assert len(plain_file.secrets_of(form, [one.material, two.material])) == form.count(b"\n") - 2
    assert (
        plain_file.secrets_of(written[-1], [one.material, two.material])["", "mail", 2]
        == b"sealed under the second key"
    )
    vault.rewrap()
    vault.retire_key(1)
    read = plain_file.secrets_of(shelf.forms[-1], [two.material])
    assert read["", "github", 2] == chest.VALUE + b" 2"
    assert read["acme", "github", 1] == chest.VALUE + b" 3"
    with pytest.raises(Refused):
        plain_file.secrets_of(shelf.forms[-1], [one.material])


def test_the_page_of_the_vault_says_what_a_second_implementation_needs() -> None:
    page = (ROOT / "docs" / "vault.md").read_text(encoding="utf-8")
    example = bound("a", 1).hex()
    spaced = " ".join((example[:2], example[2:10], example[10:12], example[12:14], example[14:22], example[22:]))
    assert f'`bound("a", 1)` is `{spaced}`' in page
    for label in (envelope._SEAL, envelope._DERIVE):
        assert f'"{label[:-1].decode()}" || 00 ||' in page.replace("`", "")
    for place in ('"wrap", vault_id, key_id, name, version, tenant', '"value", vault_id, name, version, tenant'):
        assert f'bound("{FORMAT}", {place})' in page
    assert f'bound("{FORMAT}", "mac", vault_id)' in page
    assert 'bound("fingerprint")' in page
