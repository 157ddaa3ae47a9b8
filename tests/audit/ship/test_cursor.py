"""The file of the cursor: one process leads, and what it writes down is what the next one goes on from."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import msgspec
import pytest

from smcp_security.audit.ship.cursor import Cursor, Mark
from smcp_security.audit.ship.position import Position

MARK = Mark("here", Position(12, 3, 400, 40, "ab" * 32), skipped=7, sent_at=12.5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl.ship.0"


def opened(path: Path, destination: str = "here") -> Cursor:
    return Cursor(str(path), Mark(destination))


def test_what_one_leader_saved_is_read_by_the_next(path: Path) -> None:
    first, second = opened(path), opened(path)
    assert first.lead() and first.save(MARK)
    first.release()
    assert second.lead()
    assert second.mark == MARK


def test_two_processes_never_lead_at_once(path: Path) -> None:
    first, second = opened(path), opened(path)
    assert first.lead() and not second.lead()
    assert first.leads and not second.leads
    first.release()
    assert second.lead() and not first.leads


def test_who_stands_by_sees_what_the_leader_wrote(path: Path) -> None:
    first, second = opened(path), opened(path)
    assert first.lead() and first.save(MARK)
    assert second.seen() == MARK


def test_another_destination_starts_from_the_beginning(path: Path) -> None:
    first, other = opened(path), opened(path, "there")
    assert first.lead() and first.save(MARK)
    assert other.seen() == Mark("there")
    first.release()
    assert other.lead()
    assert other.mark == Mark("there")


def test_who_stands_by_knows_that_the_leader_serves_another_place(path: Path) -> None:
    first, same, other = opened(path), opened(path), opened(path, "there")
    assert not other.serves_another()
    assert first.lead() and first.save(MARK)
    assert other.serves_another() and not same.serves_another()


@pytest.mark.parametrize(
    "position",
    [
        {"offset": -5},
        {"offset": 5, "length": -3},
        {"offset": 10, "length": 11},
        {"offset": 10**30, "length": 10},
        {"offset": 10**13, "length": 10**13},
        {"offset": 100, "length": 10**30},
    ],
)
def test_a_cursor_that_nobody_could_have_written_starts_from_the_beginning(
    path: Path, position: dict[str, int]
) -> None:
    path.write_bytes(msgspec.json.encode({"destination": "here", "position": {"inode": 1, "number": 1}}))
    assert opened(path).seen().position == Position(1, 1)
    text = json.dumps({"destination": "here", "position": {"inode": 1, "number": 1, **position}})
    path.write_text(text)
    cursor = opened(path)
    assert cursor.lead() and cursor.mark == Mark("here")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"null\n", b'{"destination":1}', b"\x00" * 1024, b'"\xff"', b"[" * 1024]
)
def test_a_damaged_cursor_starts_from_the_beginning(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    cursor = opened(path)
    assert cursor.lead()
    assert cursor.mark == Mark("here")


def test_a_shorter_mark_leaves_nothing_of_a_longer_one(path: Path) -> None:
    cursor = opened(path)
    assert cursor.lead() and cursor.save(Mark("here", problem="x" * 150)) and cursor.save(MARK)
    cursor.release()
    assert opened(path).seen() == MARK
    assert path.stat().st_size == 1024


def test_a_problem_of_any_length_fits(path: Path) -> None:
    cursor = opened(path)
    assert cursor.lead() and cursor.save(Mark("here", problem="ü\n" * 4000))
    assert path.stat().st_size == 1024
    assert len(opened(path).seen().problem) == 200


def test_only_the_owner_may_read_the_cursor(path: Path) -> None:
    assert opened(path).lead()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("replace", [False, True])
def test_who_finds_the_file_gone_leads_no_more(path: Path, replace: bool) -> None:
    first, second = opened(path), opened(path)
    assert first.lead()
    path.unlink()
    if replace:
        assert second.lead()
    assert not first.save(MARK)
    assert not first.leads


def test_a_link_in_its_place_is_not_followed(path: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("keep")
    os.symlink(tmp_path / "other", path)
    with pytest.raises(OSError, match="symbolic links"):
        opened(path).lead()
    assert (tmp_path / "other").read_text() == "keep"
