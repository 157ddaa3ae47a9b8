"""`smcp vault`: values go in by stdin and come out by request; nothing else that it prints holds one."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from smcp_security.cli.vault.place import KEY
from smcp_security.keys.api_key import moment
from smcp_security.vault.providers import from_references
from smcp_security.vault.store import FileStore
from smcp_security.vault.vault import Secret, Vault
from tests.cli.terminal import smcp
from tests.cli.vaults import VALUE, Desk

SHORT = "0123456789a"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.with_vault(tmp_path)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_vault_is_private_and_empty(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    run = desk.done("init")
    assert run.out == ""
    assert f"smcp vault set NAME --file {desk.file}" in run.err
    assert mode(desk.file) == 0o600
    assert desk.facts() == []
    assert "no secrets" in desk.done("list").err


def test_a_vault_is_never_replaced(desk: Desk) -> None:
    desk.put("github")
    before = desk.file.read_bytes()
    for options in ((), ("--new-key",), ("--key-out", str(desk.folder / "other.key"))):
        run = desk.run("init", *options)
        assert (run.code, "not replaced" in run.complaint) == (2, True)
    assert desk.file.read_bytes() == before
    assert not (desk.folder / "other.key").exists()


def test_a_fresh_key_stands_alone_on_the_last_line_and_opens_the_vault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SMCP_VAULT_KEY")
    desk = Desk(tmp_path)
    run = desk.done("init", "--new-key")
    shown = run.out.splitlines()[-1]
    assert shown not in run.err
    monkeypatch.setenv("SMCP_VAULT_KEY", shown)
    desk.put("github")
    assert desk.done("get", "github").out == VALUE


def test_a_fresh_key_in_a_file_is_private_and_opens_the_vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMCP_VAULT_KEY")
    desk, path = Desk(tmp_path), tmp_path / "vault.key"
    run = desk.done("init", "--key-out", str(path))
    assert (run.out, mode(path)) == ("", 0o600)
    assert f"--key file:{path}" in run.err
    desk.put("github", VALUE, "--key", f"file:{path}")
    assert desk.done("get", "github", "--key", f"file:{path}").out == VALUE


def test_a_key_file_is_never_replaced_nor_left_behind_by_a_failure(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    kept = desk.key_file("kept.key")
    before = Path(kept).read_text()
    assert "not replaced" in desk.run("init", "--key-out", kept).complaint
    assert Path(kept).read_text() == before
    desk.file = tmp_path / "missing" / "vault.smcp"
    run = desk.run("init", "--key-out", str(tmp_path / "new.key"))
    assert (run.code, "make its folder first" in run.complaint) == (2, True)
    assert not (tmp_path / "new.key").exists()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--new-key", "--key-out", "x"), "exclude each other"),
        (("--new-key", "--key", "env:A"), "neither --key nor"),
        (("--new-key", "--passphrase"), "neither --key nor"),
        (("--key", "file:/missing/key"), "/missing/key"),
        (("--passphrase",), "needs a terminal"),
    ],
    ids=str,
)
def test_wrong_options_of_a_new_vault_are_one_line_and_make_nothing(
    tmp_path: Path, options: tuple[str, ...], problem: str
) -> None:
    desk = Desk(tmp_path)
    run = desk.run("init", *options)
    assert (run.code, problem in run.complaint) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_vault_without_a_key_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMCP_VAULT_KEY")
    desk = Desk(tmp_path)
    run = desk.run("init")
    assert (run.code, "SMCP_VAULT_KEY" in run.err) == (2, True)
    assert "--new-key" in run.err
    assert not desk.file.exists()


@pytest.mark.parametrize(
    ("given", "options", "kept"),
    [
        (b"twelve-bytes", (), b"twelve-bytes"),
        (b"twelve-bytes\n", (), b"twelve-bytes"),
        (b"twelve-bytes\r\n", (), b"twelve-bytes"),
        (b"twelve-bytes\n\n", (), b"twelve-bytes\n"),
        (b"twelve-bytes\n", ("--exact",), b"twelve-bytes\n"),
        (b"\ntwelve-bytes", (), b"\ntwelve-bytes"),
        (b"twelve-bytes ", (), b"twelve-bytes "),
        (b"\x00\xff\xfe\x80 no text at all", (), b"\x00\xff\xfe\x80 no text at all"),
        (b"x" * 65536, (), b"x" * 65536),
        (b"x" * 65536 + b"\r\n", (), b"x" * 65536),
    ],
)
def test_the_value_that_comes_out_is_the_one_that_went_in(
    desk: Desk, given: bytes, options: tuple[str, ...], kept: bytes
) -> None:
    run = desk.done("set", "it", *options, stdin=given)
    assert ("line break" in run.err) is (kept != given)
    out = desk.folder / "out"
    told = desk.done("get", "it", "--out", str(out))
    assert told.out == ""
    assert (out.read_bytes(), mode(out)) == (kept, 0o600)


@pytest.mark.parametrize(
    ("given", "problem"),
    [(b"", "empty"), (b"\n", "empty"), (b"\r\n", "empty"), (b"x" * 65537, "64 KiB"), (b"x" * 200_000, "64 KiB")],
)
def test_what_is_no_value_is_refused_and_nothing_is_stored(desk: Desk, given: bytes, problem: str) -> None:
    run = desk.run("set", "it", stdin=given)
    assert (run.code, problem in run.err) == (2, True)
    assert desk.facts() == []


def test_a_short_value_is_stored_with_a_warning(desk: Desk) -> None:
    assert "no tool can have it" in desk.put("pin", SHORT).err
    assert "no tool can have it" not in desk.put("token", SHORT + "b").err
    assert "fewer than 4 different bytes, so no tool can have it" in desk.put("line", "-=" * 20).err
    assert desk.done("get", "pin").out == SHORT


@pytest.mark.parametrize(
    "arguments",
    [("it", "hunter2-secret"), ("it", "hunter2-secret", "more"), ("it", "--", "-hunter2-secret"), ("hunter2-secret!",)],
    ids=str,
)
@pytest.mark.parametrize("command", ["set", "get", "rm"])
def test_a_value_among_the_arguments_is_refused_and_not_repeated(
    desk: Desk, command: str, arguments: tuple[str, ...]
) -> None:
    run = desk.run(command, *arguments[:1], "--tenant", "t", *arguments[1:], stdin=b"whatever-it-is")
    # What stands behind `--` is an argument, so --file is left to stand before it.
    if "--" in arguments:
        run = smcp("vault", command, "--file", str(desk.file), *arguments)
    assert run.code == 2
    assert "secret" not in run.complaint.replace("secrets", "")
    assert ("history" in run.err) is (len(arguments) > 1)
    assert desk.facts() == []


def test_an_option_for_the_value_does_not_exist(desk: Desk) -> None:
    for given in (("--value", "hunter2"), ("--value=hunter2",), ("-vhunter2",)):
        run = desk.run("set", "it", *given)
        assert (run.code, "stdin" in run.complaint, "hunter2" in run.err) == (2, True, False)


def test_each_value_is_a_version_and_the_newest_one_counts(desk: Desk) -> None:
    assert "version 1" in desk.put("github", "first-of-two-values").err
    assert "version 2" in desk.put("github", "second-of-two-values").err
    assert desk.done("get", "github").out == "second-of-two-values"
    assert desk.done("get", "github", "--version", "1").out == "first-of-two-values"
    assert [(fact["version"], fact["versions"]) for fact in desk.facts()] == [(2, 2)]
    assert [(fact["version"], fact["newest"]) for fact in desk.facts("--all")] == [(1, False), (2, True)]


def test_a_tenant_has_secrets_of_its_own(desk: Desk) -> None:
    desk.put("github", "value-of-everybody")
    desk.put("github", "value-of-acme-alone", "--tenant", "acme")
    assert desk.done("get", "github").out == "value-of-everybody"
    assert desk.done("get", "github", "--tenant", "acme").out == "value-of-acme-alone"
    run = desk.run("get", "github", "--tenant", "other")
    assert (run.code, run.out) == (2, "")
    desk.done("rm", "github", "--yes")
    assert [fact["tenant"] for fact in desk.facts()] == ["acme"]


def test_the_list_says_all_but_the_values(desk: Desk) -> None:
    desk.put("github", VALUE, "--tag", "ci", "--tag", "ci", "--tag", "eu", "--expires", "2099-01-01")
    desk.put("other", VALUE, "--tenant", "acme")
    text = desk.done("list").out
    assert [line.split()[:5] for line in text.splitlines()] == [
        ["name", "tenant", "version", "of", "size"], ["github", "-", "1", "1", str(len(VALUE))],
        ["other", "acme", "1", "1", str(len(VALUE))],
    ]  # fmt: skip
    fact = desk.facts()[0]
    assert (fact["tags"], fact["expires"], fact["expired"]) == (["ci", "eu"], "2099-01-01T00:00:00Z", False)
    assert VALUE not in text + str(desk.facts("--all"))


def test_a_value_that_was_removed_is_gone(desk: Desk) -> None:
    for count in range(3):
        desk.put("github", f"{VALUE}{count}")
    told = desk.done("rm", "github", "--version", "3", "--yes").err
    assert "tools get version 2 now" in told
    assert desk.done("get", "github").out == f"{VALUE}1"
    assert "2 versions of github" in desk.done("rm", "github", "--yes").err
    assert desk.run("get", "github").code == 2
    assert "no such secret" in desk.run("rm", "github", "--yes").complaint


def test_nothing_is_removed_where_nobody_can_be_asked(desk: Desk) -> None:
    desk.put("github")
    desk.put("github")
    for command in (("rm", "github"), ("prune", "--keep", "1")):
        run = desk.run(*command)
        assert (run.code, "--yes" in run.err) == (2, True)
    assert len(desk.facts("--all")) == 2


def test_pruning_keeps_the_newest_versions_of_each(desk: Desk) -> None:
    for name in ("a", "b", "b", "b"):
        desk.put(name)
    run = desk.done("prune", "--keep", "2", "--yes")
    assert "to be removed: b 1\n" in run.err
    assert [(fact["name"], fact["version"]) for fact in desk.facts("--all")] == [("a", 1), ("b", 2), ("b", 3)]
    assert "nothing to prune" in desk.done("prune", "--keep", "2").err


def test_what_has_expired_is_shown_and_pruned_and_never_given(tmp_path: Path) -> None:
    desk, long_ago = Desk(tmp_path), moment("2020-01-01")
    vault = Vault(FileStore(str(desk.file)), from_references([KEY], os.environ), clock=lambda: long_ago)
    vault.create()
    vault.put("old", VALUE.encode(), expires_at=long_ago + 60)
    vault.put("new", VALUE.encode())
    assert "2020-01-01T00:01:00Z (expired)" in desk.done("list").out
    assert {fact["name"]: fact["expired"] for fact in desk.facts()} == {"new": False, "old": True}
    assert "expired 1" in desk.done("verify").out
    run = desk.run("get", "old")
    assert (run.code, "expired" in run.complaint) == (2, True)
    assert "to be removed: old 1\n" in desk.done("prune", "--keep", "5", "--yes").err
    assert [fact["name"] for fact in desk.facts()] == ["new"]


def test_a_long_list_of_what_goes_is_cut_short(desk: Desk) -> None:
    vault = Vault(FileStore(str(desk.file)), from_references([KEY], os.environ), clock=time.time)
    vault.put_all([Secret("many", VALUE.encode(), "acme") for _ in range(14)])
    told = desk.done("prune", "--keep", "1", "--yes").err
    assert "many 10 of acme and 3 more" in told
    assert "13 versions removed" in told


@pytest.mark.parametrize("options", [(), ("--keep", "0"), ("--keep", "x")], ids=str)
def test_pruning_needs_to_know_how_many_to_keep(desk: Desk, options: tuple[str, ...]) -> None:
    run = desk.run("prune", "--yes", *options)
    assert (run.code, "--keep" in run.complaint) == (2, True)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--expires", "soon"), "--expires: expected"),
        (("--expires", "2020-01-01"), "past"),
        (("--tenant", "x" * 10_000), "tenant"),
        (("--tag", "x" * 10_000), "tag"),
        (("--tag", ""), "tag"),
    ],
    ids=lambda given: str(given)[:30],
)
def test_a_wrong_option_of_a_secret_is_one_line(desk: Desk, options: tuple[str, ...], problem: str) -> None:
    # Of a line break at the end it would say something, once it has read the value.
    run = desk.run("set", "it", *options, stdin=f"{VALUE}\n".encode())
    assert (run.code, problem in run.complaint) == (2, True)
    assert desk.facts() == []


def test_what_stands_where_it_does_not_belong_is_not_repeated(desk: Desk) -> None:
    misplaced = "-".join(("hunter2", "k3y"))
    for command in (
        ("init", misplaced), ("list", misplaced), ("verify", misplaced), ("prune", "--keep", "1", misplaced),
        ("rewrap", misplaced), ("rotate", "first", misplaced), ("rotate", "retire", misplaced),
        ("rotate", "add", "env:A", misplaced), ("get", "it", "--version", misplaced), ("list", "--format", misplaced),
        ("set", "it", f"--{misplaced}"), ("list", f"-{misplaced}"),
    ):  # fmt: skip
        run = desk.run(*command)
        assert (run.code, misplaced in run.complaint) == (2, False), command
    for group in (["vault"], ["vault", "rotate"]):
        for given in (misplaced, f"--{misplaced}"):
            run = smcp(*group, given)
            assert (run.code, misplaced in run.complaint) == (2, False)
    assert "expected one of add, first, retire" in smcp("vault", "rotate", "x").complaint
    assert "from 1" in desk.run("rotate", "first", "x").complaint
    assert "text or json" in desk.run("list", "--format", "x").complaint
    assert "did you mean" not in desk.run("set", "it", "--value", "x").complaint
    assert "did you mean --expires?" in desk.run("set", "it", "--expirse", "9d").complaint


def test_a_file_for_the_value_is_never_replaced(desk: Desk) -> None:
    desk.put("github")
    kept = desk.private("kept", "what was there")
    for out in (kept, "", "-", str(desk.folder), str(desk.folder / "missing" / "out")):
        run = desk.run("get", "github", "--out", out)
        assert (run.code, run.out, VALUE in run.err) == (2, "", False)
    assert Path(kept).read_text() == "what was there"
