"""Keys are created and revoked by whole files: two writers lose nothing, and a failure leaves the old file."""

from __future__ import annotations

import fcntl
import hmac
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.errors import KeyFileError
from smcp_security.keys import issuing
from smcp_security.keys.api_key import KEY_PATTERN, OWNER_PATTERN, Entry
from smcp_security.keys.issuing import create_key, list_keys, revoke_key
from smcp_security.keys.key_file import KeyFile, Listed, parse
from smcp_security.policy.identity import ROLE_PATTERN, SCOPE_PATTERN
from tests.architecture.source import ROOT

NOW = 1_767_225_600.0


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "keys.yaml")


def test_a_created_key_opens_and_another_does_not(path: str) -> None:
    entry, text = create_key(path, owner="ann", roles=["viewer"], scopes=["read"], tenant="t", expires_at=NOW, now=NOW)
    match = KEY_PATTERN.fullmatch(text)
    assert match is not None
    key = KeyFile(path).look_up(match[1])
    assert key is not None
    assert hmac.compare_digest(key.digest, hmac.digest(key.salt, f"{match[1]}:{match[2]}".encode(), "sha256"))
    assert (key.owner, key.roles, key.scopes, key.tenant, key.expires_at) == ("ann", ("viewer",), ("read",), "t", NOW)
    assert (entry.created, entry.expires) == ("2026-01-01T00:00:00Z",) * 2
    assert match[2] not in Path(path).read_text()


def test_an_owner_may_have_several_keys_at_once(path: str) -> None:
    made = [create_key(path, owner="ann")[0] for _ in range(3)]
    keys = KeyFile(path)
    assert [keys.look_up(entry.id) is not None for entry in made] == [True] * 3
    assert list(list_keys(path)) == made


def test_a_new_file_is_for_its_owner_alone(path: str) -> None:
    create_key(path, owner="ann")
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert sorted(os.listdir(os.path.dirname(path))) == ["keys.yaml", "keys.yaml.lock"]


def test_a_file_that_is_replaced_keeps_its_mode_and_salt(path: str) -> None:
    create_key(path, owner="ann")
    os.chmod(path, 0o640)
    before = Path(path).read_text().splitlines()[:3]
    create_key(path, owner="bob")
    assert os.stat(path).st_mode & 0o777 == 0o640
    assert Path(path).read_text().splitlines()[:3] == before


def test_a_link_to_the_file_stays_a_link(path: str, tmp_path: Path) -> None:
    create_key(path, owner="ann")
    link = tmp_path / "link.yaml"
    link.symlink_to("keys.yaml")
    create_key(str(link), owner="bob")
    assert link.is_symlink()
    assert [entry.owner for entry in list_keys(path)] == ["ann", "bob"]


def test_a_revoked_key_says_since_when(path: str) -> None:
    ann, bob = (create_key(path, owner=owner)[0] for owner in ("ann", "bob"))
    revoked = revoke_key(path, ann.id, NOW)
    assert revoked.revoked == "2026-01-01T00:00:00Z"
    assert list(list_keys(path)) == [revoked, bob]
    assert revoke_key(path, ann.id, NOW + 9) == revoked
    keys = KeyFile(path)
    assert [key.revoked for entry in (ann, bob) if (key := keys.look_up(entry.id))] == [True, False]


def test_a_key_that_is_not_there_cannot_be_revoked(path: str) -> None:
    with pytest.raises(KeyFileError, match="no such file"):
        revoke_key(path, "0123456789ab")
    create_key(path, owner="ann")
    with pytest.raises(KeyFileError, match="no key with that id"):
        revoke_key(path, "0123456789ab")


@pytest.mark.parametrize("damage", ["", "version: 1\n", "keys: ["])
def test_a_damaged_file_is_never_written_over(path: str, damage: str) -> None:
    Path(path).write_text(damage)
    os.chmod(path, 0o600)
    with pytest.raises(KeyFileError):
        create_key(path, owner="ann")
    assert Path(path).read_text() == damage


@pytest.mark.parametrize("step", ["fsync", "replace", "fchmod"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    path: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    create_key(path, owner="ann")
    before = Path(path).read_bytes()

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, full)
        with pytest.raises(KeyFileError, match="No space left"):
            create_key(path, owner="bob")
    assert Path(path).read_bytes() == before
    assert sorted(os.listdir(os.path.dirname(path))) == ["keys.yaml", "keys.yaml.lock"]
    create_key(path, owner="bob")


def test_the_file_and_its_place_in_the_folder_are_on_disk_before_the_key_is_told(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        synced.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    create_key(path, owner="ann")
    assert synced == ["file", "folder"]


def test_what_could_not_be_read_back_is_not_written(path: str) -> None:
    create_key(path, owner="ann")
    before = Path(path).read_bytes()
    for mistake in ({"owner": "a b"}, {"owner": "bob", "roles": ["x y"]}, {"owner": "bob", "tenant": "\n"}):
        with pytest.raises(KeyFileError, match="expected"):
            create_key(path, **mistake)  # type: ignore[arg-type]
    assert Path(path).read_bytes() == before


def test_a_file_that_is_full_says_so(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create_key(path, owner="ann")
    monkeypatch.setattr(issuing, "FILE_MAX", 400)
    with pytest.raises(KeyFileError, match="no room"):
        create_key(path, owner="bob")


@pytest.mark.parametrize(("name", "problem"), [("none/keys.yaml", "folder first"), ("keys\x00", "not a file name")])
def test_a_file_that_cannot_be_made_is_one_clear_line(tmp_path: Path, name: str, problem: str) -> None:
    with pytest.raises(KeyFileError, match=problem) as error:
        create_key(f"{tmp_path}/{name}", owner="ann")
    assert "\n" not in str(error.value)


def test_a_lock_that_stays_held_is_given_up(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create_key(path, owner="ann")
    monkeypatch.setattr(issuing, "LOCK_WAIT", 0.0)
    with open(f"{path}.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(KeyFileError, match="another process"):
            create_key(path, owner="bob")
    create_key(path, owner="bob")


def test_a_link_in_place_of_the_lock_is_not_followed(path: str, tmp_path: Path) -> None:
    (tmp_path / "keys.yaml.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError, match="cannot be written"):
        create_key(path, owner="ann")
    assert not (tmp_path / "elsewhere").exists()


def test_writers_in_threads_lose_no_key(path: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda number: create_key(path, owner=f"o{number}")[0], range(24)))
    assert {entry.id for entry in list_keys(path)} == {entry.id for entry in made}


@pytest.mark.real
def test_writers_in_processes_lose_no_key(path: str) -> None:
    script = (
        "import sys\nfrom smcp_security.keys.issuing import create_key, revoke_key\n"
        "for number in range(5):\n    entry, _ = create_key(sys.argv[1], owner='ann')\n"
        "    if number % 2: revoke_key(sys.argv[1], entry.id)\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", script, path], cwd=ROOT) for _ in range(4)]
    assert [process.wait(120) for process in running] == [0] * 4
    entries = list_keys(path)
    assert (len(entries), sum(bool(entry.revoked) for entry in entries)) == (20, 8)


ENTRIES = st.builds(
    Entry,
    id=st.from_regex(r"[0-9a-f]{12}", fullmatch=True),
    owner=st.from_regex(OWNER_PATTERN, fullmatch=True),
    digest=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    roles=st.lists(st.from_regex(ROLE_PATTERN, fullmatch=True).filter(str.isascii), max_size=2).map(tuple),
    scopes=st.lists(st.from_regex(SCOPE_PATTERN, fullmatch=True).filter(str.isascii), max_size=2).map(tuple),
    tenant=st.just("") | st.from_regex(r"[!-~]{1,9}", fullmatch=True),
    expires=st.sampled_from(["", "2027-01-01", "2027-01-01T00:00:00Z"]),
    revoked=st.sampled_from([False, True, "2027-01-01T00:00:00Z"]),
)


@settings(max_examples=30)
@given(st.lists(ENTRIES, max_size=3, unique_by=lambda entry: entry.id))
def test_what_is_written_is_read_back_the_same(entries: list[Entry]) -> None:
    clean = [entry for entry in entries if not any(part.endswith("\n") for part in (*entry.roles, *entry.scopes))]
    listed = Listed("ab" * 32, tuple(clean))
    assert parse(issuing._text(listed).encode(), "keys.yaml") == listed


def test_drafts_of_writers_that_were_killed_are_swept_away(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    left, kept = tmp_path / "keys.yaml.0123456789ab.new", tmp_path / "keys.yaml.new"
    left.write_bytes(b"half")
    kept.write_bytes(b"somebody's own")
    create_key(str(path), owner="ann")
    assert (left.exists(), kept.exists()) == (False, True)
