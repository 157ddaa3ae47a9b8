"""What the comparison of two tapes takes for equal, and what it does not: one that never fails would prove nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.exchanges import Exchange, differences, read_tape

ASKED = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ANSWER = {"jsonrpc": "2.0", "id": 1, "result": {"tools": []}}
FIRST, SECOND = (f'event: message\ndata: {{"jsonrpc":"2.0","method":"{name}"}}\n\n' for name in ("a", "b"))


@pytest.fixture
def tape(tmp_path: Path) -> Any:
    def make(*lines: dict[str, Any]) -> list[Exchange]:
        file = tmp_path / "tape.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return read_tape(file)

    return make


def _line(**changed: Any) -> dict[str, Any]:
    line = {"http": "POST", "asked": json.dumps(ASKED), "status": 200, "got": json.dumps(ANSWER), "left": False}
    return line | {"headers": [["content-type", "application/json"], ["date", "now"]]} | changed


def _stream(got: str, *, left: bool = False) -> dict[str, Any]:
    return _line(got=got, left=left, headers=[["content-type", "text/event-stream"]])


def _error(number: int, ours: str = "") -> str:
    error = {"code": number, "message": "no", "data": {"code": ours} if ours else None}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "error": error})


@pytest.mark.parametrize(
    "changed",
    [
        {"status": 202},
        {"got": json.dumps(ANSWER | {"result": {"tools": [{}]}})},
        {"got": json.dumps(ANSWER | {"id": "1"})},
        {"headers": [["content-type", "application/json"], ["date", "now"], ["x-added", "1"]]},
        {"headers": [["date", "now"]]},
        {"got": ""},
        {"got": "", "left": True, "status": 0, "headers": []},
    ],
)
def test_an_answer_that_was_changed_on_the_way_is_a_difference(tape: Any, changed: dict[str, Any]) -> None:
    assert len(differences(tape(_line()), tape(_line(**changed)))) == 2


def test_an_answer_that_is_only_of_another_day_is_none(tape: Any) -> None:
    later = _line(headers=[["date", "then"], ["content-type", "application/json"]])
    assert differences(tape(_line()), tape(later)) == []


def test_requests_and_sessions_numbered_by_the_clock_are_the_same(tape: Any) -> None:
    def at(clock: int) -> dict[str, Any]:
        asked, got = (json.dumps(message | {"id": clock}) for message in (ASKED, ANSWER))
        return _line(asked=asked, got=got, headers=[["mcp-session-id", str(clock)]])

    assert differences(tape(at(1_795_000_000_001)), tape(at(1_795_000_000_002))) == []
    assert differences(tape(at(1_795_000_000_001)), tape(at(7))) != []


def test_an_exchange_that_only_one_side_had_is_a_difference(tape: Any) -> None:
    assert len(differences(tape(_line(), _line()), tape(_line()))) == 1
    assert len(differences(tape(_line()), tape(_line(), _line()))) == 1


def test_a_lost_or_reordered_event_is_a_difference_unless_the_client_left(tape: Any) -> None:
    whole = tape(_stream(FIRST + SECOND))
    assert differences(whole, tape(_stream(FIRST + SECOND))) == []
    assert len(differences(whole, tape(_stream(SECOND + FIRST)))) == 2
    assert len(differences(whole, tape(_stream(FIRST)))) == 2
    assert differences(whole, tape(_stream(FIRST, left=True))) == []
    assert len(differences(whole, tape(_stream(SECOND, left=True)))) == 2


def test_a_refusal_of_ours_stands_for_one_of_the_same_kind_only(tape: Any) -> None:
    theirs = tape(_line(status=400, got=_error(-32020)))
    assert differences(theirs, tape(_line(status=400, got=_error(-32020, "SMCP124")))) == []
    assert len(differences(theirs, tape(_line(status=404, got=_error(-32020, "SMCP124"))))) == 2
    assert len(differences(theirs, tape(_line(status=400, got=_error(-32602, "SMCP128"))))) == 2
    assert len(differences(tape(_line()), tape(_line(got=_error(-31422, "SMCP601"))))) == 2


def test_a_refusal_before_the_body_was_read_stands_for_one_of_its_status(tape: Any) -> None:
    theirs = tape(_line(status=421, got="Invalid Host header", headers=[]))
    unread = _line(asked="", status=421, got=_error(-31421, "SMCP101"))
    assert differences(theirs, tape(unread)) == []
    assert len(differences(tape(_line()), tape(unread))) == 2
