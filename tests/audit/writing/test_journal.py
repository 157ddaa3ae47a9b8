"""The file itself: whole lines or nothing, whatever the disk and other programs do."""

from __future__ import annotations

import errno
import json
import os
import resource
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from smcp_security.audit.entry import Entry
from smcp_security.audit.writing.chain import GENESIS, Chain
from smcp_security.audit.writing.journal import Journal, append_record
from tests.audit.chains import Walk, said, texts
from tests.audit.conftest import WAIT, Crypt, open_copies, people_and_keys


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    journal = journal_at(path)
    yield journal
    journal.close()


def journal_at(path: Path | str, signature: str = "hmac") -> Journal:
    """A journal with the keys of every test."""
    return Journal(str(path), Chain(*people_and_keys(signature)))


def entry(text: str) -> tuple[Entry]:
    """One record that says `text`."""
    return (Entry(b'{"v":2,"text":"%b"}' % text.encode()),)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """What a full disk does to a write: the first one comes back short, the next one fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_records_are_added_at_the_end(journal: Journal, path: Path) -> None:
    journal.append(entry("1") + entry("2"))
    journal.append(entry("3"))
    assert texts(path) == ["1", "2", "3"]
    Walk().over(path)


def test_a_new_file_is_for_its_owner_alone(journal: Journal, path: Path) -> None:
    before = os.umask(0)
    try:
        journal.append(entry("1"))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_mode_of_an_existing_file_is_the_operators(journal: Journal, path: Path) -> None:
    path.touch()
    path.chmod(0o640)
    journal.append(entry("1"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_programs_started_later_do_not_inherit_the_file(journal: Journal) -> None:
    journal.append(entry("1"))
    assert not os.get_inheritable(journal._file.fd)


def test_a_batch_that_does_not_fit_leaves_nothing_behind(journal: Journal, path: Path) -> None:
    journal.append(entry("1"))
    before = path.read_bytes()
    with files_of_at_most(len(before) + 100), pytest.raises(OSError, match="too large"):
        journal.append(entry("2"))
    assert path.read_bytes() == before
    journal.append(entry("3"))
    assert texts(path) == ["1", "3"]
    Walk().over(path)


@pytest.mark.parametrize("signature", ["hmac", "ed25519"])
def test_a_file_cut_anywhere_goes_on_and_says_so(path: Path, signature: str) -> None:
    """At every byte of the last two lines: nothing before is lost, and what is torn is recorded."""
    first = journal_at(path, signature)
    for text in ("1", "2", "3"):
        first.append(entry(text))
    first.close()
    whole = path.read_bytes()
    third, second = (whole.rfind(b"\n", 0, len(whole) - 1 - back) + 1 for back in (0, len(whole.splitlines()[-1]) + 1))
    for cut in range(second, len(whole) + 1):
        path.write_bytes(whole[:cut])
        next_one = journal_at(path, signature)
        next_one.append(entry("4"))
        next_one.close()
        kept = 1 + (cut >= third - 1) + (cut >= len(whole) - 1)
        assert path.read_bytes().startswith(whole[:cut])
        assert texts(path) == [*"123"[:kept], "4"], cut
        is_torn = cut not in (second, third - 1, third, len(whole) - 1, len(whole))
        assert [record["kind"] for record in said(path)[1 + kept : -1]] == ["torn", "open"][not is_torn :], cut
        Walk(signature).over(path)


def test_a_writer_killed_while_it_mended_leaves_one_fragment_of_two_lines(path: Path) -> None:
    for text, lines in (("1", 1), ("2", 2)):
        last = journal_at(path)
        last.append(entry(text))
        last.close()
        # In the middle of the record of the first writer, and then of what the second says of that.
        path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[: lines + 1])[:-20])
    last = journal_at(path)
    last.append(entry("3"))
    last.close()
    assert texts(path) == ["3"]
    assert [record["kind"] for record in said(path) if "kind" in record] == ["open", "torn", "open"]
    Walk().over(path)


def test_a_fragment_of_another_process_is_recorded_in_a_stream_that_goes_on(journal: Journal, path: Path) -> None:
    journal.append(entry("1"))
    with path.open("ab") as other:
        other.write(b"torn")
    journal.append(entry("2"))
    assert [record["seq"] for record in said(path)] == [0, 1, 2, 3]
    Walk().over(path)


@pytest.mark.parametrize("line", [b'{"x":' + b"[" * 100_000, b'{"stream":"\xff"}', b"\0" * 512])
def test_a_line_that_no_decoder_bears_stops_no_writer(journal: Journal, path: Path, line: bytes) -> None:
    journal.append(entry("1"))
    with path.open("ab") as other:
        other.write(line + b"\n")
    journal.append(entry("2"))
    late = journal_at(path)
    late.append(entry("3"))
    late.close()
    data = path.read_bytes()
    assert (data.count(b'"kind":"torn"'), data.count(b'"text":')) == (1, 3)


def test_a_pipe_named_like_a_segment_stalls_no_writer(journal: Journal, path: Path) -> None:
    os.mkfifo(f"{path}.000001")
    journal.append(entry("1"))
    assert texts(path) == ["1"]


def test_whole_lines_that_nobody_signed_are_told_of(path: Path) -> None:
    """A writer that was killed before the last line of its append leaves lines that nothing vouches for."""
    first = journal_at(path, "ed25519")
    first.append(entry("1") + entry("2"))
    first.close()
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    second = journal_at(path, "ed25519")
    second.append(entry("3"))
    second.close()
    torn = said(path)[2]
    assert (torn["kind"], torn["bytes"], torn["after"]) == ("torn", 0, torn["prev"])
    Walk("ed25519").over(path)


def test_one_signature_vouches_for_an_append(path: Path) -> None:
    journal = journal_at(path, "ed25519")
    journal.append(entry("1") + entry("2"))
    journal.close()
    assert ["sig" in record for record in said(path)] == [False, False, True]
    assert not any("mac" in record for record in said(path))
    Walk("ed25519").over(path)


def test_a_new_stream_cites_the_last_line_of_the_one_before(path: Path) -> None:
    for text in ("1", "2"):
        journal = journal_at(path)
        journal.append(entry(text))
        journal.finish()
        journal.close()
    first, _, closing, second, *_ = said(path)
    assert first["cites"] is None
    assert second["cites"] == {"stream": closing["stream"], "seq": 2, "hash": second["prev"]}
    assert second["stream"] != first["stream"] and second["seq"] == 0


def test_journals_on_one_file_take_turns_in_one_chain(path: Path) -> None:
    one, other = journal_at(path), journal_at(path)
    for n in range(5):
        one.append(entry(f"one {n}"))
        other.append(entry(f"other {n}"))
    walk = Walk().over(path)
    assert list(walk.seqs.values()) == [5, 5]
    one.close()
    other.close()


def test_what_was_no_chain_before_is_cited_as_it_is(journal: Journal, path: Path) -> None:
    path.write_bytes(b'{"v":1,"kind":"decision"}\n')
    journal.append(entry("1"))
    opened = said(path)[1]
    assert opened["prev"] == sha256(b'{"v":1,"kind":"decision"}').hexdigest() and opened["cites"] is None


def test_a_renamed_file_is_left_and_a_new_one_cites_its_last_line(journal: Journal, path: Path) -> None:
    other = journal_at(path)
    journal.append(entry("1"))
    other.append(entry("2"))
    old = path.with_suffix(".1")
    path.rename(old)
    journal.append(entry("3"))
    other.append(entry("4"))
    assert (texts(old), texts(path)) == (["1", "2"], ["3", "4"])
    Walk().over(old, path)
    other.close()


def test_a_writer_that_was_quiet_for_two_renames_follows_the_others(path: Path) -> None:
    busy, quiet, closed = (journal_at(path) for _ in range(3))
    for journal in (quiet, closed, busy):
        journal.append(entry("0"))
    closed.close()
    olds = []
    for number, journal in enumerate((busy, busy, quiet, busy, busy, closed), 1):
        olds.append(path.rename(path.with_suffix(f".jsonl-{number}")))
        journal.append(entry(f"{number}"))
    Walk().over(*olds, path)
    for journal in (busy, quiet):
        journal.close()


def test_a_start_after_a_rename_goes_on_behind_the_renamed_file(path: Path) -> None:
    for number in range(3):
        journal = journal_at(path)
        journal.append(entry(f"{number}"))
        journal.close()
        path.rename(path.with_suffix(f".jsonl.{number}"))
    # The first one is compressed and gone, as logrotate does it; what else lies there is of no interest.
    path.with_suffix(".jsonl.0").unlink()
    path.with_suffix(".jsonl.keys").write_bytes(b'{"format":"x"}\n')
    os.mkfifo(path.with_suffix(".jsonl.pipe"))
    journal = journal_at(path)
    journal.append(entry("3"))
    journal.close()
    one, two = (path.with_suffix(f".jsonl.{number}") for number in (1, 2))
    Walk(prev=said(one)[0]["prev"]).over(one, two, path)


def test_a_renamed_file_that_ends_in_a_fragment_is_mended_where_it_is(journal: Journal, path: Path) -> None:
    journal.append(entry("1"))
    old = path.with_suffix(".1")
    path.rename(old)
    with old.open("ab") as other:
        other.write(b'{"torn":')
    journal.append(entry("2"))
    Walk().over(old, path)
    assert (texts(old), texts(path)) == (["1"], ["2"])


def test_a_deleted_file_is_made_again(journal: Journal, path: Path) -> None:
    journal.append(entry("1"))
    lines = path.read_bytes().splitlines()
    path.unlink()
    journal.append(entry("2"))
    assert texts(path) == ["2"]
    assert said(path)[0]["prev"] == sha256(lines[-1]).hexdigest()


def test_a_file_put_in_its_place_is_the_one_written(journal: Journal, path: Path) -> None:
    journal.append(entry("1"))
    fresh = path.with_suffix(".new")
    fresh.touch()
    fresh.replace(path)
    journal.append(entry("2"))
    assert texts(path) == ["2"]


def test_lines_cut_off_behind_the_writers_back_are_missed_in_the_chain(journal: Journal, path: Path) -> None:
    """Whoever removes the last lines of a live file cannot have the writer vouch for what is left."""
    journal.append(entry("1"))
    journal.append(entry("2"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    journal.append(entry("3"))
    assert said(path)[-1]["prev"] == sha256(lines[-1].rstrip()).hexdigest()


def test_a_file_that_is_emptied_in_place_goes_on_after_what_was_there(journal: Journal, path: Path) -> None:
    journal.append(entry("1"))
    lines = path.read_bytes().splitlines()
    os.truncate(path, 0)
    journal.append(entry("2"))
    assert texts(path) == ["2"]
    assert said(path)[0]["prev"] == sha256(lines[-1]).hexdigest()


def test_rotation_leaks_no_open_file(journal: Journal, path: Path) -> None:
    journal.append(entry("0"))
    old = path.with_suffix(".1")
    path.rename(old)
    journal.append(entry("1"))
    assert (open_copies(old), open_copies(path)) == (0, 1)


def test_a_key_that_cannot_be_kept_stops_the_append(path: Path) -> None:
    class Full(Crypt):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "full")

    journal = Journal(str(path), Chain(Full(), people_and_keys()[1]))
    with pytest.raises(OSError, match="full"):
        journal.append(entry("1"))
    journal.close()
    assert path.read_bytes() == b""


def test_a_private_part_is_sealed_and_bound_to_its_place(path: Path) -> None:
    crypt, keys = people_and_keys()
    journal = Journal(str(path), Chain(crypt, keys))
    journal.append((Entry(b'{"v":2}', b'{"caller":"ann"}', "caller:ann"),))
    journal.close()
    record = said(path)[1]
    assert crypt.sealed == {f"{record['stream']}:1".encode(): ("caller:ann", b'{"caller":"ann"}')}
    assert record["person"] == sha256(b"caller:ann").hexdigest()[:16]
    assert b"ann" not in path.read_bytes()


def test_one_record_can_be_written_beside_a_running_writer(journal: Journal, path: Path) -> None:
    journal.append(entry("1"))
    append_record(str(path), *people_and_keys(), {"v": 2, "kind": "erased", "text": "one"})
    journal.append(entry("2"))
    assert texts(path) == ["1", "one", "2"]
    assert len(Walk().over(path).seqs) == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")
def test_a_full_device_is_an_error() -> None:
    journal = journal_at("/dev/full")
    with pytest.raises(OSError, match="No space"):
        journal.append(entry("1"))
    journal.close()


def test_a_pipe_whose_reader_left_is_an_error(path: Path) -> None:
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    journal = journal_at(path)
    journal.append(entry("1"))
    opened, record = os.read(reader, 10_000).splitlines()
    assert json.loads(opened)["order"] == "stream" and json.loads(opened)["prev"] == GENESIS
    assert json.loads(record)["prev"] == sha256(opened).hexdigest()
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        journal.append(entry("2"))
    journal.close()


def test_a_line_cut_off_by_a_reader_that_left_is_ended_before_the_next(path: Path) -> None:
    os.mkfifo(path)
    journal, failed, read_again = journal_at(path), threading.Event(), threading.Event()

    def write() -> None:
        with pytest.raises(BrokenPipeError):
            journal.append(entry("1" * 1_000_000))
        failed.set()
        assert read_again.wait(WAIT)
        for text in "23":
            journal.append(entry(text))
        journal.close()

    writing = threading.Thread(target=write)
    writing.start()
    first = os.open(path, os.O_RDONLY)
    os.read(first, 1)
    os.close(first)
    assert failed.wait(WAIT)
    # Not blocking: the writer holds its end open already, and waits until there is a reader again.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as second:
        os.set_blocking(second.fileno(), True)
        read_again.set()
        lines = second.read().splitlines()
    writing.join(WAIT)
    records = [json.loads(line) for line in lines[-3:]]
    assert [record.get("text", record.get("kind")) for record in records] == ["open", "2", "3"]
