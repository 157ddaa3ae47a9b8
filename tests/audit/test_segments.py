"""The files of one audit by their names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smcp_security.audit.segments import files_of, next_segment, segments_of

NAMES = ("000001", "000002", "000010", "1000000")


def test_segments_stand_in_the_order_they_were_written(tmp_path: Path) -> None:
    live = tmp_path / "audit.jsonl"
    for name in reversed(NAMES):
        (tmp_path / f"audit.jsonl.{name}").touch()
    assert [segment.number for segment in segments_of(str(live))] == [1, 2, 10, 1_000_000]
    assert segments_of(str(live))[0].name == "audit.jsonl.000001"
    assert len(files_of(str(live))) == 4
    live.touch()
    assert files_of(str(live))[-1] == str(live)


def test_other_files_beside_it_are_no_segments(tmp_path: Path) -> None:
    for name in ("keys", "1", "bak", "000001.gz", "00000a", "٠٠٠٠٠١", "ship.1"):
        (tmp_path / f"audit.jsonl.{name}").touch()
    (tmp_path / "other.jsonl.000001").touch()
    assert segments_of(str(tmp_path / "audit.jsonl")) == ()


def test_what_is_no_file_is_no_segment_and_yet_its_number_is_used(tmp_path: Path) -> None:
    live = str(tmp_path / "audit.jsonl")
    os.mkfifo(f"{live}.000001")
    os.mkdir(f"{live}.000002")
    os.symlink("nowhere", f"{live}.000003")
    os.symlink("audit.jsonl.000004", f"{live}.000004")
    (tmp_path / "elsewhere").touch()
    os.symlink("elsewhere", f"{live}.000005")
    assert [segment.number for segment in segments_of(live)] == [5]
    assert next_segment(live).number == 6


def test_behind_the_last_number_there_is_no_segment(tmp_path: Path) -> None:
    live = str(tmp_path / "audit.jsonl")
    (tmp_path / "audit.jsonl.999999999999999998").touch()
    assert next_segment(live).path.endswith(".999999999999999999")
    (tmp_path / "audit.jsonl.999999999999999999").touch()
    with pytest.raises(OSError, match="out of range"):
        next_segment(live)


def test_the_next_segment_has_a_number_that_was_never_used(tmp_path: Path) -> None:
    live = str(tmp_path / "audit.jsonl")
    assert next_segment(live).path == f"{live}.000001"
    (tmp_path / "audit.jsonl.000003").touch()
    assert next_segment(live).path == f"{live}.000004"
    assert next_segment(live, 7).path == f"{live}.000008"
