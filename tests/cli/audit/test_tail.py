"""`smcp audit tail`: the last records, and those that follow over a rotation."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.audit.reading.following import Follower
from smcp_security.audit.reading.selection import Selection
from smcp_security.cli.audit import tail
from smcp_security.cli.audit.tail import following
from tests.cli.audits import Desk, decision, json_lines, outcome, refused


def _ids(desk: Desk, *options: str) -> list[str]:
    return [each["id"] for each in json_lines(desk.run("tail", "--format", "json", *options))]


def test_the_last_records_come_in_their_order_over_segments(desk: Desk) -> None:
    assert _ids(desk, "-n", "4") == ["b1", "b2", "a2", "a2"]
    assert _ids(desk) == ["a1", "a1", "b1", "b1", "b2", "a2", "a2"] and _ids(desk, "-n", "0") == []


def test_the_last_ones_of_what_is_asked_for_are_found(desk: Desk) -> None:
    assert _ids(desk, "-n", "1", "--caller", "bob") == ["b2"] and _ids(desk, "-n", "1", "--tool", "sql.*") == ["a2"]


def test_an_empty_audit_has_no_last_record(desk: Desk) -> None:
    desk.file.write_bytes(b"")
    for segment in desk.file.parent.glob("*.000001"):
        segment.unlink()
    assert desk.run("tail").code == 0 and desk.run("tail").out == ""


def test_what_is_written_later_follows_over_a_rotation(desk: Desk) -> None:
    follower = Follower(str(desk.file))
    steps = iter(range(3))
    told: list[str] = []

    def pause() -> None:
        match next(steps, None):
            case 0:
                desk.write(decision("n1"))
                desk.rotate()
            case 1:
                desk.write(refused("n2"), outcome("n1"))
            case _:
                raise KeyboardInterrupt

    try:
        for records in following(follower.news, Selection(), pause):
            told += [each["id"] for each in records]
    except KeyboardInterrupt:
        follower.close()
    assert told == ["n1", "n2", "n1"]


def test_following_ends_in_silence_when_somebody_interrupts_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> Any:
        yield []
        raise KeyboardInterrupt

    monkeypatch.setattr(tail, "following", interrupted)
    run = desk.run("tail", "-f", "-n", "1")
    assert run.code == 0 and "a2" in run.out and run.err == ""
