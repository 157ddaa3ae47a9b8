"""`smcp audit erase` and `smcp audit key`: who is made unreadable, who stays, and what the operator is told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from smcp_security.audit import FileSink
from smcp_security.audit.callers.people import open_people, people_file
from tests.cli.audits import Desk, decision
from tests.cli.screen import Screen
from tests.cli.terminal import smcp

WORDS = "vT3qz8Lw-" + "0aXr9KfJ2uYbN6cHd5eGm7s"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write(
        decision("a1"), decision("b1", "bob"), decision("c1", None, label="ann"), decision("d1", None, label=""),
        decision("e1", None, label="", address="2001:db8::1"),
    )  # fmt: skip
    return desk


def _names(desk: Desk) -> list[str]:
    return [person.name for person in desk.people.everybody()]


def _records(desk: Desk) -> list[dict[str, object]]:
    return [json.loads(line) for line in desk.file.read_text().splitlines()]


def test_who_is_erased_has_no_key_any_more_and_the_audit_says_so(desk: Desk) -> None:
    handles = [person.handle for person in desk.people.find("ann")]
    before = desk.file.read_bytes()
    run = desk.run("erase", "--caller", "ann", "--yes")
    assert run.code == 0 and "2 persons erased" in run.out and "copies of that file" in run.out
    assert _names(desk) == ["caller:bob", "address:203.0.113.7", "address:2001:db8::/64"]
    assert desk.file.read_bytes().startswith(before)
    told = next(record for record in _records(desk) if record["kind"] == "erased")
    assert told["persons"] == handles and "ann" not in json.dumps(told)


def test_one_kind_alone_is_erased_where_it_is_named(desk: Desk) -> None:
    assert desk.run("erase", "--caller", "label:ann", "--yes").code == 0
    assert "caller:ann" in _names(desk) and "label:ann" not in _names(desk)


@pytest.mark.parametrize(
    ("address", "name"),
    [("203.0.113.7", "address:203.0.113.7"), ("2001:db8::ffff", "address:2001:db8::/64"),
     ("2001:db8::/64", "address:2001:db8::/64")],
)  # fmt: skip
def test_an_address_is_erased_as_the_network_it_was_kept_as(desk: Desk, address: str, name: str) -> None:
    assert desk.run("erase", "--address", address, "--yes").code == 0
    assert name not in _names(desk) and len(_names(desk)) == 4


def test_nobody_of_that_name_is_said_and_changes_nothing(desk: Desk) -> None:
    before = desk.file.read_bytes()
    for options in (("--caller", "eve"), ("--address", "192.0.2.1")):
        run = desk.run("erase", *options, "--yes")
        assert run.code == 1 and "nobody of that name" in run.err and run.err.count("\n") == 1
    assert desk.file.read_bytes() == before and len(_names(desk)) == 5


def test_a_trial_run_says_who_and_changes_nothing(desk: Desk) -> None:
    before = desk.file.read_bytes()
    run = desk.run("erase", "--caller", "ann", "--dry-run")
    assert run.code == 0 and "2 persons would be erased" in run.out and "caller:ann" in run.err
    assert desk.file.read_bytes() == before and len(_names(desk)) == 5


def test_where_nobody_can_confirm_nothing_is_erased(desk: Desk) -> None:
    run = desk.run("erase", "--caller", "ann")
    assert run.code == 2 and "--yes" in run.err and len(_names(desk)) == 5


@pytest.mark.parametrize("options", [(), ("--caller", "ann", "--address", "1.2.3.4"), ("--caller", "")])
def test_exactly_one_person_must_be_named(desk: Desk, options: tuple[str, ...]) -> None:
    run = desk.run("erase", *options, "--yes")
    assert run.code == 2 and "expected" in run.err and len(_names(desk)) == 5


@pytest.mark.real
@pytest.mark.parametrize(("typed", "code", "left"), [("y\n", 0, 3), ("n\n", 1, 5)])
def test_on_a_terminal_it_asks_before_it_erases(desk: Desk, typed: str, code: int, left: int) -> None:
    with Screen("audit", "erase", str(desk.file), "--caller", "ann") as screen:
        screen.answer("Destroy the keys of 2 persons?", typed)
        assert screen.end() == code
    assert len(_names(desk)) == left


def test_without_its_keys_nobody_can_be_erased(desk: Desk) -> None:
    os.unlink(desk.people.path)
    run = desk.run("erase", "--caller", "ann", "--yes")
    assert run.code == 2 and "is missing" in run.err and not os.path.exists(desk.people.path)


def test_a_damaged_file_of_callers_is_said_with_a_code_of_its_own(desk: Desk) -> None:
    with open(desk.people.path, "ab") as file:
        file.write(b"rubbish\n")
    run = desk.run("erase", "--caller", "ann", "--yes")
    assert run.code == 3 and "line 7 is damaged" in run.err


def test_names_that_would_move_a_cursor_are_shown_as_text(desk: Desk) -> None:
    desk.write(decision("f1", "eve\x1b[2J\n"))
    run = desk.run("erase", "--caller", "eve\x1b[2J\n", "--yes")
    assert run.code == 0 and "\x1b" not in run.err + run.out and r"eve\u001b[2J\u000a" in run.err


def test_a_record_that_cannot_be_written_is_said_and_the_keys_are_gone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("smcp_security.audit.writing.journal.append_record", full)
    run = desk.run("erase", "--caller", "bob", "--yes")
    assert run.code == 2 and "could not be told (No space left on device)" in run.err
    assert "caller:bob" not in _names(desk)


def test_somebody_who_comes_back_after_a_rotation_and_an_erasure_is_new(desk: Desk) -> None:
    before = desk.people.find("caller:bob")
    desk.rotate()
    assert desk.run("erase", "--caller", "bob", "--yes").code == 0
    assert [record["kind"] for record in _records(desk)] == ["open", "erased", "close"]
    desk.write(decision("b2", "bob"))
    assert desk.people.find("caller:bob") != before


# -- the key


def test_the_fingerprint_and_the_public_key_are_shown_and_the_secret_is_not(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    keys = open_people(people_file(str(file), None), None, "ed25519", {}, create=True)[1]
    (tmp_path / "policy.yaml").write_text(f"version: 1\naudit: {{file: {file}, signature: ed25519}}\n")
    file.touch()
    run = smcp("audit", "key", "--policy", str(tmp_path / "policy.yaml"))
    assert run.code == 0 and run.out.splitlines()[-1] == keys.public and keys.fingerprint in run.out
    secret = json.loads(Path(f"{file}.keys").read_text().splitlines()[0])["secret"]
    assert secret not in run.out + run.err


def test_a_signed_audit_stays_one_when_somebody_is_erased(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    people, keys = open_people(people_file(str(file), None), None, "ed25519", {}, create=True)
    sink = FileSink(file, people=people, keys=keys)
    sink.write(decision("a1"))
    sink.write(decision("b1", "bob"))
    sink.close()
    assert smcp("audit", "key", str(file)).out.splitlines()[-1] == keys.public
    assert smcp("audit", "erase", str(file), "--caller", "ann", "--yes").code == 0
    assert smcp("audit", "verify", str(file), "--public-key", keys.public).code == 0
    opened = [json.loads(line) for line in file.read_text().splitlines() if '"kind":"open"' in line]
    assert [record["signature"] for record in opened] == ["ed25519", "ed25519"]


def test_without_signatures_it_says_that_there_is_no_public_key(desk: Desk) -> None:
    run = desk.run("key")
    assert run.code == 0 and desk.keys.fingerprint in run.out and "signature    hmac" in run.out
    assert "no public key" in run.err


def test_a_secret_of_another_audit_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "audit.jsonl"
    open_people(people_file(str(file), None), "env:K", "hmac", {"K": WORDS}, create=True)
    file.touch()
    monkeypatch.setenv("SMCP_AUDIT_KEY", WORDS[::-1])
    run = smcp("audit", "key", str(file))
    assert run.code == 2 and "another secret" in run.err and WORDS not in run.err and run.err.count("\n") == 1
    monkeypatch.setenv("SMCP_AUDIT_KEY", WORDS)
    assert smcp("audit", "key", str(file)).code == 0
