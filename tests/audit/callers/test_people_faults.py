"""What happens to the file of callers, by accident or on purpose: nobody is lost unseen, nobody comes back unseen."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smcp_security.audit.callers.people import People
from smcp_security.errors import AuditDamaged, PolicyError
from tests.audit.crowd import BOUND, came, opened, readable

NAMES = ("caller:ann", "caller:bob", "address:10.0.0.7")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl.keys"


def _failing(monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> Callable[[], None]:
    """Let a call of the operating system fail until the function that is returned is called."""

    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
    original = getattr(os, call)
    monkeypatch.setattr(os, call, fail)
    return lambda: monkeypatch.setattr(os, call, original)


def test_a_file_cut_at_any_byte_keeps_those_whose_lines_are_whole(file: Path, tmp_path: Path) -> None:
    sealed = came(opened(file), *NAMES)
    data, cut = file.read_bytes(), tmp_path / "cut"
    ends = [place + 1 for place, byte in enumerate(data) if byte == 10]
    for length in range(ends[0], len(data) + 1):
        cut.write_bytes(data[:length])
        cut.chmod(0o600)
        whole = sum(end <= length for end in ends) - 1
        assert readable(opened(cut, create=False), sealed) == set(NAMES[:whole]), length


def test_a_header_that_was_never_finished_is_begun_again_where_there_are_no_records(file: Path) -> None:
    opened(file)
    header = file.read_bytes()
    for length in (0, 1, 10, 40, len(header) - 1):
        file.write_bytes(header[:length])
        with pytest.raises(AuditDamaged, match="first line"):
            opened(file, create=False)
        opened(file, create=True)
        opened(file, create=False)


def test_a_torn_last_line_is_cut_off_before_the_next_one(file: Path) -> None:
    sealed = came(opened(file), "caller:ann")
    with file.open("ab") as end:
        end.write(b'{"handle":"0123')
    sealed |= came(opened(file), "caller:bob")
    assert readable(opened(file), sealed) == {"caller:ann", "caller:bob"}
    assert b'"0123{' not in file.read_bytes() and file.read_bytes().count(b"\n") == 3


def test_every_changed_byte_is_noticed_or_changes_nothing(file: Path, tmp_path: Path) -> None:
    sealed = came(opened(file), *NAMES)
    data, changed = file.read_bytes(), tmp_path / "changed"
    unnoticed = 0
    for place in range(len(data)):
        for byte in {data[place] ^ 1, data[place] ^ 0x20, 10} - {data[place]}:
            changed.write_bytes(data[:place] + bytes([byte]) + data[place + 1 :])
            changed.chmod(0o600)
            try:
                assert readable(opened(changed, create=False), sealed) == set(NAMES), place
                unnoticed += 1
            except (AuditDamaged, PolicyError) as error:
                assert "\n" not in str(error)
    # The id of the file is bound to every line; no byte but the case of what nobody reads is free.
    assert unnoticed == 0


def test_a_line_that_is_dropped_swapped_or_of_another_file_is_nobody_elses(file: Path, tmp_path: Path) -> None:
    sealed = came(opened(file), *NAMES)
    header, *lines = file.read_bytes().splitlines(keepends=True)
    strange = tmp_path / "strange"
    came(opened(strange), "caller:eve")
    for kept in ([lines[0], lines[0]], [strange.read_bytes().splitlines(keepends=True)[1]]):
        file.write_bytes(header + b"".join(kept))
        with pytest.raises(AuditDamaged, match=r"line [23] is damaged"):
            opened(file, create=False)
    file.write_bytes(header + lines[2] + lines[0])
    assert readable(opened(file, create=False), sealed) == {NAMES[0], NAMES[2]}


def test_damage_while_it_is_used_reads_as_a_failing_disk_until_it_is_put_right(file: Path) -> None:
    people = opened(file)
    sealed = came(people, "caller:ann")
    good = file.read_bytes()
    came(opened(file), "caller:bob")
    file.write_bytes(good + b"rubbish\n")
    with pytest.raises(OSError, match="line 3 is damaged") as caught:
        people.seal("caller:ann", b"", BOUND)
    assert caught.value.errno == errno.EBADMSG and caught.value.filename == str(file)
    file.write_bytes(good)
    assert people.seal("caller:ann", b"", BOUND)[0] == sealed["caller:ann"][0]


def test_a_file_cut_while_it_is_used_is_noticed(file: Path) -> None:
    people = opened(file)
    came(people, "caller:ann")
    os.truncate(file, file.stat().st_size - 20)
    with pytest.raises(OSError, match="cut off"):
        people.seal("caller:bob", b"", BOUND)


def test_a_file_that_is_gone_is_not_made_again_from_memory(file: Path) -> None:
    people = opened(file)
    came(people, "caller:ann")
    away = file.rename(file.with_name("away"))
    with pytest.raises(OSError, match="is missing; put back a copy of it"):
        people.seal("caller:ann", b"", BOUND)
    assert not file.exists()
    away.rename(file)
    assert people.seal("caller:ann", b"", BOUND)


def test_a_file_of_another_audit_in_its_place_is_not_used(file: Path, tmp_path: Path) -> None:
    people = opened(file)
    came(people, "caller:ann")
    opened(tmp_path / "other")
    os.replace(tmp_path / "other", file)
    with pytest.raises(OSError, match="no file of callers of this audit"):
        people.seal("caller:ann", b"", BOUND)


def test_on_a_full_disk_nobody_is_added_and_later_they_are(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = opened(file)
    ann = came(people, "caller:ann")["caller:ann"][0]
    before = file.read_bytes()
    put_right = _failing(monkeypatch, "write", errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        people.seal("caller:bob", b"", BOUND)
    assert people.seal("caller:ann", b"", BOUND)[0] == ann and file.read_bytes() == before
    put_right()
    assert readable(opened(file), came(people, "caller:bob")) == {"caller:bob"}


def test_a_line_that_fits_only_in_part_is_taken_back(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = opened(file)
    before, write = file.read_bytes(), os.write
    answers = iter([lambda fd, data: write(fd, data[:20])])

    def part(fd: int, data: bytes) -> int:
        for answer in answers:
            return answer(fd, data)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", part)
    with pytest.raises(OSError, match="No space"):
        people.seal("caller:bob", b"", BOUND)
    assert file.read_bytes() == before


def test_keys_reach_the_disk_with_one_sync_before_anything_is_written(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, synced = opened(file), []
    monkeypatch.setattr(os, "fsync", synced.append)
    for number in range(20):
        people.seal(f"caller:{number}", b"", BOUND)
    assert not synced
    people.flush()
    assert len(synced) == 1
    people.seal("caller:1", b"", BOUND)
    people.flush()
    assert len(synced) == 1


def test_the_key_another_process_made_is_synced_before_it_is_used(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, synced = opened(file), opened(file), []
    one.seal("caller:ann", b"", BOUND)
    monkeypatch.setattr(os, "fsync", synced.append)
    two.seal("caller:ann", b"", BOUND)
    two.flush()
    assert len(synced) == 1


def test_after_a_failed_sync_the_keys_are_written_anew(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = opened(file)
    sealed = {"caller:ann": people.seal("caller:ann", b"", BOUND)}
    put_right = _failing(monkeypatch, "fsync", errno.EIO)
    inode = file.stat().st_ino
    for _ in range(2):
        with pytest.raises(OSError, match="Input/output"):
            people.flush()
    put_right()
    people.flush()
    assert file.stat().st_ino != inode and readable(opened(file), sealed) == {"caller:ann"}
    assert people.seal("caller:ann", b"", BOUND)[0] == sealed["caller:ann"][0]


# -- erasing


def _erased(people: People, name: str) -> list[str]:
    return [person.name for person in people.erase(name)]


def test_who_is_erased_is_read_by_nobody_and_others_stay(file: Path) -> None:
    people, server = opened(file), opened(file)
    sealed = came(server, *NAMES)
    assert _erased(people, "ann") == ["caller:ann"]
    assert readable(people, sealed) == readable(opened(file), sealed) == set(NAMES[1:])
    assert sealed["caller:ann"][0].encode() not in file.read_bytes()


def test_a_server_that_runs_forgets_the_erased_with_its_next_batch(file: Path) -> None:
    server = opened(file)
    sealed = came(server, *NAMES)
    opened(file).erase("ann")
    handle, text = server.seal("caller:ann", b"back", BOUND)
    server.flush()
    assert handle != sealed["caller:ann"][0] and readable(server, sealed) == set(NAMES[1:])
    assert opened(file).open_sealed(handle, text, BOUND) == b"back"


def test_nobody_of_that_name_leaves_the_file_as_it_is(file: Path) -> None:
    people = opened(file)
    came(people, *NAMES)
    before = (file.read_bytes(), file.stat().st_ino)
    assert people.erase("eve") == () and (file.read_bytes(), file.stat().st_ino) == before


def test_erasing_keeps_owner_and_mode_of_the_file(file: Path) -> None:
    people = opened(file)
    came(people, *NAMES)
    file.chmod(0o400)
    before = file.stat()
    file.chmod(0o600)
    people.erase("ann")
    after = file.stat()
    assert (after.st_uid, after.st_gid, after.st_mode & 0o777) == (before.st_uid, before.st_gid, 0o600)


@pytest.mark.parametrize(("call", "number"), [("replace", errno.EACCES), ("fsync", errno.EIO), ("fchmod", errno.EPERM)])
def test_where_the_file_cannot_be_replaced_nobody_is_erased(
    file: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    people = opened(file)
    sealed = came(people, *NAMES)
    put_right = _failing(monkeypatch, call, number)
    with pytest.raises(OSError):
        people.erase("ann")
    put_right()
    assert readable(opened(file), sealed) == set(NAMES) and len(os.listdir(file.parent)) == 1
    assert _erased(people, "ann") == ["caller:ann"]


def test_what_a_killed_erasure_left_is_removed_by_the_next_one(file: Path) -> None:
    people = opened(file)
    came(people, *NAMES)
    draft = file.with_name(file.name + ".0123456789ab.new")
    draft.write_bytes(file.read_bytes())
    strange = file.with_name(file.name + ".mine.new")
    strange.write_text("not ours")
    people.erase("eve")
    assert not draft.exists() and strange.exists()


def test_erasing_in_a_damaged_file_is_refused_and_changes_nothing(file: Path) -> None:
    came(opened(file), *NAMES)
    people = opened(file)
    with file.open("ab") as end:
        end.write(b"rubbish\n")
    before = file.read_bytes()
    with pytest.raises(AuditDamaged, match="line 5"):
        people.erase("ann")
    assert file.read_bytes() == before
