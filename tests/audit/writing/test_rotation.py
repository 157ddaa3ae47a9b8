"""Segments: the file is put aside when it is full or the day is over, and what is too old is removed."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pytest

from smcp_security.audit.entry import Entry
from smcp_security.audit.segments import files_of, segments_of
from smcp_security.audit.writing.chain import Chain
from smcp_security.audit.writing.journal import Journal
from smcp_security.audit.writing.purging import purge
from smcp_security.audit.writing.upkeep import SECONDS_A_DAY, Upkeep
from tests.audit.chains import Walk, kinds, said, texts
from tests.audit.conftest import people_and_keys

NOON = datetime.now(UTC).replace(hour=12).timestamp()


@dataclass
class Clock:
    """A clock that somebody sets."""

    at: float = NOON

    def __call__(self) -> float:
        """What it shows."""
        return self.at


@dataclass
class House:
    """One audit file, and journals on it that are closed at the end."""

    path: Path
    clock: Clock = field(default_factory=Clock)
    journals: list[Journal] = field(default_factory=list)

    def journal(self, upkeep: Upkeep, signature: str = "hmac") -> Journal:
        """Another writer on the file."""
        stream = Chain(*people_and_keys(signature))
        self.journals.append(Journal(str(self.path), stream, upkeep, wall=self.clock))
        return self.journals[-1]

    def files(self) -> list[Path]:
        """All files of the audit in order."""
        return [Path(file) for file in files_of(str(self.path))]

    def texts(self) -> list[list[str]]:
        """What the records of each file say."""
        return [texts(file) for file in self.files()]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "audit.jsonl")
    yield house
    for journal in house.journals:
        journal.close()


def entry(text: str) -> tuple[Entry]:
    """One record that says `text`."""
    return (Entry(b'{"v":2,"text":"%b"}' % text.encode()),)


@pytest.mark.parametrize("signature", ["hmac", "ed25519"])
def test_a_full_file_ends_in_a_checkpoint_and_the_next_cites_it(house: House, signature: str) -> None:
    journal = house.journal(Upkeep("never", size=1_000), signature)
    for n in range(10):
        journal.append(entry(f"{n}"))
    assert list(chain.from_iterable(house.texts())) == [f"{n}" for n in range(10)]
    *segments, _ = house.files()
    assert len(segments) >= 2 and [kinds(segment)[-1] for segment in segments] == ["checkpoint"] * len(segments)
    walk = Walk(signature).over(*house.files())
    assert len(walk.seqs) == 1


def test_a_file_that_is_not_full_stays(house: House) -> None:
    journal = house.journal(Upkeep("never", size=10_000))
    for n in range(5):
        journal.append(entry(f"{n}"))
    assert len(house.files()) == 1


def test_two_writers_put_the_same_file_aside_once(house: House) -> None:
    one, other = (house.journal(Upkeep("never", size=1_500)) for _ in range(2))
    for n in range(30):
        one.append(entry(f"one {n}"))
        other.append(entry(f"other {n}"))
    found = list(chain.from_iterable(house.texts()))
    assert [text for text in found if text.startswith("one")] == [f"one {n}" for n in range(30)]
    assert len(found) == 60
    walk = Walk().over(*house.files())
    assert len(walk.seqs) == 2
    assert [segment.number for segment in segments_of(str(house.path))] == list(range(1, len(house.files())))


def test_a_writer_that_missed_two_rotations_goes_on_behind_the_last(house: House) -> None:
    late, busy = house.journal(Upkeep("never")), house.journal(Upkeep("never", size=1))
    late.append(entry("early"))
    for n in range(3):
        busy.append(entry(f"{n}"))
    house.path.rename(f"{house.path}.000004")
    late.append(entry("late"))
    assert house.texts() == [["early"], ["0"], ["1"], ["2"], ["late"]]
    Walk().over(*house.files())


def test_a_writer_killed_between_putting_aside_and_going_on_is_followed_in_the_chain(house: House) -> None:
    house.journal(Upkeep("never")).append(entry("1"))
    house.path.rename(f"{house.path}.000001")
    house.journal(Upkeep("never")).append(entry("2"))
    Walk().over(*house.files())
    assert said(house.path)[0]["cites"]["seq"] == 1


def test_a_writer_killed_in_the_first_line_of_a_new_file_is_told_of_after_the_segment(house: House) -> None:
    first = house.journal(Upkeep("never", size=1))
    first.append(entry("1"))
    first.append(entry("2"))
    house.path.write_bytes(house.path.read_bytes()[:50])
    house.journal(Upkeep("never")).append(entry("3"))
    assert house.texts() == [["1"], ["3"]]
    Walk().over(*house.files())


def test_each_day_has_a_segment_of_its_own(house: House) -> None:
    journal = house.journal(Upkeep("never", daily=True))
    for day in range(3):
        house.clock.at = NOON + day * SECONDS_A_DAY
        journal.append(entry(f"{day}"))
        journal.append(entry(f"{day} again"))
    assert house.texts() == [["0", "0 again"], ["1", "1 again"], ["2", "2 again"]]
    Walk().over(*house.files())


def test_the_file_of_yesterday_is_put_aside_by_who_starts_today(house: House) -> None:
    house.journal(Upkeep("never", daily=True)).append(entry("yesterday"))
    os.utime(house.path, (NOON - SECONDS_A_DAY, NOON - SECONDS_A_DAY))
    house.journal(Upkeep("never", daily=True)).append(entry("today"))
    assert house.texts() == [["yesterday"], ["today"]]
    Walk().over(*house.files())


def test_a_clock_that_steps_back_and_forward_over_midnight_rotates_once(house: House) -> None:
    journal = house.journal(Upkeep("never", daily=True))
    midnight = NOON - NOON % SECONDS_A_DAY + SECONDS_A_DAY
    for n in range(40):
        house.clock.at = midnight + (1 if n % 2 else -1)
        journal.append(entry(f"{n}"))
    assert [len(found) for found in house.texts()] == [1, 39]
    Walk().over(*house.files())


def test_a_clock_that_was_years_ahead_costs_one_segment(house: House) -> None:
    journal = house.journal(Upkeep("never", daily=True))
    for years in (0, 70, 0, 0):
        house.clock.at = NOON + years * 365 * SECONDS_A_DAY
        journal.append(entry("x"))
    assert [len(found) for found in house.texts()] == [1, 1, 2]


def test_a_directory_that_forbids_it_lets_the_file_grow(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(source: str, target: str) -> None:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(os, "rename", refuse)
    journal = house.journal(Upkeep("never", size=1))
    with caplog.at_level(logging.ERROR, "smcp_security.sink"):
        for n in range(5):
            journal.append(entry(f"{n}"))
    assert house.texts() == [["0", "1", "2", "3", "4"]]
    assert [record.getMessage().rpartition("jsonl ")[2] for record in caplog.records] == [
        "cannot be put aside: Permission denied. It goes on growing."
    ]
    Walk().over(house.path)


def old_segments(house: House, days: int) -> Journal:
    """A journal that has written one segment a day until yesterday, by a clock that is right again now."""
    journal = house.journal(Upkeep("never", daily=True, retention=7.5 * SECONDS_A_DAY))
    for day in range(days, 0, -1):
        house.clock.at = NOON - day * SECONDS_A_DAY
        journal.append(entry(f"-{day}"))
    return journal


def test_what_is_older_than_the_retention_goes_at_a_rotation_and_is_told_of(house: House) -> None:
    journal = old_segments(house, 9)
    before = said(Path(f"{house.path}.000001"))
    house.clock.at = NOON
    journal.append(entry("now"))
    assert [found[0] for found in house.texts()] == ["-8", "-7", "-6", "-5", "-4", "-3", "-2", "-1", "now"]
    (purged,) = [record for record in said(house.path) if record.get("kind") == "purged"]
    assert purged["segments"] == [
        {
            "name": "audit.jsonl.000001",
            "first": before[0]["at"],
            "last": before[-1]["at"],
            "records": len(before),
            "hash": said(Path(f"{house.path}.000002"))[0]["prev"],
        }
    ]


def test_a_clock_that_jumps_ahead_removes_nothing(house: House) -> None:
    journal = old_segments(house, 3)
    house.clock.at = NOON + 3_650 * SECONDS_A_DAY
    journal.append(entry("in ten years"))
    assert len(house.files()) == 4


def purged_by_hand(house: House, days: float) -> tuple[list[str], str]:
    done = purge(str(house.path), *people_and_keys(), NOON - days * SECONDS_A_DAY, wall=house.clock)
    return [gone.name for gone in done.removed], done.kept


def test_a_purge_removes_the_oldest_and_keeps_the_rest_whole(house: House) -> None:
    old_segments(house, 6)
    assert purged_by_hand(house, 3.5) == (["audit.jsonl.000001", "audit.jsonl.000002"], "")
    left = house.files()
    walk = Walk(prev=said(left[0])[0]["prev"], seqs={said(left[0])[0]["stream"]: said(left[0])[0]["seq"] - 1})
    walk.over(*left)
    assert kinds(house.path)[-3:] == ["open", "purged", "close"]
    assert purged_by_hand(house, 3.5) == ([], "")


def spoil_end(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)


def cut_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("spoil", [spoil_end, cut_end])
def test_a_purge_stops_before_a_segment_whose_end_does_not_verify(house: House, spoil: Callable[[Path], None]) -> None:
    """It is evidence, and not for a janitor to remove."""
    old_segments(house, 6)
    second = Path(f"{house.path}.000002")
    spoil(second)
    os.utime(second, (0, 0))
    names, kept = purged_by_hand(house, 0.5)
    assert names == ["audit.jsonl.000001"]
    assert kept == "audit.jsonl.000002 does not end in a checkpoint that verifies"


@pytest.mark.parametrize(("before", "now"), [("ed25519", "ed25519"), ("hmac", "ed25519")])
def test_segments_are_purged_whichever_signature_the_policy_had_then(house: House, before: str, now: str) -> None:
    journal = house.journal(Upkeep("never", size=1), before)
    house.clock.at = NOON - SECONDS_A_DAY
    for n in range(3):
        journal.append(entry(f"{n}"))
    done = purge(str(house.path), *people_and_keys(now), NOON)
    assert len(done.removed) == 2
