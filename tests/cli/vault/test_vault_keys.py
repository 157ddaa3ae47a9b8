"""`smcp vault`: which vault and which key, an exchange of keys in three phases, and damage told from a wrong key."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
from pathlib import Path

import pytest

from smcp_security.keys import replacement
from smcp_security.vault.key_text import new_key
from tests.cli.terminal import Run, smcp
from tests.cli.vaults import VALUE, Desk

READS = [("get", "github"), ("list",), ("verify",), ("rm", "github", "--yes"), ("rewrap",), ("rotate", "first")]


def policy(desk: Desk, *lines: str) -> str:
    """The name of a policy with these lines in its `vault` section."""
    section = "".join(f"\n  {line}" for line in (f"file: {desk.file}", *lines))
    return desk.private("policy.yaml", f"version: 1\nvault:{section}\n")


def advised(run: Run, command: str) -> list[str]:
    """The arguments of a command that was advised."""
    line = next(line for line in run.err.splitlines() if f"smcp vault {command}" in line)
    return shlex.split(line.partition("smcp ")[2])


def test_a_policy_names_the_vault_its_keys_and_its_generation(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELSEWHERE", os.environ["SMCP_VAULT_KEY"])
    monkeypatch.delenv("SMCP_VAULT_KEY")
    path = policy(desk, "key: env:ELSEWHERE")
    assert smcp("vault", "get", "github", "--policy", path).out == VALUE
    monkeypatch.setenv("SMCP_POLICY", path)
    assert smcp("vault", "get", "github").out == VALUE
    policy(desk, "key: env:ELSEWHERE", "generation: 1000")
    run = smcp("vault", "get", "github")
    assert (run.code, run.out) == (3, "")


@pytest.mark.parametrize("command", ["get github", "set github", "list", "verify", "init", "rewrap", "rotate first"])
def test_a_command_without_a_vault_says_how_to_name_one(command: str) -> None:
    run = smcp("vault", *command.split())
    assert (run.code, "--file" in run.complaint, "--policy" in run.err) == (2, True, True)


@pytest.mark.parametrize("file", ["", " ", "a\nb", "a\0b"])
def test_what_is_no_file_name_is_one_line(file: str) -> None:
    run = smcp("vault", "list", "--file", file)
    assert (run.code, len(run.complaint) > 20) == (2, True)


def test_a_policy_that_names_no_vault_is_one_line(desk: Desk) -> None:
    run = smcp("vault", "list", "--policy", desk.private("other.yaml", "version: 1\n"))
    assert (run.code, "`vault` section" in run.complaint) == (2, True)
    assert smcp("vault", "list", "--policy", str(desk.folder / "missing.yaml")).code == 2
    run = desk.run("list", "--policy", policy(desk, "key: env:SMCP_VAULT_KEY"))
    assert (run.code, "exclude each other" in run.complaint) == (2, True)


@pytest.mark.parametrize("command", READS, ids=" ".join)
def test_a_wrong_key_is_one_line_that_shows_no_key(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    before = desk.file.read_bytes()
    wrong = new_key()
    monkeypatch.setenv("SMCP_VAULT_KEY", wrong)
    run = desk.run(*command)
    assert (run.code, wrong in run.complaint) == (2, False)
    assert desk.file.read_bytes() == before


@pytest.mark.parametrize("command", [*READS, ("set", "github")], ids=" ".join)
def test_a_damaged_vault_is_exit_code_three_and_left_as_it_is(desk: Desk, command: tuple[str, ...]) -> None:
    for damaged in (desk.file.read_bytes()[:-20], desk.file.read_bytes().replace(b"github", b"gitbub")):
        desk.file.write_bytes(damaged)
        run = desk.run(*command, stdin=VALUE.encode())
        assert (run.code, str(desk.file) in run.complaint) == (3, True)
        assert desk.file.read_bytes() == damaged


@pytest.mark.parametrize("command", [*READS, ("set", "github")], ids=" ".join)
def test_no_file_and_a_folder_in_its_place_are_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    desk = Desk(tmp_path)
    missing = desk.run(*command, stdin=VALUE.encode())
    assert (missing.code, str(desk.file) in missing.complaint) == (2, True)
    desk.file.mkdir()
    folder = desk.run(*command, stdin=VALUE.encode())
    assert (folder.code, str(desk.file) in folder.complaint) == (2, True)


@pytest.mark.parametrize("reference", [new_key(), "SMCP_VAULT_KEY", "env:", "file:", ""], ids=len)
def test_what_is_no_reference_is_not_repeated(desk: Desk, reference: str) -> None:
    for command in (("list", "--key", reference), ("rotate", "add", reference)):
        run = desk.run(*command)
        assert (run.code, "env:NAME" in run.complaint) == (2, True)
        assert len(reference) < 20 or reference not in run.err


def test_a_key_that_others_may_read_is_refused(desk: Desk) -> None:
    path = desk.private("open.key", os.environ["SMCP_VAULT_KEY"])
    assert desk.done("get", "github", "--key", f"file:{path}").out == VALUE
    os.chmod(path, 0o640)
    run = desk.run("get", "github", "--key", f"file:{path}")
    assert (run.code, "chmod 600" in run.complaint) == (2, True)


def test_a_key_is_exchanged_by_the_commands_that_are_advised(desk: Desk) -> None:
    old, fresh = "env:SMCP_VAULT_KEY", desk.folder / "next.key"
    desk.put("other")
    added = desk.done("rotate", "add", "--key-out", str(fresh))
    assert "phase 1 of 3" in added.err
    assert f"[{old}, file:{fresh}]" in added.err
    assert desk.done("get", "github").out == VALUE
    first = smcp(*advised(added, "rotate first"))
    assert (first.code, "phase 2 of 3" in first.err) == (0, True)
    retired = smcp(*advised(first, "rotate retire"))
    assert (retired.code, "rewrap" in retired.complaint) == (2, True)
    rewrapped = smcp(*advised(first, "rewrap"))
    assert "2 versions are now under key 2" in rewrapped.err
    retired = smcp(*advised(rewrapped, "rotate retire"))
    assert (retired.code, "phase 3 of 3" in retired.err) == (0, True)
    assert desk.done("get", "github", "--key", f"file:{fresh}").out == VALUE
    assert desk.run("get", "github", "--key", old).code == 2


def test_each_phase_of_an_exchange_may_be_repeated(desk: Desk) -> None:
    path = desk.key_file("next.key")
    both = ("--key", "env:SMCP_VAULT_KEY", "--key", f"file:{path}")
    for command in (("rotate", "add", f"file:{path}"), ("rotate", "first"), ("rewrap",), ("rotate", "retire")):
        for _ in range(2):
            desk.done(*command, *both)
        assert desk.done("get", "github", *both).out == VALUE
    keys = desk.done("verify", "--format", "json", *both).json["keys"]
    assert [(each["id"], each["first"], each["retired"]) for each in keys] == [(1, False, True), (2, True, False)]
    assert "already" in desk.done("rotate", "add", f"file:{path}", *both).err


def test_a_fresh_key_to_add_is_the_last_line_of_the_output(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run = desk.done("rotate", "add", "--new-key")
    shown = run.out.splitlines()[-1]
    assert shown not in run.err
    monkeypatch.setenv("NEW_KEY", shown)
    desk.done("rotate", "first", "--key", "env:SMCP_VAULT_KEY", "--key", "env:NEW_KEY")
    desk.put("later", VALUE, "--key", "env:NEW_KEY", "--key", "env:SMCP_VAULT_KEY")
    assert [(fact["name"], fact["key"]) for fact in desk.facts("--key", "env:NEW_KEY")] == [("github", 1), ("later", 2)]


def test_a_key_that_the_command_does_not_have_never_seals(desk: Desk) -> None:
    desk.done("rotate", "add", "--key-out", str(desk.folder / "next.key"))
    run = desk.run("rotate", "first")
    assert run.code == 2
    assert desk.done("verify", "--format", "json").json["keys"][0]["first"] is True


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (("add",), "expected one of REF"),
        (("add", "env:A", "--new-key"), "expected one of REF"),
        (("add", "env:NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE"),
        (("first", "7"), "no key 7"),
        (("retire",), "no key is older"),
        (("retire", "7"), "no key 7"),
        (("retire", "1"), "1"),
        (("first", "0"), "ID"),
        ((), "ommand"),
    ],
    ids=str,
)
def test_a_wrong_step_of_an_exchange_is_one_line_and_changes_nothing(
    desk: Desk, command: tuple[str, ...], problem: str
) -> None:
    before = desk.file.read_bytes()
    run = desk.run("rotate", *command) if command else smcp("vault", "rotate")
    assert (run.code, problem in run.complaint) == (2, True)
    assert desk.file.read_bytes() == before


def test_a_vault_that_opens_is_described(desk: Desk) -> None:
    text, facts = desk.done("verify").out, desk.done("verify", "--format", "json").json
    assert "everything opens" in text
    assert facts["vault"] in text
    assert (facts["generation"], facts["secrets"], facts["versions"], facts["expired"]) == (2, 1, 1, 0)
    assert [(key["id"], key["seals"], key["known"]) for key in facts["keys"]] == [(1, 1, True)]
    assert VALUE not in text


def test_an_older_copy_is_told_by_its_generation(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copy2(desk.file, copy)
    desk.put("github", "a-newer-value-than-that")
    newest = desk.done("verify", "--format", "json").json["generation"]
    desk.done("verify", "--generation", str(newest))
    # Put back with its mark, as from a backup: the number alone tells it.
    shutil.copy2(copy, desk.file)
    Path(f"{desk.file}.mark").unlink()
    run = desk.run("verify", "--generation", str(newest))
    assert (run.code, run.out) == (3, "")
    assert desk.run("verify").code == 0


def test_a_file_put_back_beside_its_mark_is_rolled_back(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copy2(desk.file, copy)
    desk.put("github", "a-newer-value-than-that")
    shutil.copy2(copy, desk.file)
    run = desk.run("get", "github")
    assert (run.code, run.out, "rolled back" in run.complaint or "older" in run.err) == (3, "", True)


def test_a_key_that_a_vault_hangs_on_stays_where_the_folder_cannot_be_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: str) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(replacement, "_sync_folder", fail)
    desk, kept = Desk(tmp_path), str(tmp_path / "vault.key")
    desk.done("init", "--key-out", kept)
    desk.done("set", "github", "--key", f"file:{kept}", stdin=VALUE.encode())
    assert desk.done("get", "github", "--key", f"file:{kept}").out == VALUE
