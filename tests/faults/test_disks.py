"""Disks that are full, files that are put aside, lines that are torn: what a guard does then."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smcp_security.audit import FileSink
from tests.faults.guard import Seen, decided, guard, whole

pytestmark = pytest.mark.real


@contextmanager
def full(file: Path) -> Iterator[None]:
    """No room for the next record, which the kernel itself says."""
    aside = file.rename(file.with_suffix(".aside"))
    file.symlink_to("/dev/full")
    yield
    file.unlink()
    aside.rename(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")
def test_a_full_disk_denies_until_there_is_room_where_the_policy_says_so(file: Path, record_property: Seen) -> None:
    with guard(file) as judging:
        assert judging.passes(5) == 5 and judging.framework.flush()
        with full(file):
            taken = judging.passes()
            assert not judging.framework.flush(1.0)
            assert judging.passes(10) == 0
            assert judging.status() == "unready"
        assert judging.framework.flush() and judging.status() == "ready"
        assert judging.passes(5) == 5
    report = whole(file)
    assert decided(file) == 5 + taken + 5
    assert report.lost == 10
    record_property("seen", "10 of 10 calls denied while it was full, counted in the audit; ready again with the room")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")
def test_a_full_disk_costs_records_and_no_call_where_the_policy_serves_on(file: Path, record_property: Seen) -> None:
    with guard(file, audit={"on_failure": "continue", "queue": 4}) as judging:
        assert judging.passes(4) == 4 and judging.framework.flush()
        with full(file):
            assert judging.passes() == 1 and not judging.framework.flush(1.0)
            assert judging.passes(10) == 10
            assert judging.status() == "degraded"
        assert judging.framework.flush() and judging.status() == "ready"
    report = whole(file)
    assert decided(file) + report.lost == 4 + 1 + 10
    assert report.lost >= 7
    record_property("seen", "all calls served; each record that found no place in the queue is counted in the audit")


def test_a_file_that_is_rotated_away_is_followed_by_a_new_one_in_one_chain(file: Path, record_property: Seen) -> None:
    older = []
    with guard(file) as judging:
        for number in range(20):
            assert judging.passes(10) == 10 and judging.framework.flush()
            if number < 19:
                older.append(file.rename(file.with_name(f"audit.{number}.old")))
    report = whole(file, *older)
    assert report.files == 20
    record_property("seen", "20 files, one chain over all of them")
    lines = sum(one.read_text().count('"kind":"decision"') for one in (*older, file))
    assert lines == 200


def test_a_last_line_that_is_torn_at_any_byte_is_recorded_and_nothing_before_it_is_lost(
    file: Path, record_property: Seen
) -> None:
    with guard(file) as judging:
        assert judging.passes(3) == 3
    kept = file.read_bytes()
    last = kept.rindex(b"\n", 0, -1) + 1
    cuts = range(last + 1, len(kept), 40)
    for cut in cuts:
        file.write_bytes(kept[:cut])
        _write_one(file)
        report = whole(file)
        assert report.torn == (0 if cut == len(kept) - 1 else 1)
        assert file.read_bytes()[:cut] == kept[:cut]
    record_property("seen", f"{len(cuts)} cuts: each told of in the chain, all lines before it as they were")


def _write_one(file: Path) -> None:
    sink = FileSink(file)
    sink.write({"v": 2, "kind": "test"})
    sink.close()
