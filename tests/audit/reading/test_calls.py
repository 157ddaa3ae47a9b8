"""A call put together: its decision, its secrets and its outcome."""

from __future__ import annotations

import pytest

from smcp_security.audit.reading import calls
from tests.cli.audits import decision, outcome, refused

SECRET = {"v": 2, "kind": "secret", "id": "a", "secret": "github"}


def test_a_decision_gets_its_outcome_and_its_secrets() -> None:
    [call] = calls.calls_of([decision("a"), SECRET, outcome("a", status=201)])
    assert call["outcome"]["status"] == 201 and call["secrets"] == [SECRET] and call["kind"] == "decision"


def test_a_secret_that_was_written_down_before_its_verdict_belongs_to_it() -> None:
    [call] = calls.calls_of([SECRET, decision("a"), outcome("a")])
    assert call["secrets"] == [SECRET] and call["outcome"] is not None


def test_calls_are_told_as_they_end_and_those_without_an_end_at_last() -> None:
    told = calls.calls_of([decision("a"), decision("b"), refused("c"), outcome("b")])
    assert [(call["id"], call["outcome"] is not None) for call in told] == [("c", False), ("b", True), ("a", False)]


def test_what_belongs_to_no_decision_goes_on_as_it_is() -> None:
    others = [outcome("z"), {"kind": "store", "state": "away"}, SECRET]
    assert list(calls.calls_of(others)) == others
    assert list(calls.calls_of([SECRET, outcome("a")])) == [outcome("a"), SECRET]


def test_a_flood_of_secrets_without_a_verdict_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "WAITING", 2)
    secrets = [{**SECRET, "id": id} for id in "abc"]
    assert [each["id"] for each in calls.calls_of([*secrets, decision("z")])] == ["a", "z", "b", "c"]


def test_a_flood_of_calls_without_an_end_is_told_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "WAITING", 2)
    told = list(calls.calls_of([decision("a"), decision("b"), decision("c"), outcome("c")]))
    assert [call["id"] for call in told] == ["a", "c", "b"]


def test_the_records_that_were_given_are_not_changed() -> None:
    first = decision("a")
    list(calls.calls_of([first, SECRET, outcome("a")]))
    assert "outcome" not in first and "secrets" not in first
