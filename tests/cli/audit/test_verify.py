"""`smcp audit verify`, `checkpoint` and `purge` on files, as an operator meets them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from smcp_security.audit.sink import FileSink
from smcp_security.audit.writing.upkeep import Upkeep
from tests.cli.audits import decision
from tests.cli.terminal import Run, smcp


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """An audit that a writer of the package wrote, in two segments and a live file."""
    path = tmp_path / "audit.jsonl"
    sink = FileSink(path, upkeep=Upkeep(size=4096))
    for number in range(24):
        sink.write(decision(f"d{number}"))
        if number % 6 == 5:
            assert sink.flush(20)
    sink.close()
    assert len(list(tmp_path.glob("audit.jsonl.0*"))) >= 3
    return path


def verify(log: Path, *options: str) -> Run:
    return smcp("audit", "verify", str(log), *options)


def test_what_the_writer_wrote_is_whole_and_the_proof_and_its_limit_are_said(log: Path) -> None:
    run = verify(log)
    assert (run.code, run.err) == (0, "")
    assert f"{log}: whole" in run.out
    assert "every record was written by who has the key" in run.out
    assert "end      not proved" in run.out
    facts = verify(log, "--format", "json").json
    assert (facts["whole"], facts["faults"], facts["end"], facts["files"] >= 3) == (True, [], [], True)


def test_the_first_bad_record_is_named_and_with_all_the_others_too(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    lines[1], lines[3] = lines[1].replace(b'"size":120', b'"size":121'), lines[3].replace(b"asgi", b"wsgi")
    log.write_bytes(b"".join(lines))
    bad = json.loads(lines[1])
    run = verify(log)
    assert (run.code, "NOT whole" in run.out) == (1, True)
    assert f"record {bad['seq']} of stream {bad['stream']}" in run.out
    assert f"{log}, line 2 (byte {len(lines[0]):,})" in run.out
    faults = verify(log, "--all", "--format", "json").json["faults"]
    assert [(fault["line"], fault["wrong"]) for fault in faults] == [(2, "changed"), (4, "changed")]


def test_a_cut_end_shows_against_a_checkpoint_that_was_kept_elsewhere(log: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    run = smcp("audit", "checkpoint", str(log))
    assert (run.code, run.err, len(run.out.splitlines())) == (0, "", 1)
    kept.write_text(run.out)
    whole = verify(log, "--checkpoint", str(kept))
    assert (whole.code, "end      proved up to" in whole.out) == (0, True)
    assert smcp("audit", "verify", str(log), "--checkpoint", "-", stdin=run.out.encode()).code == 0
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    assert verify(log).code == 0
    cut = verify(log, "--checkpoint", str(kept))
    assert (cut.code, "the log ends too early" in cut.out) == (1, True)


def test_a_segment_that_is_gone_is_named(log: Path) -> None:
    Path(f"{log}.000002").unlink()
    run = verify(log)
    assert (run.code, f"missing: {log}.000002 is not there" in run.out) == (1, True)
    Path(f"{log}.000001").unlink()
    assert "no purge tells of it" in verify(log).out


def test_a_segment_alone_is_verified_and_its_beginning_is_said_to_be_open(log: Path) -> None:
    run = verify(Path(f"{log}.000002"))
    assert (run.code, "begins in the middle" in run.out) == (0, True)


def test_files_that_another_tool_rotated_are_verified_in_their_order(log: Path) -> None:
    names = sorted(str(path) for path in log.parent.glob("audit.jsonl.0*"))
    renamed = [f"{log}.{len(names) - index}" for index in range(len(names))]
    for name, new in zip(names, renamed, strict=True):
        Path(name).rename(new)
    assert smcp("audit", "verify", *renamed, str(log)).code == 0
    assert verify(log).code == 1


def test_without_the_key_the_hashes_alone_are_checked_and_that_is_said(log: Path) -> None:
    os.unlink(f"{log}.keys")
    run = verify(log)
    assert (run.code, "--no-key checks the hashes alone" in run.complaint) == (2, True)
    run = verify(log, "--no-key")
    assert (run.code, "none (--no-key)" in run.out) == (0, True)
    assert verify(log, "--no-key", "--format", "json").json["key"] is None


def test_a_damaged_file_of_callers_is_no_fault_of_the_log(log: Path) -> None:
    Path(f"{log}.keys").write_bytes(b"{}\n")
    run = verify(log)
    assert (run.code, "audit.jsonl.keys" in run.complaint) == (3, True)


def test_the_key_of_another_audit_is_told_from_tampering(log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    FileSink(other).close()
    run = verify(log, "--callers", f"{other}.keys")
    assert (run.code, "was written with another key" in run.complaint) == (2, True)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--no-key", "--public-key", "ab"), "goes with neither"),
        (("--public-key", "ab", "--key-env", "K"), "exclude each other"),
        (("--public-key", "ab"), "64 hexadecimal digits"),
        (("--checkpoint", "/missing/file"), "/missing/file: cannot be read"),
        (("--checkpoint", "-"), "stdin: holds no checkpoint"),
        (("--key-env", "SMCP_NOT_SET"), "SMCP_NOT_SET"),
        (("/missing/audit.jsonl",), "/missing/audit.jsonl: there is no such file"),
    ],
    ids=str,
)
def test_wrong_options_are_one_line_and_exit_code_two(log: Path, options: tuple[str, ...], problem: str) -> None:
    run = verify(log, *options)
    assert (run.code, problem in run.complaint) == (2, True), run.err


def test_purge_removes_whole_old_segments_and_the_rest_still_verifies(log: Path) -> None:
    segments = sorted(log.parent.glob("audit.jsonl.0*"))
    run = smcp("audit", "purge", str(log), "--older-than", "1d")
    assert (run.code, "nothing is old enough" in run.out) == (0, True)
    # Older than no time at all: everything but the live file.
    dry = smcp("audit", "purge", str(log), "--older-than", "0s", "--dry-run")
    assert (dry.code, dry.out.count("would go")) == (0, len(segments))
    assert sorted(log.parent.glob("audit.jsonl.0*")) == segments
    gone = smcp("audit", "purge", str(log), "--older-than", "0s")
    assert (gone.code, gone.out.count("gone  audit.jsonl.0")) == (0, len(segments))
    assert "left  0 segments" in gone.out
    run = verify(log)
    assert (run.code, "were purged, as the log says" in run.out) == (0, True), run.out


def test_purge_keeps_a_segment_whose_checkpoint_does_not_verify_and_all_after_it(log: Path) -> None:
    first = Path(f"{log}.000001")
    lines = first.read_bytes().splitlines(keepends=True)
    first.write_bytes(b"".join(lines[:-1]))
    os.utime(first, (0, 0))
    run = smcp("audit", "purge", str(log), "--older-than", "0s")
    assert (run.code, "audit.jsonl.000001 does not end in a checkpoint" in run.out) == (0, True)
    assert first.exists()


@pytest.mark.parametrize("age", ["", "90", "-1d", "1y", "x"])
def test_an_age_that_is_none_is_one_line(log: Path, age: str) -> None:
    run = smcp("audit", "purge", str(log), "--older-than", age)
    assert (run.code, "expected a time such as 90d" in run.complaint) == (2, True)


def test_a_checkpoint_is_not_made_of_a_last_record_that_is_not_proved(log: Path) -> None:
    data = log.read_bytes()
    log.write_bytes(data.replace(b'"kind":"close"', b'"kind":"cloze"'))
    run = smcp("audit", "checkpoint", str(log))
    assert (run.code, "its last record is not proved" in run.complaint) == (2, True)
