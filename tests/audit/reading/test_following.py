"""What is appended is told once, over rotations; what stood last is read from behind."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from smcp_security.audit.reading import following
from smcp_security.audit.reading.following import Follower, backwards


@pytest.fixture
def live(tmp_path: Path) -> Path:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"old\n")
    return file


def _append(file: Path, data: bytes) -> None:
    with open(file, "ab") as stream:
        stream.write(data)


def test_only_what_comes_from_now_on_is_told_and_once(live: Path) -> None:
    with closing(Follower(str(live))) as follower:
        assert follower.news() == b""
        _append(live, b"1\n2\n")
        assert follower.news() == b"1\n2\n" and follower.news() == b""


def test_a_line_is_told_when_it_is_whole(live: Path) -> None:
    _append(live, b"begun ")
    with closing(Follower(str(live))) as follower:
        _append(live, b"before\nhal")
        assert follower.news() == b"begun before\n"
        _append(live, b"f\n")
        assert follower.news() == b"half\n"


def test_a_rotation_leaves_out_neither_the_end_of_one_file_nor_the_next(live: Path) -> None:
    with closing(Follower(str(live))) as follower:
        _append(live, b"last of the first\n")
        live.rename(live.with_name("a.jsonl.000001"))
        assert follower.news() == b"last of the first\n"
        live.write_bytes(b"first of the second\n")
        assert follower.news() == b"first of the second\n"


def test_two_rotations_between_two_looks_lose_nothing(live: Path) -> None:
    with closing(Follower(str(live))) as follower:
        for number in (1, 2, 3):
            _append(live, b"%d\n" % number)
            live.rename(live.with_name(f"a.jsonl.{number:06d}"))
        live.write_bytes(b"4\n")
        assert follower.news() == b"1\n2\n3\n4\n"


def test_a_file_that_is_truncated_in_place_is_read_from_its_beginning(live: Path) -> None:
    with closing(Follower(str(live))) as follower:
        live.write_bytes(b"n\n")
        assert follower.news() == b"n\n"


def test_a_file_that_appears_later_is_followed_from_its_first_line(tmp_path: Path) -> None:
    with closing(Follower(str(tmp_path / "a.jsonl"))) as follower:
        assert follower.news() == b""
        (tmp_path / "a.jsonl").write_bytes(b"1\n")
        assert follower.news() == b"1\n"


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_are_read_from_behind_over_all_files(live: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(following, "BLOCK", size)
    live.rename(live.with_name("a.jsonl.000001"))
    live.write_bytes(b"first\n\nsecond\nbeing writt")
    assert list(backwards(str(live))) == [b"second", b"first", b"old"]
    _append(live, b"en\n")
    with closing(Follower(str(live))) as follower:
        _append(live, b"x\n")
        assert next(backwards(str(live))) == b"x" and follower.news() == b"x\n"
