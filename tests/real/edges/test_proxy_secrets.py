"""`smcp proxy --env`: a server gets its secret out of the vault, and says it to nobody, however hard it tries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from smcp_security.vault.key_text import new_key
from smcp_security.vault.providers import from_references
from smcp_security.vault.store import FileStore
from smcp_security.vault.vault import Vault
from tests.adapters.stdio.wire import call, text
from tests.architecture.source import ROOT
from tests.audit.records import read_records
from tests.real.edges.test_proxy import PROXY, proxied

pytestmark = pytest.mark.real

TOKEN = "-".join(("tok", "Wm4Vq9zRt7LxP2s", "KdHy3Nc"))
KEY = "THE_KEY_OF_THIS_TEST"


class House:
    """A vault with one secret, its key, and a policy that names both."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key = folder, new_key()
        vault = Vault(FileStore(str(folder / "v.smcp")), from_references(["env:K"], {"K": self.key}), clock=time.time)
        vault.create()
        vault.put("github", TOKEN.encode())
        policy = {"vault": {"file": str(folder / "v.smcp"), "key": f"env:{KEY}"}, "limits": []}
        audit = {"file": str(folder / "audit.jsonl")}
        (folder / "policy.yaml").write_text(json.dumps({"version": 1, **policy, "audit": audit}))
        (folder / "monitor.yaml").write_text(json.dumps({"version": 1, **policy, "mode": "monitor", "audit": audit}))

    def options(self, *variables: str, policy: str = "policy.yaml") -> tuple[str, ...]:
        """The options of the proxy."""
        return ("--policy", str(self.folder / policy), *(part for each in variables for part in ("--env", each)))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """One for all: no test changes it, since they run in any order."""
    return House(tmp_path_factory.mktemp("proxy"))


@pytest.mark.parametrize("policy", ["policy.yaml", "monitor.yaml"])
def test_the_server_uses_its_secret_and_nobody_hears_it(house: House, tmp_path: Path, policy: str) -> None:
    log, options = tmp_path / "log", house.options("TOKEN=vault://github", policy=policy)
    with proxied(options=options, stderr=log, **{KEY: house.key}) as (client, _):
        assert text(client.ask(call(1, "digest", variable="TOKEN"))) == sha256(TOKEN.encode()).hexdigest()
        client.say(call(2, "blab", variable="TOKEN"), call(3, "environment"))
        client.hang_up()
        heard = b"\n".join(iter(client.line, b""))
    records = read_records(house.folder / "audit.jsonl")
    shown = heard + log.read_bytes() + json.dumps(records, ensure_ascii=False).encode()
    for spelling in (TOKEN, TOKEN.encode().hex(), "dG9rLVdtNFZxOXpSdDdMeFAycy1LZEh5M05j"):
        assert spelling.encode() not in shown
    assert b"using [redacted:vault-secret]\nor in hexadecimal digits [redacted:vault-secret]\n" in log.read_bytes()
    answers = {each["id"]: each for each in map(json.loads, heard.splitlines()) if each.get("id") in (2, 3)}
    assert KEY not in text(answers[3]) and "TOKEN" in text(answers[3])
    assert "vault-secret" in json.dumps(answers[2]) or "withheld" in json.dumps(answers[2])
    assert {(each["secret"], each["caller"]) for each in records if each["kind"] == "secret"} == {("github", None)}


def test_without_a_secret_the_stderr_of_the_server_is_ours_as_it_is(house: House, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with proxied(options=house.options(), stderr=log, **{KEY: house.key, "PLAIN": TOKEN}) as (client, _):
        told = client.ask(call(1, "digest", variable="PLAIN"))
        assert text(told) == sha256(TOKEN.encode()).hexdigest()
        assert text(client.ask(call(2, "complain", lines=3))) == "complained"
    assert log.read_bytes().count(b"complaint\n") == 3


def test_a_flood_on_stderr_comes_through_whole_and_holds_nobody_up(house: House, tmp_path: Path) -> None:
    log = tmp_path / "log"
    options = house.options("TOKEN=vault://github")
    with proxied(options=options, stderr=log, **{KEY: house.key}) as (client, _):
        assert text(client.ask(call(1, "complain", lines=100_000))) == "complained"
    assert log.read_bytes().count(b"complaint\n") == 100_000


def test_what_cannot_be_opened_starts_no_server(tmp_path: Path) -> None:
    house = House(tmp_path)

    def run(*variables: str, key: str = house.key) -> tuple[int, str]:
        started = [sys.executable, "-c", f"open({str(tmp_path / 'started')!r}, 'w')"]
        environment = {"PATH": os.environ["PATH"], KEY: key}
        command = [*PROXY, *house.options(*variables), "--", *started]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.stdout == "" and len(done.stderr.splitlines()) == 1, done.stderr
        return done.returncode, done.stderr

    assert run("A=vault://gitlab")[0] == 2
    code, told = run("A=vault://github", key=new_key())
    assert code == 2 and "fingerprint" in told and house.key not in told
    vault = house.folder / "v.smcp"
    vault.write_bytes(vault.read_bytes()[:-30])
    assert run("A=vault://github")[0] == 3
    assert not (tmp_path / "started").exists()
