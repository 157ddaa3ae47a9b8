"""Following the audit: every line once and in order, whatever becomes of the file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.audit.ship import citation
from smcp_security.audit.ship.pieces import pieces
from smcp_security.audit.ship.position import Position
from smcp_security.audit.ship.trail import Trail
from tests.audit.ship.log import Log

MANY = 1_000_000


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "audit.jsonl")


def read_on(trail: Trail, most_lines: int = MANY, most_bytes: int = MANY) -> list[bytes]:
    """All lines that there are now."""
    lines: list[bytes] = []
    while (stretch := trail.read(most_lines, most_bytes)) is not None:
        lines += stretch.lines
        trail.move(stretch.end)
    return lines


def at_end(log: Log) -> Position:
    """The position of a reader that has read everything."""
    trail = Trail(str(log.path))
    read_on(trail)
    trail.close()
    assert trail.position is not None
    return trail.position


def test_a_file_that_is_not_there_yet_has_no_lines(log: Log) -> None:
    trail = Trail(str(log.path))
    assert trail.read(10, MANY) is None
    log.write()
    assert read_on(trail) == log.lines


def test_lines_are_read_as_they_are_written(log: Log) -> None:
    trail = Trail(str(log.path))
    for _ in range(3):
        new = log.write(2)
        assert read_on(trail) == new
    assert read_on(trail) == []


def test_a_read_that_is_not_confirmed_gives_the_same_lines_again(log: Log) -> None:
    log.write(3)
    trail = Trail(str(log.path))
    assert trail.read(2, MANY) == trail.read(2, MANY)


@pytest.mark.parametrize(("most_lines", "most_bytes"), [(1, MANY), (2, MANY), (MANY, 1), (MANY, 300), (3, 500)])
def test_batches_of_every_size_give_all_lines(log: Log, most_lines: int, most_bytes: int) -> None:
    log.write(7)
    log.write(1, about="x" * 5000)
    log.write(2)
    assert read_on(Trail(str(log.path)), most_lines, most_bytes) == log.lines


def test_a_batch_keeps_to_the_bytes_it_may_have(log: Log) -> None:
    log.write(10)
    length = len(log.lines[0]) + 1
    stretch = Trail(str(log.path)).read(MANY, length * 3 + 5)
    assert stretch is not None and len(stretch.lines) == 3


def test_a_line_that_is_still_being_written_waits_for_its_end(log: Log) -> None:
    log.write()
    trail = Trail(str(log.path))
    read_on(trail)
    line = log.record()
    with log.path.open("ab") as file:
        file.write(line[:20])
        file.flush()
        assert trail.read(10, MANY) is None
        file.write(line[20:] + b"\n")
    assert read_on(trail) == [line]


def test_the_piece_a_killed_writer_left_goes_out_as_it_is(log: Log) -> None:
    log.write()
    with log.path.open("ab") as file:
        file.write(b'{"stream":"5e\r\x00')
    trail = Trail(str(log.path))
    assert read_on(trail) == log.lines
    log.append(b"")  # the next writer ends the piece
    assert read_on(trail) == [b'{"stream":"5e\r\x00']


def test_a_piece_at_the_end_of_a_file_put_aside_is_not_held_back(log: Log) -> None:
    log.write()
    trail = Trail(str(log.path))
    with log.path.open("ab") as file:
        file.write(b'{"stream"')
    log.rotate()
    log.write()
    assert read_on(trail) == [log.lines[0], b'{"stream"', log.lines[1]]
    assert read_on(Trail(str(log.path), trail.position)) == []


def test_segments_are_read_oldest_first(log: Log) -> None:
    for _ in range(3):
        log.write(2)
        log.rotate()
    log.write(2)
    assert read_on(Trail(str(log.path)), 1) == log.lines


def test_the_segment_after_a_million_comes_last(log: Log) -> None:
    for name in ("audit.jsonl.000009", "audit.jsonl.999999", "audit.jsonl.1000000"):
        log.write()
        log.rotate(name)
    assert read_on(Trail(str(log.path))) == log.lines


@pytest.mark.parametrize("name", [None, "audit.jsonl.1", "audit.jsonl-20261122", "audit-20261122.jsonl"])
def test_a_rotation_between_two_reads_loses_nothing(log: Log, name: str | None) -> None:
    log.write(3)
    trail = Trail(str(log.path))
    stretch = trail.read(1, MANY)
    assert stretch is not None
    trail.move(stretch.end)
    log.rotate(name)
    log.write(2)
    assert read_on(trail) == log.lines[1:]


@pytest.mark.parametrize("name", [None, "audit.jsonl.1", "audit.jsonl-20261122", "audit-20261122.jsonl"])
def test_a_rotation_while_nobody_reads_loses_nothing(log: Log, name: str | None) -> None:
    log.write(3)
    trail = Trail(str(log.path))
    stretch = trail.read(1, MANY)
    assert stretch is not None
    log.rotate(name)
    log.write(2)
    later = Trail(str(log.path), stretch.end)
    assert read_on(later) == log.lines[1:]


def test_rotations_one_after_the_other_lose_nothing(log: Log) -> None:
    log.write(3)
    position = at_end(log)
    for _ in range(4):
        log.write(1)
        log.rotate()
    assert read_on(Trail(str(log.path), position)) == log.lines[3:]


def test_a_segment_removed_while_it_is_read_is_read_to_its_end(log: Log) -> None:
    log.write(4)
    trail = Trail(str(log.path))
    stretch = trail.read(1, MANY)
    assert stretch is not None
    trail.move(stretch.end)
    log.rotate().unlink()
    log.write(2)
    assert trail.lag() == sum(len(line) + 1 for line in log.lines[1:])
    assert read_on(trail) == log.lines[1:]


def test_what_was_purged_before_it_was_read_is_told(log: Log) -> None:
    log.write(2)
    position = at_end(log)
    log.write(1)
    log.rotate().unlink()
    log.write(1)
    stretch = Trail(str(log.path), position).read(10, MANY)
    assert stretch is not None
    assert stretch.lines == log.lines[3:] and not stretch.continues


def test_lines_that_follow_over_a_rotation_are_no_break(log: Log) -> None:
    log.write(2)
    trail = Trail(str(log.path))
    read_on(trail)
    log.rotate()
    log.write(1)
    stretch = trail.read(10, MANY)
    assert stretch is not None and stretch.continues


def test_a_segment_purged_between_two_others_is_told(log: Log) -> None:
    log.write(1)
    trail = Trail(str(log.path))
    read_on(trail)
    log.rotate()
    log.write(1)
    log.rotate().unlink()
    log.write(1)
    stretch = trail.read(10, MANY)
    assert stretch is not None
    assert stretch.lines == log.lines[2:] and not stretch.continues


def test_a_truncated_file_is_read_from_its_start_and_told(log: Log) -> None:
    log.write(3)
    trail = Trail(str(log.path))
    read_on(trail)
    os.truncate(log.path, 0)
    new = log.write(1)
    stretch = trail.read(10, MANY)
    assert stretch is not None
    assert stretch.lines == new and not stretch.continues


def test_a_file_overwritten_at_the_same_length_is_noticed(log: Log) -> None:
    log.write(2)
    trail = Trail(str(log.path))
    read_on(trail)
    data = log.path.read_bytes()
    log.path.write_bytes(data.replace(b'"allowed":true', b'"allowed":null'))
    stretch = trail.read(10, MANY)
    assert stretch is not None
    assert len(stretch.lines) == 2 and not stretch.continues


def test_another_file_with_the_old_ones_inode_is_not_taken_for_it(log: Log) -> None:
    log.write(2)
    position = at_end(log)
    log.rotate()
    log.write(2)
    log.rotate()
    log.write(1)
    reused = Position(log.path.stat().st_ino, position.number, position.offset, position.length, position.hash)
    assert read_on(Trail(str(log.path), reused)) == log.lines[2:]


def test_a_restored_copy_is_known_by_what_is_in_it(log: Log, tmp_path: Path) -> None:
    log.write(3)
    trail = Trail(str(log.path))
    stretch = trail.read(2, MANY)
    assert stretch is not None
    copy = log.path.read_bytes()
    moved = log.path.rename(tmp_path / "elsewhere")
    log.path.write_bytes(copy)
    moved.unlink()
    assert read_on(Trail(str(log.path), stretch.end)) == log.lines[2:]


def test_the_lag_counts_what_waits_in_all_files(log: Log) -> None:
    log.write(2)
    log.rotate()
    log.write(1)
    trail = Trail(str(log.path))
    assert trail.lag() == sum(len(line) + 1 for line in log.lines)
    stretch = trail.read(1, MANY)
    assert stretch is not None
    trail.move(stretch.end)
    assert trail.lag() == sum(len(line) + 1 for line in log.lines[1:])
    read_on(trail)
    assert trail.lag() == 0


def test_lines_that_a_failed_write_takes_back_are_not_read(log: Log) -> None:
    """A reader in another thread waits until the writer has let the file go."""
    import fcntl
    import threading

    log.write(1)
    trail = Trail(str(log.path))
    read_on(trail)
    found: list[list[bytes]] = []
    with log.path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(b'{"half":1}\n')
        file.flush()
        reader = threading.Thread(target=lambda: found.append(read_on(trail)))
        reader.start()
        file.truncate(len(log.lines[0]) + 1)
        fcntl.flock(file, fcntl.LOCK_UN)
    reader.join(20)
    assert found == [[]]


def test_a_missing_folder_is_an_error_and_not_an_empty_audit(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Trail(str(tmp_path / "gone" / "audit.jsonl")).read(1, MANY)


@pytest.mark.parametrize("create", [False, True])
def test_files_put_aside_by_another_tool_while_nobody_reads_are_found(log: Log, create: bool) -> None:
    log.write(2)
    position = at_end(log)
    for name in ("audit.jsonl-b", "audit.jsonl-c", "audit.jsonl-a"):
        log.write(1)
        log.rotate(name)
    if create:
        log.path.touch()
        assert read_on(Trail(str(log.path), position)) == log.lines[2:]
    log.write(1)
    assert read_on(Trail(str(log.path), position)) == log.lines[2:]


@pytest.mark.parametrize("name", ["audit.jsonl.000002", "audit.jsonl"])
def test_a_pipe_in_the_place_of_a_file_is_passed_over(log: Log, name: str) -> None:
    log.write(3)
    aside = log.rotate()
    os.mkfifo(log.path.with_name(name))
    # To open it would wait for ever for somebody who writes.
    assert [piece.path for piece in pieces(str(log.path))] == [str(aside)]
    assert read_on(Trail(str(log.path))) == log.lines


def test_a_file_beside_it_that_may_not_be_read_holds_up_nothing(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    readable = citation.cited_in

    def denied(path: str) -> str | None:
        if path.endswith("audit.log"):
            raise PermissionError(13, "Permission denied", path)
        return readable(path)

    log.write(1)
    aside = log.rotate("audit-2026.jsonl")
    log.path.with_name("audit.log").touch()
    monkeypatch.setattr(citation, "cited_in", denied)
    beside = [str(log.path.with_name("audit.log")), str(aside)]
    assert citation.citing(beside, citation.GENESIS) == str(aside)


def test_a_file_of_another_audit_beside_it_is_not_read(log: Log, tmp_path: Path) -> None:
    other = Log(tmp_path / "audit.jsonl.1")
    log.write(2)
    trail = Trail(str(log.path))
    read_on(trail)
    other.write(3)
    log.rotate().unlink()
    log.write(1)
    assert read_on(trail) == log.lines[2:]


EVENTS = st.sampled_from(["write", "read", "look", "restart", "rotate", "aside"])


@given(events=st.lists(EVENTS, max_size=40), size=st.sampled_from([1, 300, MANY]))
@settings(max_examples=60, deadline=None)
def test_whatever_happens_in_whatever_order_each_line_is_read_once(events: list[str], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Log(Path(folder) / "audit.jsonl")
        log.write(1)
        trail, found = Trail(str(log.path)), read_on(Trail(str(log.path)))
        trail.move(at_end(log))
        for number, event in enumerate([*events, "write"]):
            if event == "write":
                log.write(2)
            elif event == "restart":
                trail.close()
                trail = Trail(str(log.path), trail.position)
            elif event in ("rotate", "aside") and log.path.exists():
                log.rotate(f"audit.{number}" if event == "aside" else None)
            elif event in ("read", "look") and (stretch := trail.read(2, size)) is not None and event == "read":
                found += stretch.lines
                assert stretch.continues
                trail.move(stretch.end)
        found += read_on(trail)
        trail.close()
        assert found == log.lines
        assert trail.lag() == 0
