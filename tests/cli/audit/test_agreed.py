"""How a record of the operator is proved: as the others of the audit, whatever somebody without the key put behind."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from smcp_security.audit.callers.people import open_people
from smcp_security.audit.entry import entry_of
from smcp_security.audit.writing.chain import GENESIS, Chain
from tests.cli.audits import Desk, decision
from tests.cli.terminal import smcp

FORGED = {
    "hmac": '{"stream":"aaaaaaaaaaaaaaaa","seq":0,"prev":"%s","v":2,"kind":"decision"}\n' % ("0" * 64),
    "ed25519": '{"stream":"aaaaaaaaaaaaaaaa","seq":0,"mac":"%s"}\n' % ("0" * 64),
}


@pytest.mark.parametrize("behind", [True, False])
@pytest.mark.parametrize("signature", ["hmac", "ed25519"])
def test_a_forged_line_does_not_choose_how_the_record_of_the_operator_is_proved(
    tmp_path: Path, signature: str, behind: bool
) -> None:
    file = tmp_path / "audit.jsonl"
    people, keys = open_people(f"{file}.keys", None, signature, {}, create=True)  # type: ignore[arg-type]
    data = Chain(people, keys).extend([entry_of(decision("a"))], GENESIS).data
    people.close()
    file.write_bytes(data + (FORGED[signature].encode() if behind else b""))
    assert smcp("audit", "erase", str(file), "--caller", "ann", "--yes").code == 0
    ends = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert ("mac" in ends[-1], "sig" in ends[-1]) == (signature == "hmac", signature == "ed25519")


@pytest.mark.parametrize("command", [("erase", "--caller", "ann", "--yes"), ("purge", "--older-than", "90d")])
@pytest.mark.parametrize("rotated", [True, False])
def test_a_live_file_that_an_operator_makes_belongs_to_who_owns_the_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], rotated: bool
) -> None:
    desk = Desk(tmp_path)
    desk.write(decision("a"))
    if rotated:
        desk.rotate()
    given: list[tuple[str, int, int]] = []
    monkeypatch.setattr(os, "chown", lambda path, user, group: given.append((path, user, group)))
    name, *options = command
    assert smcp("audit", name, str(desk.file), *options).code == 0
    keys = os.stat(desk.people.path)
    assert given == ([(str(desk.file), keys.st_uid, keys.st_gid)] if rotated else [])
