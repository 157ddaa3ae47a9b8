"""The list of what was revoked, as a process remembers it: shared while young, renewed by one, never used when old."""

from __future__ import annotations

import pytest

from smcp_security.errors import StoreAway
from smcp_security.stores.calls import Revoked
from smcp_security.stores.snapshot import Snapshot


class Clock:
    """Time that the test makes."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _asked(snapshot: Snapshot, names: set[str] | None, version: bytes = b"1") -> None:
    asked_at = snapshot.due()
    assert asked_at is not None
    snapshot.keep(Revoked(version, None if names is None else frozenset(names)), asked_at)


def test_what_was_never_asked_for_is_not_used(clock: Clock) -> None:
    with pytest.raises(StoreAway):
        Snapshot(clock).usable()


def test_everybody_asks_until_there_is_an_answer(clock: Clock) -> None:
    snapshot = Snapshot(clock)
    assert snapshot.due() == snapshot.due() == 1000.0


def test_nobody_asks_again_while_it_is_young(clock: Clock) -> None:
    snapshot = Snapshot(clock)
    _asked(snapshot, {"key:a"})
    clock.now += 1.9
    assert snapshot.due() is None and snapshot.usable() == {"key:a"}


def test_one_renews_it_while_the_others_use_it(clock: Clock) -> None:
    snapshot = Snapshot(clock)
    _asked(snapshot, {"key:a"})
    clock.now += 2.5
    assert [snapshot.due() for _ in range(3)] == [1002.5, None, None]
    assert snapshot.usable() == {"key:a"}


def test_past_five_seconds_it_is_not_used_and_everybody_asks(clock: Clock) -> None:
    snapshot = Snapshot(clock)
    _asked(snapshot, {"key:a"})
    clock.now += 5.0
    assert snapshot.usable() == {"key:a"}
    clock.now += 0.1
    with pytest.raises(StoreAway):
        snapshot.usable()
    assert snapshot.due() == snapshot.due() == clock.now


def test_its_age_counts_from_the_question_and_not_from_the_answer(clock: Clock) -> None:
    snapshot = Snapshot(clock)
    asked_at = snapshot.due()
    assert asked_at is not None
    clock.now += 6.0
    snapshot.keep(Revoked(b"1", frozenset({"key:a"})), asked_at)
    with pytest.raises(StoreAway):
        snapshot.usable()


def test_an_answer_that_was_overtaken_changes_nothing(clock: Clock) -> None:
    snapshot = Snapshot(clock)
    early = snapshot.due()
    clock.now += 1.0
    _asked(snapshot, {"key:a"})
    assert early is not None
    snapshot.keep(Revoked(b"0", frozenset()), early)
    assert snapshot.usable() == {"key:a"} and snapshot.version == b"1"


def test_an_unchanged_list_keeps_its_object_and_renews_its_age(clock: Clock) -> None:
    snapshot = Snapshot(clock)
    _asked(snapshot, {"key:a"})
    names = snapshot.usable()
    clock.now += 4.0
    _asked(snapshot, None)
    clock.now += 4.0
    assert snapshot.usable() is names
    _asked(snapshot, {"key:a"}, b"2")
    assert snapshot.usable() is names and snapshot.version == b"2"


def test_what_is_forgotten_is_asked_for_at_once(clock: Clock) -> None:
    snapshot = Snapshot(clock)
    _asked(snapshot, {"key:a"})
    snapshot.forget()
    assert snapshot.due() == clock.now and snapshot.version == b""
    with pytest.raises(StoreAway):
        snapshot.usable()
