"""The key file is read strictly, found by id, and read again when it changes; while it cannot be, nobody gets in."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.checks.rung import ApiKey
from smcp_security.errors import KeyFileError, Unavailable
from smcp_security.keys import key_file, watched
from smcp_security.keys.issuing import create_key, revoke_key
from smcp_security.keys.key_file import KeyFile, parse, read_keys
from tests.keys.issuer import Clock

SALT = "cd" * 32
HEAD = f'version: 1\nsalt: "{SALT}"\n'
ENTRY = f'  - {{id: "0123456789ab", owner: ann, digest: "{"ab" * 32}"}}\n'
OTHER = ENTRY.replace("0123456789ab", "ba9876543210").replace("ann", "bob")
GOOD = HEAD + "keys:\n" + ENTRY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys.yaml"
    path.write_text(GOOD)
    path.chmod(0o600)
    return path


@pytest.fixture
def clock() -> Clock:
    return Clock()


def owner(key: ApiKey | None) -> str | None:
    return None if key is None else key.owner


def test_a_key_is_found_by_its_id_alone(path: Path) -> None:
    keys = KeyFile(str(path))
    found = keys.look_up("0123456789ab")
    assert found == ApiKey("0123456789ab", "ann", bytes.fromhex(SALT), bytes.fromhex("ab" * 32))
    assert [keys.look_up(id) for id in ("0123456789AB", "", "SMCP_API_KEY", "ann", "0" * 10_000)] == [None] * 5


def test_a_file_without_keys_knows_nobody(path: Path) -> None:
    path.write_text(HEAD + "keys: []\n")
    assert KeyFile(str(path)).look_up("0123456789ab") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r":?.*expected a mapping"),
        ("[]", r":1:1: expected a mapping"),
        ("keys: []\n", r":1:1: version is missing"),
        (HEAD, r":1:1: keys is missing"),
        (HEAD.replace("version: 1", "version: 2") + "keys: []\n", r":1:10: version: expected 1"),
        (HEAD.replace("version: 1", "version: true") + "keys: []\n", r":1:10: version: expected 1"),
        (HEAD.replace(SALT, "cd") + "keys: []\n", r":2:7: salt: expected 64"),
        (HEAD + "keys:\n", r":3:1: keys: expected a list"),
        (HEAD + "keys: {}\n", r":3:7: keys: expected a list"),
        (HEAD + "keys: [x]\n", r":3:8: expected a mapping with id, owner, digest"),
        (HEAD + "key: []\nkeys: []\n", r":3:6: no field key; expected one of version, salt, keys"),
        (GOOD.replace("owner: ann", "owners: ann"), r":4:\d+: no field owners"),
        (GOOD.replace("}", ", expire: 2027-01-01}"), r":4:\d+: no field expire; expected one of id, owner"),
        (GOOD.replace("}", ", roles: viewer}"), r":4:\d+: roles: expected a list of names of roles"),
        (GOOD.replace("owner: ann, ", ""), r":4:5: owner is missing"),
        (GOOD.replace("owner: ann", "owner: a b"), r":4:\d+: owner: expected"),
        (GOOD + ENTRY, r":5:10: id: the same as at .*:4:5; remove one"),
        (GOOD.replace("}", ", owner: bob}"), r"duplicate key owner"),
        (GOOD + "---\n", r"a key file is one document"),
        (HEAD + "keys: &a []\n", r"anchors"),
        (HEAD + "keys: [\n", r"not YAML"),
    ],
)
def test_a_file_that_says_anything_else_is_refused_with_the_place(path: Path, text: str, problem: str) -> None:
    path.write_text(text)
    with pytest.raises(KeyFileError, match=problem) as error:
        KeyFile(str(path))
    assert str(error.value).startswith(str(path))
    assert "ab" * 32 not in str(error.value)
    assert SALT not in str(error.value)


def test_a_file_in_another_encoding_is_refused(path: Path) -> None:
    path.write_bytes(GOOD.encode("utf-16"))
    with pytest.raises(KeyFileError, match="UTF-8"):
        KeyFile(str(path))


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666, 0o660])
def test_a_file_that_others_may_write_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod go-w"):
        KeyFile(str(path))


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o644, 0o444])
def test_a_file_that_only_its_owner_may_write_is_taken(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert owner(KeyFile(str(path)).look_up("0123456789ab")) == "ann"


def test_what_is_no_regular_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, problem in (("pipe", "regular"), (".", "regular|cannot be read"), ("none", "no such file")):
        with pytest.raises(KeyFileError, match=problem):
            KeyFile(str(tmp_path / name))
    with pytest.raises(KeyFileError, match="not a file name"):
        KeyFile("keys\x00.yaml")


def test_what_is_no_file_leaves_nothing_open(path: Path, clock: Clock) -> None:
    keys = KeyFile(str(path), clock)
    path.unlink()
    path.mkdir()
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    for _ in range(5):
        clock.now += 1
        with pytest.raises(Unavailable):
            keys.look_up("0123456789ab")
    again = os.open(os.devnull, os.O_RDONLY)
    os.close(again)
    assert again == lowest


def test_a_file_over_one_mebibyte_is_refused(path: Path) -> None:
    path.write_text(GOOD + "#" * watched.FILE_MAX)
    with pytest.raises(KeyFileError, match="1 MiB"):
        KeyFile(str(path))


@given(st.text(max_size=60), st.integers(0, len(GOOD)))
def test_no_damage_to_a_file_makes_anything_but_an_error(text: str, at: int) -> None:
    try:
        listed = parse((GOOD[:at] + text + GOOD[at:]).encode("utf-8", "surrogatepass"), "keys.yaml")
    except KeyFileError:
        return
    assert len(listed.entries) <= 1


# -- changes ---------------------------------------------------------------------------------------------------------


def replace(path: Path, text: str) -> None:
    """Write the file as a careful editor does."""
    draft = path.with_suffix(".new")
    draft.write_text(text)
    draft.chmod(0o600)
    draft.rename(path)


def test_a_change_counts_from_the_next_second_on(path: Path, clock: Clock) -> None:
    keys = KeyFile(str(path), clock)
    replace(path, GOOD + OTHER)
    assert keys.look_up("ba9876543210") is None
    clock.now += 1
    assert owner(keys.look_up("ba9876543210")) == "bob"


@pytest.mark.parametrize("settled", [2.0, -1.0])
def test_a_change_in_place_that_hides_its_time_is_seen(
    path: Path, clock: Clock, settled: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "_SETTLED", settled)
    keys = KeyFile(str(path), clock)
    before = path.stat()
    # The clock of the file system ticks every few milliseconds.
    while path.stat().st_ctime_ns == before.st_ctime_ns:
        path.write_text(GOOD.replace("ann", "bob"))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    clock.now += 1
    assert owner(keys.look_up("0123456789ab")) == "bob"


def test_a_file_that_stays_the_same_is_not_read_again(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "_SETTLED", -1.0)
    keys = KeyFile(str(path), clock)
    monkeypatch.setattr(watched, "read_file", lambda path: pytest.fail("the file was read again"))
    for _ in range(10):
        clock.now += 1
        assert owner(keys.look_up("0123456789ab")) == "ann"


def test_the_file_is_looked_at_once_a_second_however_many_ask(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "_SETTLED", -1.0)
    looks: list[object] = []
    stat = os.stat
    keys = KeyFile(str(path), clock)
    monkeypatch.setattr(os, "stat", lambda *given, **named: looks.append(given) or stat(*given, **named))
    for _ in range(100):
        keys.look_up("0123456789ab")
    assert looks == []
    clock.now += 1
    for _ in range(100):
        keys.look_up("0123456789ab")
    assert len(looks) == 1


@pytest.mark.parametrize("damage", ["gone", "empty", "yaml", "mode"])
def test_while_a_changed_file_cannot_be_used_nobody_gets_in(
    path: Path, clock: Clock, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    keys = KeyFile(str(path), clock)
    if damage == "gone":
        path.unlink()
    elif damage == "mode":
        path.chmod(0o666)
    else:
        replace(path, {"empty": "", "yaml": "version: ["}[damage])
    for _ in range(3):
        clock.now += 1
        with pytest.raises(Unavailable):
            keys.look_up("0123456789ab")
        with pytest.raises(Unavailable):
            keys.look_up("0123456789ab")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    caplog.clear()
    replace(path, GOOD)
    clock.now += 1
    assert owner(keys.look_up("0123456789ab")) == "ann"
    assert [record.getMessage() for record in caplog.records] == [f"{path} can be used again"]


def test_a_fault_that_nobody_foresaw_also_keeps_everybody_out(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keys = KeyFile(str(path), clock)

    def broken(*given: object) -> None:
        raise RecursionError("secret")

    with monkeypatch.context() as patch:
        patch.setattr(key_file, "parse", broken)
        clock.now += 1
        with pytest.raises(RecursionError):
            keys.look_up("0123456789ab")
        with pytest.raises(Unavailable):
            keys.look_up("0123456789ab")
    assert "secret" not in caplog.text
    clock.now += 1
    assert owner(keys.look_up("0123456789ab")) == "ann"


def test_a_revocation_takes_effect_without_a_restart(tmp_path: Path, clock: Clock) -> None:
    path = str(tmp_path / "keys.yaml")
    entry, _ = create_key(path, owner="ann")
    keys = KeyFile(path, clock)
    revoke_key(path, entry.id)
    clock.now += 1
    found = keys.look_up(entry.id)
    assert found is not None
    assert found.revoked


def test_on_an_event_loop_only_a_changed_file_is_waited_for(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = KeyFile(str(path), clock)
    gate, slow = threading.Event(), read_keys(str(path))

    def parse_slowly(data: bytes, name: str) -> object:
        assert gate.wait(20)
        return slow

    async def check() -> None:
        known = keys.look_up_async("0123456789ab")
        assert isinstance(known, ApiKey)
        clock.now += 1
        waiting = keys.look_up_async("0123456789ab")
        assert isinstance(waiting, Awaitable)
        task = asyncio.ensure_future(waiting)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not task.done()
        gate.set()
        assert owner(await task) == "ann"
        assert isinstance(keys.look_up_async("0123456789ab"), ApiKey)

    monkeypatch.setattr(key_file, "parse", parse_slowly)
    asyncio.run(asyncio.wait_for(check(), 20))


def test_many_threads_see_one_change_at_once(path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "_SETTLED", -1.0)
    keys = KeyFile(str(path), clock)
    replace(path, GOOD.replace("ann", "bob"))
    clock.now += 1
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(keys.look_up, ["0123456789ab"] * 64))
    assert {owner(key) for key in found} == {"bob"}


def test_after_a_fork_the_file_can_be_read_again(path: Path, clock: Clock) -> None:
    keys = KeyFile(str(path), clock)
    keys._file._lock.acquire()
    keys.reset_lock()
    clock.now += 1
    assert owner(keys.look_up("0123456789ab")) == "ann"
