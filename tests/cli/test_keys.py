"""`smcp keys`: a key is shown once and alone, a list never shows what opens, a mistake is one line."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from smcp_security.keys.api_key import KEY_PATTERN, moment
from smcp_security.keys.issuing import list_keys
from smcp_security.keys.key_file import KeyFile
from tests.cli.terminal import smcp


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "keys.yaml")


def created(path: str, *options: str) -> str:
    """The id of a key that was created."""
    run = smcp("keys", "create", "--file", path, *(options or ("--owner", "ann")))
    assert run.code == 0, run.err
    match = KEY_PATTERN.fullmatch(run.out.splitlines()[-1])
    assert match is not None
    return match[1]


def test_the_key_stands_alone_on_the_last_line_of_the_output(path: str) -> None:
    run = smcp("keys", "create", "--file", path, "--owner", "ann", "--role", "viewer")
    assert run.code == 0
    assert run.out.endswith("\n")
    assert KEY_PATTERN.fullmatch(run.out.rstrip("\n"))
    assert "ann" in run.err
    assert run.out.strip() not in run.err


def test_a_created_key_has_what_was_asked_for(path: str) -> None:
    options = "--owner ann@example.com --role a --role b --role a --scope repo:read --tenant acme --expires 2099-01-01"
    id = created(path, *options.split())
    key = KeyFile(path).look_up(id)
    assert key is not None
    assert (key.owner, key.roles, key.scopes, key.tenant) == ("ann@example.com", ("a", "b"), ("repo:read",), "acme")
    assert key.expires_at == moment("2099-01-01")


@pytest.mark.parametrize(("text", "seconds"), [("90d", 90 * 86400), ("12h", 43200), ("30m", 1800), ("45s", 45)])
def test_a_key_may_expire_a_span_from_now(path: str, text: str, seconds: int) -> None:
    before = int(time.time())
    created(path, "--owner", "ann", "--expires", text)
    ends = moment(list_keys(path)[0].expires)
    assert before + seconds <= ends <= time.time() + seconds


def test_the_list_shows_every_key_and_never_a_digest(path: str) -> None:
    first = created(path, "--owner", "ann", "--role", "viewer", "--expires", "2099-01-01T12:00:00Z")
    second = created(path, "--owner", "bob")
    smcp("keys", "revoke", "--file", path, second)
    text, facts = smcp("keys", "list", "--file", path), smcp("keys", "list", "--file", path, "--format", "json")
    assert [line.split()[:3] for line in text.out.splitlines()] == [
        ["id", "owner", "state"], [first, "ann", "active"], [second, "bob", "revoked"],
    ]  # fmt: skip
    assert [(fact["id"], fact["state"], fact["expires"]) for fact in facts.json] == [
        (first, "active", "2099-01-01T12:00:00Z"), (second, "revoked", None),
    ]  # fmt: skip
    for entry in list_keys(path):
        assert entry.digest not in text.out + facts.out
    assert "digest" not in facts.json[0]


def test_a_list_without_keys_is_empty(path: str) -> None:
    Path(path).write_text(f'version: 1\nsalt: "{"ab" * 32}"\nkeys: []\n')
    os.chmod(path, 0o600)
    assert smcp("keys", "list", "--file", path).out == ""
    assert smcp("keys", "list", "--file", path, "--format", "json").json == []


def test_a_key_is_revoked_by_its_id_and_by_its_whole_text(path: str) -> None:
    first = created(path)
    whole = smcp("keys", "create", "--file", path, "--owner", "bob").out.strip()
    for name in (first, whole, first):
        run = smcp("keys", "revoke", "--file", path, name)
        assert (run.code, run.out) == (0, "")
        assert whole not in run.err
    assert [entry.state(time.time()) for entry in list_keys(path)] == ["revoked"] * 2


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--role", "x"], "--owner"),
        (["--owner", "a b"], "--owner: expected"),
        (["--owner", ""], "--owner: expected"),
        (["--owner", "ann", "--role", ""], "--role: expected"),
        (["--owner", "ann", "--scope", "a b"], "--scope: expected"),
        (["--owner", "ann", "--tenant", "a b"], "--tenant: expected"),
        (["--owner", "ann", "--expires", ""], "--expires: expected"),
        (["--owner", "ann", "--expires", "soon"], "--expires: expected"),
        (["--owner", "ann", "--expires", "0d"], "--expires: expected"),
        (["--owner", "ann", "--expires", "2027-02-30"], "--expires: expected"),
        (["--owner", "ann", "--expires", "2020-01-01"], "past"),
        (["--owner", "ann", "--expires", "-1d"], "--expires: expected"),
        (["--owner", "ann", "--frob"], "--frob"),
    ],
)
def test_a_wrong_option_is_one_line_and_makes_no_file(path: str, options: list[str], problem: str) -> None:
    run = smcp("keys", "create", "--file", path, *options)
    assert run.code == 2
    assert problem in run.complaint
    assert not os.path.exists(path)


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["revoke", "0123456789ab"], ["list", "--format", "json"]],
    ids=str,
)
def test_a_file_that_is_missing_or_damaged_is_one_line(path: str, arguments: list[str]) -> None:
    assert "no such file" in smcp("keys", arguments[0], "--file", path, *arguments[1:]).complaint
    Path(path).write_text("keys: [")
    os.chmod(path, 0o600)
    run = smcp("keys", arguments[0], "--file", path, *arguments[1:])
    assert (run.code, "not YAML" in run.complaint) == (2, True)


def test_an_unknown_id_is_one_line_that_does_not_repeat_it(path: str) -> None:
    created(path)
    secret = "smcp_0123456789ab_" + "x" * 44
    run = smcp("keys", "revoke", "--file", path, secret)
    assert run.code == 2
    assert "no key with that id" in run.complaint
    assert secret not in run.err


def test_the_file_must_be_named(path: str) -> None:
    for arguments in (["create"], ["list"], ["revoke", "0123456789ab"]):
        run = smcp("keys", *arguments)
        assert (run.code, "--file" in run.complaint) == (2, True)


def test_a_missing_or_unknown_action_is_one_line() -> None:
    for arguments in ([], ["frob"]):
        run = smcp("keys", *arguments)
        assert (run.code, "ommand" in run.complaint) == (2, True)


def test_the_output_of_the_list_is_json_that_programs_can_read(path: str) -> None:
    id = created(path)
    assert json.loads(smcp("keys", "list", "--file", path, "--format", "json").out)[0]["id"] == id
