"""Open requests: kept by typed id, bounded, and each handed out once."""

from __future__ import annotations

from typing import Any, cast

import pytest

from smcp_security.adapters.account import Account
from smcp_security.adapters.stdio import ledger
from smcp_security.adapters.stdio.ledger import Ledger, Open
from smcp_security.decision import Decision
from smcp_security.message import Kind, Message, Texts


def _open(id: Any, size: int = 10, method: str = "tools/call") -> Open:
    decision = Decision(True, "d", request=Message({}, b"", Texts(), Kind.REQUEST, id, method))
    return Open(id, decision, cast(Account, None), size)


def test_a_number_and_the_text_of_it_are_two_requests() -> None:
    kept = Ledger()
    kept.add(_open(1))
    assert (1 in kept, "1" in kept, True in kept) == (True, False, False)
    assert kept.take("1") is None
    assert kept.take(1) is not None
    assert kept.take(1) is None


def test_too_many_requests_give_up_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MOST", 2)
    kept = Ledger()
    assert [kept.add(_open(id)) for id in (1, 2)] == [[], []]
    assert [each.id for each in kept.add(_open(3))] == [1]
    assert 2 in kept


def test_requests_that_hold_too_much_give_up_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MOST_BYTES", 100)
    kept = Ledger()
    kept.add(_open(1, 60))
    assert [each.id for each in kept.add(_open(2, 60))] == [1]
    kept.take(2)
    assert kept.add(_open(3, 90)) == []
    # One alone is never given up for its own size.
    assert [each.id for each in kept.add(_open(4, 1_000))] == [3]


def test_a_cancelled_request_lasts_until_it_is_answered_or_its_time_is_up() -> None:
    kept = Ledger()
    for id in (1, 2, 3):
        kept.add(_open(id))
    kept.cancel(1, 100.0)
    kept.cancel(2, 101.0)
    kept.cancel("3", 101.0)
    assert kept.take(1) is not None
    assert kept.next_lapse() == 101.0 + ledger.CANCELLED
    assert kept.lapsed(101.0 + ledger.CANCELLED - 0.5) == []
    assert [each.id for each in kept.lapsed(101.0 + ledger.CANCELLED)] == [2]
    assert (kept.next_lapse(), 3 in kept) == (None, True)


def test_nobody_waits_for_what_is_cancelled_or_never_answered() -> None:
    kept = Ledger()
    kept.add(_open(1, method="subscriptions/listen"))
    kept.add(_open(2))
    assert kept.awaited
    kept.cancel(2, 0.0)
    assert not kept.awaited
    assert [each.id for each in kept.close()] == [1, 2]
    assert kept.close() == []


def test_the_id_of_a_request_given_up_is_new_again_only_after_its_late_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MOST", 1)
    kept = Ledger()
    kept.add(_open(1))
    kept.add(_open(2))
    kept.cancel(2, 0.0)
    kept.lapsed(ledger.CANCELLED)
    assert [kept.is_new(id) for id in (1, 2, "1", 3)] == [False, False, True, True]
    assert kept.take(1) is kept.take(2) is None
    assert kept.is_new(1)
    assert kept.is_new(2)


def test_an_answer_in_time_leaves_its_id_new() -> None:
    kept = Ledger()
    kept.add(_open(1))
    assert not kept.is_new(1)
    kept.cancel(1, 0.0)
    assert kept.take(1) is not None
    assert kept.is_new(1)


def test_a_request_that_was_ended_on_a_guess_keeps_its_id_until_its_own_answer() -> None:
    kept = Ledger()
    kept.add(_open(1))
    kept.add(_open(2))
    assert kept.take_only() is None
    kept.take(2)
    ended = kept.take_only()
    assert ended is not None
    assert (ended.id, len(kept), kept.is_new(1)) == (1, 0, False)


def test_after_too_many_without_an_answer_nothing_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MOST_GHOSTS", 2)
    kept = Ledger()
    for id in (1, 2):
        assert not kept.worn_out
        kept.add(_open(id))
        kept.cancel(id, 0.0)
    kept.lapsed(ledger.CANCELLED)
    assert (kept.worn_out, kept.is_new(3)) == (True, False)
    kept.take(1)
    assert (kept.worn_out, kept.is_new(3)) == (False, True)
