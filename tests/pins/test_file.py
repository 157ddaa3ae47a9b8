"""The lock file on disk: only its owner may write it, and it is written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from smcp_security.errors import PolicyError
from smcp_security.pins import file
from smcp_security.pins.file import load_lock, read_lock, write_lock
from smcp_security.pins.lock import Lock
from smcp_security.policy import PinsPolicy
from tests.pins.test_lock import LOCK, TEXT


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where a lock file of this test is."""
    return str(tmp_path / "smcp.lock")


def _policy(path: str, **more: str) -> PinsPolicy:
    return PinsPolicy.model_validate({"file": path, **more})


def _refusal(path: str, digest: str | None = None) -> str:
    with pytest.raises(PolicyError) as refused:
        load_lock(path, digest)
    message = str(refused.value)
    assert "\n" not in message and "smcp.lock" in message
    return message


def test_what_was_written_is_what_a_policy_reads(path: str) -> None:
    assert write_lock(path, LOCK) == LOCK.digest
    assert Path(path).read_bytes() == TEXT
    assert read_lock(_policy(path)) == LOCK


def test_a_new_file_may_be_read_by_all_and_written_by_its_owner(path: str) -> None:
    write_lock(path, LOCK)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644


def test_a_file_keeps_its_mode_but_for_what_a_policy_refuses(path: str) -> None:
    write_lock(path, LOCK)
    for before, after in ((0o600, 0o600), (0o666, 0o644), (0o664, 0o644)):
        os.chmod(path, before)
        write_lock(path, LOCK)
        assert stat.S_IMODE(os.stat(path).st_mode) == after


def test_a_file_keeps_its_owner_where_that_is_allowed(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lock(path, LOCK)
    owned = os.stat(path)
    given: list[tuple[int, int]] = []

    def hand_over(_: int, user: int, group: int) -> None:
        given.append((user, group))
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", hand_over)
    assert write_lock(path, LOCK) == LOCK.digest
    assert given == [(owned.st_uid, owned.st_gid)]


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o620, 0o602])
def test_a_lock_that_others_may_write_is_refused(path: str, mode: int) -> None:
    write_lock(path, LOCK)
    os.chmod(path, mode)
    assert "others than its owner may write it" in _refusal(path) and f"chmod go-w {path}" in _refusal(path)
    os.chmod(path, mode & ~0o022)
    if mode & 0o400:
        assert load_lock(path) == LOCK


def test_the_digest_of_the_policy_must_be_that_of_the_file(path: str) -> None:
    write_lock(path, LOCK)
    assert read_lock(_policy(path, digest=LOCK.digest)) == LOCK
    with open(path, "ab") as written:
        written.write(b"\n")
    assert load_lock(path).tools == LOCK.tools
    assert _refusal(path, LOCK.digest).startswith("pins.digest: ")


def test_a_damaged_lock_is_refused_with_its_name(path: str) -> None:
    Path(path).write_bytes(TEXT.replace(b"Reads a note", b"Reads a file"))
    assert _refusal(path).startswith(f'{path}: tools "read": its digest does not fit its definition')


def test_what_is_no_regular_file_is_refused_without_waiting(path: str) -> None:
    assert "no such file" in _refusal(path) and "smcp pin" in _refusal(path)
    os.mkfifo(path)
    assert "not a regular file" in _refusal(path)
    os.unlink(path)
    os.mkdir(path)
    assert "cannot be read" in _refusal(path) or "not a regular file" in _refusal(path)
    assert "cannot be read" in _refusal(f"{path}/smcp.lock\0")


def test_a_file_that_this_process_may_not_read_is_refused(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lock(path, LOCK)
    monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    assert "this process may not read it" in _refusal(path)


def test_a_file_over_the_cap_is_refused_and_one_at_it_is_read(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lock(path, LOCK)
    monkeypatch.setattr(file, "FILE_MAX", len(TEXT))
    assert load_lock(path) == LOCK and write_lock(path, LOCK) == LOCK.digest
    monkeypatch.setattr(file, "FILE_MAX", len(TEXT) - 1)
    assert "larger than 16 MiB" in _refusal(path)
    with pytest.raises(PolicyError, match="would be larger"):
        write_lock(path, LOCK)


def test_a_link_to_a_lock_is_read_and_never_written_through(path: str, tmp_path: Path) -> None:
    real = tmp_path / "real.lock"
    write_lock(str(real), LOCK)
    os.symlink(real, path)
    assert load_lock(path) == LOCK
    with pytest.raises(PolicyError, match="a link; name the file that it leads to"):
        write_lock(path, Lock())
    assert real.read_bytes() == TEXT and os.path.islink(path)


def test_a_link_that_leads_nowhere_is_not_written_through(path: str, tmp_path: Path) -> None:
    os.symlink(tmp_path / "elsewhere", path)
    with pytest.raises(PolicyError, match="a link"):
        write_lock(path, LOCK)
    assert not (tmp_path / "elsewhere").exists()


def test_a_write_that_fails_leaves_what_was_there_and_no_draft(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lock(path, LOCK)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PolicyError, match=r"cannot be written \(No space left on device\)"):
        write_lock(path, Lock(tools={}))
    assert Path(path).read_bytes() == TEXT
    assert os.listdir(tmp_path) == ["smcp.lock"]


def test_where_no_file_can_be_the_reason_is_told(tmp_path: Path) -> None:
    for place in (tmp_path / "none" / "smcp.lock", tmp_path):
        with pytest.raises(PolicyError, match=r"make its folder first|not a regular file"):
            write_lock(str(place), LOCK)
    assert os.listdir(tmp_path) == []


def test_a_relative_name_counts_from_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_lock("smcp.lock", LOCK)
    assert read_lock(PinsPolicy()) == LOCK


def test_a_lock_that_could_not_be_read_back_is_not_written(path: str) -> None:
    crooked = Lock(tools={"other": LOCK.tools["read"]})
    with pytest.raises(PolicyError, match="another name"):
        write_lock(path, crooked)
    assert not os.path.exists(path)
