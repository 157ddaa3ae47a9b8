"""The vault of a framework over its life: what any policy has handed out is masked, whatever is in force by then."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from smcp_security import SMCPSecurityFramework
from smcp_security.errors import PolicyError, Unavailable, VaultDamaged, VaultError
from smcp_security.vault.file_store import FileStore
from smcp_security.vault.providers import from_callable
from smcp_security.vault.vault import Vault

KEY = sha256(b"the vault of reloads").digest()
FIRST, SECOND = b"a-token-of-reloads-1", b"a-token-of-reloads-2"
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": {}}}


def make(path: Path, value: bytes) -> dict[str, Any]:
    """A vault with one secret, and a policy with it."""
    vault = Vault(FileStore(str(path)), from_callable(lambda: KEY), clock=time.time)
    vault.create()
    vault.put("token", value)
    return {"limits": [], "vault": {"file": str(path), "key": "env:NONE"}}


def answered(security: SMCPSecurityFramework, text: bytes) -> str:
    """What the client gets where a tool says `text`."""
    asked = security.process_request_sync(CALL)
    result = {"content": [{"type": "text", "text": text.decode()}]}
    told = security.process_response_sync({"jsonrpc": "2.0", "id": 1, "result": result}, asked)
    return json.dumps(told.message)


def test_what_was_handed_out_is_masked_whatever_policy_comes_then(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one", FIRST), make(tmp_path / "two", SECOND)
    with SMCPSecurityFramework(one, vault_key=lambda: KEY) as security:
        assert FIRST.decode() in answered(security, FIRST)
        assert security.hand_out("token", "t").value == FIRST
        assert FIRST.decode() not in answered(security, FIRST)
        security.reload({"limits": []})
        assert FIRST.decode() not in answered(security, FIRST)
        assert SECOND.decode() in answered(security, SECOND)
        security.reload(two)
        assert security.hand_out("token", "t").value == SECOND
        for value in (FIRST, SECOND):
            assert value.decode() not in answered(security, value)
        security.reload({**one, "mode": "monitor"})
        for value in (FIRST, SECOND):
            assert value.decode() not in answered(security, value)


def test_a_reload_does_not_take_an_older_copy_for_good(tmp_path: Path) -> None:
    policy, path = make(tmp_path / "vault", FIRST), tmp_path / "vault"
    older = path.read_bytes(), (tmp_path / "vault.mark").read_bytes()
    Vault(FileStore(str(path)), from_callable(lambda: KEY), clock=time.time).put("token", SECOND)
    newer = path.read_bytes(), (tmp_path / "vault.mark").read_bytes()
    with SMCPSecurityFramework(policy, vault_key=lambda: KEY) as security:
        for (vault, mark), good in ((older, False), (newer, True)):
            path.write_bytes(vault)
            (tmp_path / "vault.mark").write_bytes(mark)
            if good:
                security.reload(policy)
            else:
                with pytest.raises(VaultDamaged, match="rolled back"):
                    security.reload(policy)
        security.reload({"limits": []})
        path.write_bytes(older[0])
        (tmp_path / "vault.mark").unlink()
        with pytest.raises(VaultDamaged, match="rolled back"):
            security.reload(policy)
        path.write_bytes(newer[0])
        security.reload(policy)
        assert security.hand_out("token", "t").value == SECOND


def test_our_secret_at_an_issuer_comes_out_of_the_vault_of_the_same_policy(tmp_path: Path) -> None:
    asked = {"issuer": "https://i.example", "endpoint": "https://i.example/i", "client_id": "mcp"}

    def policy(secret: str) -> dict[str, Any]:
        source = {**asked, "client_secret": f"vault://{secret}"}
        server = {"resource": "https://a.example/mcp"}
        return {**vault, "server": server, "identity": {"required": False, "introspection": [source]}}

    vault = make(tmp_path / "vault", FIRST)
    with SMCPSecurityFramework(policy("token"), vault_key=lambda: KEY) as security:
        assert FIRST.decode() not in answered(security, FIRST)
        with pytest.raises(
            PolicyError, match=r"identity.introspection\[0\].client_secret: the vault has no secret gone"
        ):
            security.reload(policy("gone"))
        security.reload(policy("token"))
        assert FIRST.decode() not in answered(security, FIRST)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX forks")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_worker_that_is_forked_while_the_locks_are_held_opens_and_masks(tmp_path: Path) -> None:
    policy = make(tmp_path / "vault", FIRST)
    with SMCPSecurityFramework(policy, vault_key=lambda: KEY) as security:
        custody = security._armed.custody
        assert custody is not None
        held = (custody._loans._lock, custody._file._lock, custody._vault._reader._lock)
        with held[0], held[1], held[2]:
            told = _in_child(lambda: security.hand_out("token", "t").value + answered(security, FIRST).encode())
        assert told.startswith(FIRST) and told.count(FIRST) == 1 and b"vault-secret" in told


def _in_child(work: Callable[[], bytes]) -> bytes:
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os.write(writes, work())
        os._exit(0)
    os.close(writes)
    with open(reads, "rb") as file:
        told = file.read()
    os.waitpid(child, 0)
    return told


def test_a_vault_that_cannot_be_opened_stops_a_start_and_a_reload_alone(tmp_path: Path) -> None:
    policy = make(tmp_path / "vault", FIRST)
    with SMCPSecurityFramework(policy, vault_key=lambda: KEY) as security:
        whole = (tmp_path / "vault").read_bytes()
        (tmp_path / "vault").write_bytes(whole[:-50])
        with pytest.raises(VaultDamaged):
            security.reload(policy)
        with pytest.raises(VaultDamaged):
            SMCPSecurityFramework(policy, vault_key=lambda: KEY)
        with pytest.raises(VaultError, match="fingerprint"):
            SMCPSecurityFramework(make(tmp_path / "other", FIRST), vault_key=lambda: KEY[::-1])
        assert "no harm" in answered(security, b"no harm")
        (tmp_path / "vault").write_bytes(whole)
        security.reload(policy)
        assert security.hand_out("token", "t").value == FIRST
    with pytest.raises(Unavailable):
        security.hand_out("token", "t")
