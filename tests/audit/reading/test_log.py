"""The lines of an audit come in order and with their places, while it grows, is rotated or is cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from smcp_security.audit.reading import log as reading
from smcp_security.audit.reading.log import live_name, open_log
from smcp_security.errors import AuditError
from tests.audit.proving.proving import sample


def test_segments_come_before_the_live_file_and_what_lies_beside_them_does_not(tmp_path: Path) -> None:
    for name in ("a.jsonl", "a.jsonl.000002", "a.jsonl.000001", "a.jsonl.keys", "a.jsonl.1", "b.jsonl.000001"):
        (tmp_path / name).write_bytes(f"{name}\n".encode())
    blocks = list(open_log([str(tmp_path / "a.jsonl")]).blocks())
    assert [block.lines for block in blocks] == [[b"a.jsonl.000001"], [b"a.jsonl.000002"], [b"a.jsonl"]]
    assert [block.file.live for block in blocks] == [False, False, True]


def test_a_gap_between_segments_is_told_with_the_file_behind_it(tmp_path: Path) -> None:
    for number in (2, 5):
        (tmp_path / f"a.jsonl.{number:06}").write_bytes(b"x\n")
    path = str(tmp_path / "a.jsonl")
    blocks = list(open_log([path]).blocks())
    assert [block.file.missing for block in blocks] == [(), (f"{path}.000003", f"{path}.000004")]


def test_places_are_right_whatever_the_size_of_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = sample("hmac")[0] + b"no line break"
    (tmp_path / "a.jsonl").write_bytes(data)
    for size in (1, 7, 300, 100_000):
        monkeypatch.setattr(reading, "BLOCK", size)
        told: list[int] = []
        number, found, rest = 1, b"", b""
        for block in open_log([str(tmp_path / "a.jsonl")]).blocks(told.append):
            assert (block.number, block.offset) == (number, len(found))
            number += len(block.lines)
            found += b"".join(line + b"\n" for line in block.lines)
            rest = block.rest
        assert (found + rest, rest) == (data, b"no line break")
        assert sum(told) == len(data)


def test_what_is_written_meanwhile_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\n")
    log = open_log([str(path)])
    with path.open("ab") as file:
        file.write(b"two\n")
    assert [block.lines for block in log.blocks()] == [[b"one"]]


def test_a_rotation_meanwhile_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\n")
    log = open_log([str(path)])
    path.rename(tmp_path / "a.jsonl.000001")
    path.write_bytes(b"two\n")
    assert [block.lines for block in log.blocks()] == [[b"one"]]


def test_a_file_that_is_cut_or_replaced_meanwhile_ends_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\ntwo\n")
    log = open_log([str(path)])
    path.write_bytes(b"one")
    with pytest.raises(AuditError, match="became shorter"):
        list(log.blocks())
    other = tmp_path / "other"
    other.write_bytes(b"one\ntwo\n")
    other.rename(path)
    with pytest.raises(AuditError, match="was replaced"):
        list(log.blocks())


def test_several_names_stand_for_themselves_in_their_order(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("old.2", "old.1", "a.jsonl")]
    for name in [*names, str(tmp_path / "a.jsonl.000001")]:
        Path(name).write_bytes(name.encode())
    assert [block.file.path for block in open_log(names).blocks()] == names


def test_the_last_record_is_found_behind_what_is_none(tmp_path: Path) -> None:
    first, second = sample("hmac")
    (tmp_path / "a.jsonl.000001").write_bytes(first)
    path = tmp_path / "a.jsonl"
    for data, number, line in ((second + b'{"stre', 8, second), (b"", 23, first), (b"no record\n", 23, first)):
        path.write_bytes(data)
        found = open_log([str(path)]).last_record()
        assert found is not None
        assert (found[0].text, found[1]) == (line.splitlines()[-1], number)


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_what_cannot_be_read_is_one_line_with_its_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.jsonl"
    if kind == "folder":
        path.mkdir()
    with pytest.raises(AuditError, match=r"a\.jsonl: cannot be read: .*expected an audit file"):
        list(open_log([str(path)]).blocks())


def test_the_name_of_a_segment_tells_its_live_file() -> None:
    assert live_name("/var/a.jsonl.000012") == "/var/a.jsonl"
    assert live_name("/var/a.jsonl.12") == "/var/a.jsonl.12"
