"""The file itself: whole lines or nothing, whatever the disk and other programs do."""

from __future__ import annotations

import os
import resource
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smcp_security.audit.journal import Journal
from tests.audit.conftest import WAIT, open_copies


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    journal = Journal(str(path))
    yield journal
    journal.close()


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """What a full disk does to a write: the first one comes back short, the next one fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_lines_are_added_at_the_end(journal: Journal, path: Path) -> None:
    path.write_bytes(b"before\n")
    journal.append(b"1\n2\n")
    journal.append(b"3\n")
    assert path.read_bytes() == b"before\n1\n2\n3\n"


def test_a_new_file_is_for_its_owner_alone(journal: Journal, path: Path) -> None:
    before = os.umask(0)
    try:
        journal.append(b"1\n")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_mode_of_an_existing_file_is_the_operators(journal: Journal, path: Path) -> None:
    path.touch()
    path.chmod(0o640)
    journal.append(b"1\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_programs_started_later_do_not_inherit_the_file(journal: Journal) -> None:
    journal.append(b"1\n")
    assert not os.get_inheritable(journal._fd)


def test_a_batch_that_does_not_fit_leaves_nothing_behind(journal: Journal, path: Path) -> None:
    journal.append(b"1" * 90 + b"\n")
    with files_of_at_most(100), pytest.raises(OSError, match="too large"):
        journal.append(b"2" * 90 + b"\n")
    assert path.read_bytes() == b"1" * 90 + b"\n"
    journal.append(b"2" * 90 + b"\n")
    assert path.read_bytes() == b"1" * 90 + b"\n" + b"2" * 90 + b"\n"


def test_a_fragment_of_a_killed_writer_does_not_swallow_the_next_line(journal: Journal, path: Path) -> None:
    path.write_bytes(b'whole\n{"torn":')
    journal.append(b"next\n")
    journal.append(b"last\n")
    assert path.read_bytes() == b'whole\n{"torn":\nnext\nlast\n'


def test_a_fragment_left_by_another_process_later_is_ended_too(journal: Journal, path: Path) -> None:
    journal.append(b"1\n")
    with path.open("ab") as other:
        other.write(b"torn")
    journal.append(b"2\n")
    assert path.read_bytes() == b"1\ntorn\n2\n"


def test_a_renamed_file_is_left_and_a_new_one_begun(journal: Journal, path: Path) -> None:
    journal.append(b"1\n")
    path.rename(path.with_suffix(".1"))
    journal.append(b"2\n")
    assert path.with_suffix(".1").read_bytes() == b"1\n"
    assert path.read_bytes() == b"2\n"


def test_a_deleted_file_is_made_again(journal: Journal, path: Path) -> None:
    journal.append(b"1\n")
    path.unlink()
    journal.append(b"2\n")
    assert path.read_bytes() == b"2\n"


def test_a_file_put_in_its_place_is_the_one_written(journal: Journal, path: Path) -> None:
    journal.append(b"1\n")
    fresh = path.with_suffix(".new")
    fresh.touch()
    fresh.replace(path)
    journal.append(b"2\n")
    assert path.read_bytes() == b"2\n"


def test_a_file_that_is_emptied_in_place_goes_on_from_the_start(journal: Journal, path: Path) -> None:
    journal.append(b"1\n")
    os.truncate(path, 0)
    journal.append(b"2\n")
    assert path.read_bytes() == b"2\n"


def test_rotation_leaks_no_open_file(journal: Journal, path: Path) -> None:
    journal.append(b"0\n")
    old = path.with_suffix(".1")
    path.rename(old)
    journal.append(b"1\n")
    assert (open_copies(old), open_copies(path)) == (0, 1)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")
def test_a_full_device_is_an_error() -> None:
    journal = Journal("/dev/full")
    with pytest.raises(OSError, match="No space"):
        journal.append(b"1\n")
    journal.close()


def test_a_pipe_whose_reader_left_is_an_error(path: Path) -> None:
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    journal = Journal(str(path))
    journal.append(b"1\n")
    assert os.read(reader, 10) == b"1\n"
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        journal.append(b"2\n")
    journal.close()


def test_a_line_cut_off_by_a_reader_that_left_is_ended_before_the_next(path: Path) -> None:
    os.mkfifo(path)
    journal, failed, read_again = Journal(str(path)), threading.Event(), threading.Event()

    def write() -> None:
        with pytest.raises(BrokenPipeError):
            journal.append(b"1" * 1_000_000 + b"\n")
        failed.set()
        assert read_again.wait(WAIT)
        for line in (b"2\n", b"3\n"):
            journal.append(line)
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
    assert lines[-2:] == [b"2", b"3"] and set(lines[0]) == set(b"1") and len(lines) == 3
