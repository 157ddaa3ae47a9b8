"""The files of one audit by their names."""

from __future__ import annotations

from pathlib import Path

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


def test_the_next_segment_has_a_number_that_was_never_used(tmp_path: Path) -> None:
    live = str(tmp_path / "audit.jsonl")
    assert next_segment(live).path == f"{live}.000001"
    (tmp_path / "audit.jsonl.000003").touch()
    assert next_segment(live).path == f"{live}.000004"
    assert next_segment(live, 7).path == f"{live}.000008"
