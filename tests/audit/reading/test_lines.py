"""All lines of an audit in their order: the segments, then the live file, whatever happens to them meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from smcp_security.audit.reading import lines as module
from smcp_security.audit.reading.lines import Lines


def _texts(lines: Lines) -> list[bytes]:
    found = [line for block in lines.blocks() for line in block.splitlines()]
    lines.close()
    return found


@pytest.fixture
def live(tmp_path: Path) -> Path:
    (tmp_path / "a.jsonl.000010").write_bytes(b"3\n")
    (tmp_path / "a.jsonl.000009").write_bytes(b"1\n2\n")
    (tmp_path / "a.jsonl.keys").write_bytes(b"no\n")
    (tmp_path / "a.jsonl").write_bytes(b"4\n5")
    return tmp_path / "a.jsonl"


def test_segments_come_by_number_and_the_live_file_last(live: Path) -> None:
    assert _texts(Lines(str(live))) == [b"1", b"2", b"3", b"4", b"5"]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_lines_are_whole_whatever_a_read_brings(live: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(module, "BLOCK", size)
    live.write_bytes(b"longer\n\nlast")
    assert [line for line in _texts(Lines(str(live))) if line] == [b"1", b"2", b"3", b"longer", b"last"]


def test_a_rotation_between_opening_and_reading_loses_and_repeats_nothing(live: Path) -> None:
    lines = Lines(str(live))
    live.rename(live.with_name("a.jsonl.000011"))
    live.write_bytes(b"new\n")
    assert _texts(lines) == [b"1", b"2", b"3", b"4", b"5"]


def test_a_segment_that_a_purge_removed_meanwhile_is_passed_over(live: Path) -> None:
    lines = Lines(str(live))
    live.with_name("a.jsonl.000009").unlink()
    assert _texts(lines) == [b"3", b"4", b"5"]


def test_segments_alone_are_an_audit_too(live: Path) -> None:
    live.unlink()
    assert _texts(Lines(str(live))) == [b"1", b"2", b"3"]


def test_what_was_read_is_told_against_the_whole_size(live: Path) -> None:
    told: list[int] = []
    lines = Lines(str(live), told.append)
    _texts(lines)
    assert sum(told) == lines.size == 9
