"""What the library writes, Node's own crypto opens: the description of the file in `docs/vault.md` is enough."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from smcp_security.vault.providers import from_references
from smcp_security.vault.store import FileStore
from smcp_security.vault.vault import Secret, Vault
from tests.toolbox.node import NodeTools
from tests.vault import chest

pytestmark = pytest.mark.real

PROGRAM = Path(__file__).parent / "open.mjs"
VECTORS = Path(__file__).parents[2] / "vault" / "vectors"
WORDS = "glider mocha trunk velvet oxide"
LIMIT = 60.0

Values = Mapping[tuple[str, str, int], bytes]


def _run(tools: NodeTools, file: Path, keys: list[str], passphrase: str | None) -> subprocess.CompletedProcess[str]:
    given = json.dumps({"keys": keys, "passphrase": passphrase})
    return subprocess.run(
        [tools.node, PROGRAM, file], input=given, capture_output=True, text=True, timeout=LIMIT, check=False
    )


def _by_node(tools: NodeTools, file: Path, keys: list[str], passphrase: str | None = None) -> Values:
    done = _run(tools, file, keys, passphrase)
    assert done.returncode == 0, done.stderr
    read = {tuple(place.split("\t")): bytes.fromhex(value) for place, value in json.loads(done.stdout).items()}
    return {(tenant, name, int(version)): value for (tenant, name, version), value in read.items()}


def _by_library(vault: Vault) -> Values:
    places = [(entry.tenant, entry.name, entry.version) for entry in vault.entries()]
    return {place: vault.get(place[1], tenant=place[0], version=place[2]).value for place in places}


def test_node_opens_a_vault_that_the_library_wrote(node: NodeTools, tmp_path: Path) -> None:
    file, one, two = tmp_path / "vault.smcp", chest.key("one"), chest.key("two")
    vault = chest.filled(FileStore(str(file)), one, two)
    vault.put_all([Secret(f"of_{length}", b"\x00" * length) for length in (1, 15, 16, 65536)])
    vault.put("named", "знач\n".encode(), tenant="ключ")
    expected = _by_library(vault)
    assert len(expected) == 9
    assert _by_node(node, file, [one.material.hex()]) == expected

    vault.add_key(two)
    vault.make_first(two.fingerprint)
    vault.put("github", b"sealed under the second key")
    assert _by_node(node, file, [key.material.hex() for key in (one, two)]) == _by_library(vault)
    vault.rewrap()
    vault.retire_key(1)
    assert _by_node(node, file, [two.material.hex()]) == _by_library(vault)
    assert _run(node, file, [one.material.hex()], None).returncode == 3


def test_node_opens_a_vault_by_its_passphrase(node: NodeTools, tmp_path: Path) -> None:
    file = tmp_path / "vault.smcp"
    source = from_references(["passphrase:env:P"], {"P": WORDS})
    vault = Vault(FileStore(str(file)), source, clock=lambda: chest.START)
    vault.create(passphrase=True)
    vault.put("github", chest.VALUE)
    assert _by_node(node, file, [], WORDS) == {("", "github", 1): chest.VALUE}
    refused = _run(node, file, [], f"{WORDS} too")
    assert (refused.returncode, refused.stdout) == (3, "")


def test_node_opens_the_vault_that_was_written_once(node: NodeTools) -> None:
    known = json.loads((VECTORS / "vault.json").read_text(encoding="utf-8"))
    words, key = known["given"][0]
    read = _by_node(node, VECTORS / "vault.smcp", [key], words)
    assert read == {(tenant, name, version): bytes.fromhex(value) for tenant, name, version, value in known["values"]}


def test_node_refuses_a_file_that_was_changed(node: NodeTools, tmp_path: Path) -> None:
    file, key = tmp_path / "vault.smcp", chest.key("one")
    chest.filled(FileStore(str(file)), key)
    before = file.read_bytes()
    assert _run(node, file, [key.material.hex()], None).returncode == 0
    for old, new in [(b'"version":2', b'"version":3'), (b'"generation":', b'"generation":1'), (b'"ci"', b'"cd"')]:
        assert old in before
        file.write_bytes(before.replace(old, new, 1))
        refused = _run(node, file, [key.material.hex()], None)
        assert (refused.returncode, refused.stdout) == (3, "")
