from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from smcp_security.errors import VaultError
from smcp_security.vault import file_store
from smcp_security.vault.store import FileStore
from tests.vault.chest import file_in


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    store = file_in(tmp_path)
    with store.exclusive():
        store.write(b"first")
    return store


def _mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def test_what_is_written_is_read_and_belongs_to_its_owner_alone(store: FileStore) -> None:
    assert store.read() == b"first"
    assert store.write_mark(b"mark")
    assert store.read_mark() == b"mark"
    assert {_mode(f"{store.name}{end}") for end in ("", ".mark", ".lock")} == {0o600}


def test_a_store_without_a_file_is_empty(tmp_path: Path) -> None:
    store = file_in(tmp_path)
    assert (store.read(), store.read_mark(), store.signature()) == (None, None, None)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o440])
def test_a_file_that_its_owner_writes_and_a_group_may_read_is_read(store: FileStore, mode: int) -> None:
    os.chmod(store.name, mode)
    assert store.read() == b"first"


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o660, 0o602, 0o620, 0o666, 0o601])
def test_a_file_that_others_may_write_or_read_is_refused(store: FileStore, mode: int) -> None:
    os.chmod(store.name, mode)
    with pytest.raises(VaultError, match=r"others may .*; run: chmod g-w,o= "):
        store.read()


def test_a_file_keeps_the_mode_that_its_owner_gave_it(store: FileStore) -> None:
    os.chmod(store.name, 0o640)
    with store.exclusive():
        store.write(b"second")
        store.write_mark(b"mark")
    assert _mode(store.name) == _mode(f"{store.name}.mark") == 0o640


def test_a_mark_that_others_may_write_is_refused(store: FileStore) -> None:
    store.write_mark(b"mark")
    os.chmod(f"{store.name}.mark", 0o622)
    with pytest.raises(VaultError, match=r"vault\.smcp\.mark: others may"):
        store.read_mark()


def test_a_mark_that_leads_elsewhere_is_refused(store: FileStore, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"mark")
    os.symlink(tmp_path / "elsewhere", f"{store.name}.mark")
    with pytest.raises(VaultError, match=r"vault\.smcp\.mark: cannot be read"):
        store.read_mark()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (os.mkdir, "not a regular file"),
        (os.mkfifo, "not a regular file"),
        (lambda path: os.symlink(path, path), "symbolic links"),
    ],
    ids=["a folder", "a pipe", "a link to itself"],
)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, make: Callable[[str], None], words: str) -> None:
    make(str(tmp_path / "vault.smcp"))
    with pytest.raises(VaultError, match=words):
        file_in(tmp_path).read()


@pytest.mark.parametrize("path", ["a\x00b", "x" * 5000], ids=["NUL", "too long"])
def test_what_is_no_file_name_is_refused(path: str) -> None:
    with pytest.raises(VaultError):
        FileStore(path).read()


def test_a_name_that_a_terminal_would_obey_is_shown_in_quotes(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path / "a\x1b[2Jb"))
    os.mkdir(tmp_path / "a\x1b[2Jb")
    with pytest.raises(VaultError, match=r"a\\x1b\[2Jb': not a regular file"):
        store.read()


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="only Linux lists what is open")
def test_what_is_no_file_leaves_nothing_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(VaultError):
            FileStore(str(tmp_path)).read()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_over_the_limit_is_refused_and_not_read(store: FileStore) -> None:
    with open(store.name, "r+b") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(VaultError, match=r"larger than 65,536 KiB; is this the right file\?"):
        store.read()


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path, store: FileStore) -> None:
    link = tmp_path / "link.smcp"
    link.symlink_to("vault.smcp")
    linked = FileStore(str(link))
    assert linked.read() == b"first"
    with linked.exclusive():
        linked.write(b"second")
    assert link.is_symlink()
    assert store.read() == b"second"


def test_a_mount_that_swaps_its_link_is_read_anew(tmp_path: Path) -> None:
    for version in ("v1", "v2"):
        (tmp_path / version).mkdir()
        file_in(tmp_path / version).write(version.encode())
    (tmp_path / "data").symlink_to("v1")
    (tmp_path / "vault.smcp").symlink_to("data/vault.smcp")
    store = file_in(tmp_path)
    assert store.read() == b"v1"
    (tmp_path / "data").unlink()
    (tmp_path / "data").symlink_to("v2")
    assert store.read() == b"v2"


def test_a_relative_name_counts_from_where_the_process_was(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = FileStore("vault.smcp")
    monkeypatch.chdir("/")
    assert (relative.name, relative.read()) == ("vault.smcp", b"first")


def test_a_file_mounted_alone_is_told_to_be_mounted_with_its_folder(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(draft: str, path: str) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(VaultError, match="mount its folder, not the file alone"):
        store.write(b"second")


def test_the_signature_is_another_one_after_each_write(store: FileStore) -> None:
    os.utime(store.name, (1, 1))
    assert store.signature() is None, "changed a moment ago: what comes next may look the same"
    seen = set()
    for data in (b"one", b"two", b"six"):
        store.write(data)
        status = os.stat(store.name)
        seen.add((status.st_ino, status.st_ctime_ns))
    assert len(seen) == 3


def test_the_signature_of_a_file_at_rest_stays(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_store, "_SETTLED", 0.0)
    before = store.signature()
    assert before is not None and store.signature() == before
    os.chmod(store.name, 0o400)
    assert store.signature() != before


def test_drafts_of_writers_that_were_killed_are_swept_away(tmp_path: Path, store: FileStore) -> None:
    left = [tmp_path / f"vault.smcp{end}" for end in (".0123456789ab.new", ".mark.0123456789ab.new")]
    kept = [tmp_path / name for name in ("vault.smcp.new", "other.smcp.0123456789ab.new", "vault.smcp.bak")]
    for path in (*left, *kept):
        path.write_bytes(b"half")
    with store.exclusive():
        store.write(b"second")
    assert [path.exists() for path in left] == [False, False]
    assert [path.exists() for path in kept] == [True, True, True]


def test_a_second_writer_waits_no_longer_than_it_is_told(store: FileStore) -> None:
    impatient = FileStore(store.name, lock_wait=0.0)
    with store.exclusive(), pytest.raises(VaultError, match=r"another process has held .*vault\.smcp\.lock for 0 s"):
        impatient.exclusive().__enter__()
    with impatient.exclusive():
        pass


def test_a_second_writer_goes_on_when_the_first_is_done(store: FileStore) -> None:
    done: list[str] = []

    def second() -> None:
        with store.exclusive():
            done.append("second")

    thread = Thread(target=second)
    with store.exclusive():
        thread.start()
        done.append("first")
    thread.join()
    assert done == ["first", "second"]


def test_a_lock_that_cannot_be_had_at_all_is_an_error(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(lock: int, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(VaultError, match="cannot be written"):
        store.exclusive().__enter__()


STEPS = ("open", "fstat", "fchmod", "fsync", "replace")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.ENOSPC, "make room"), (errno.EACCES, "run this as the owner"), (errno.EROFS, "run this as the owner")],
    ids=["full", "forbidden", "read-only"],
)
def test_a_write_that_fails_at_any_step_leaves_what_was_there(
    store: FileStore, monkeypatch: pytest.MonkeyPatch, step: str, number: int, advice: str
) -> None:
    def fail(*args: object, **named: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, step, fail)
        with pytest.raises(VaultError, match=rf"cannot be written \(.*\); {advice}") as caught:
            store.write(b"second")
        assert caught.value.__cause__ is None
        assert not store.write_mark(b"mark")
    assert store.read() == b"first"
    assert not [name for name in os.listdir(os.path.dirname(store.name)) if name.endswith(".new")]
    store.write(b"second")
    assert store.read() == b"second"


def test_a_folder_that_may_not_be_listed_can_be_written(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "scandir", refuse)
    store.write(b"second")
    assert store.read() == b"second"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path / "none" / "vault.smcp"))
    with pytest.raises(VaultError, match="make its folder first"):
        store.exclusive().__enter__()


def test_a_store_shows_its_name_and_nothing_else(store: FileStore) -> None:
    assert repr(store) == f"FileStore({store.name!r})"


def test_the_advice_for_a_file_that_lies_open_can_be_run(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path / "a vault; of mine"))
    store.write(b"data")
    os.chmod(store.name, 0o644)
    with pytest.raises(VaultError) as caught:
        store.read()
    subprocess.run(["/bin/sh", "-c", str(caught.value).partition("run: ")[2]], check=True)
    assert store.read() == b"data"
