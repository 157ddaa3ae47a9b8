"""Which records are taken: what a line shows without a parser must never differ from what the record says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.audit.reading.selection import Search, Selection
from smcp_security.audit.record import encode
from tests.cli.audits import decision, outcome, refused

HANDLE, OTHER = "ab" * 8, "cd" * 8


def _line(record: dict[str, Any], person: str = HANDLE) -> bytes:
    public = {name: value for name, value in record.items() if name not in ("caller", "label", "address", "session")}
    return encode({"stream": "5a" * 8, "seq": 1, "prev": "0" * 64, **public, "person": person})[:-1]


@pytest.mark.parametrize(
    ("selection", "taken", "left"),
    [
        (Selection(people=frozenset({HANDLE})), _line(decision("a")), _line(decision("a"), OTHER)),
        (Selection(tool="sql.query"), _line(decision("a", tool="sql.query")), _line(decision("a", tool="sql.query2"))),
        (Selection(tool="sql.*"), _line(decision("a", tool="sql.query")), _line(decision("a", tool="sqlite"))),
        (Selection(tool='"quoted"'), _line(decision("a", tool='"quoted"')), _line(decision("a", tool="quoted"))),
        (Selection(tool="caf\u00e9*"), _line(decision("a", tool="caf\u00e9 x")), _line(decision("a", tool="cafe x"))),
        (Selection(tool="a[b]"), _line(decision("a", tool="a[b]")), _line(decision("a", tool="ab"))),
        (Selection(tool="search"), _line(decision("a")), _line(decision("a", method="prompts/get"))),
        (Selection(tool="*"), _line(decision("a")), _line(decision("a", method="prompts/get"))),
        (Selection(code="SMCP501"), _line(refused("a")), _line(refused("a", code="SMCP502"))),
        (Selection(kind="outcome"), _line(outcome("a")), _line(decision("a"))),
        (Selection(action="block"), _line(refused("a")), _line(decision("a"))),
        (Selection(id="a"), _line(decision("a")), _line(decision("ab"))),
        (Selection(since="2026-11-20T12:00:05"), _line(decision("a", at=6)), _line(decision("a", at=4))),
        (Selection(until="2026-11-20T12:00:05"), _line(decision("a", at=4)), _line(decision("a", at=5))),
    ],
    ids=["person", "tool", "pattern", "quotes", "accents", "brackets", "method", "calls alone", "code", "kind",
         "action", "id", "since", "until"],
)  # fmt: skip
def test_a_record_is_taken_for_what_it_is_and_its_twin_is_not(selection: Selection, taken: bytes, left: bytes) -> None:
    assert selection.may_take(taken) and selection.takes(json.loads(taken))
    assert not (selection.may_take(left) and selection.takes(json.loads(left)))


_TEXTS = st.sampled_from(
    ["search", "sql.query", "caf\u00e9", '"', "\\", "\u202e", "*", "", '"person":"' + HANDLE, "\x7f"]
)


@given(
    tool=_TEXTS, wanted=_TEXTS, code=st.sampled_from(["SMCP501", "SMCP502"]), person=st.sampled_from([HANDLE, OTHER])
)
def test_the_look_at_the_bytes_never_loses_a_record_that_is_asked_for(
    tool: str, wanted: str, code: str, person: str
) -> None:
    line = _line(refused("a", code=code) | {"target": tool}, person)
    selection = Selection(people=frozenset({HANDLE}), tool=wanted, code="SMCP501", action="block")
    if selection.takes(json.loads(line)):
        assert selection.may_take(line) and selection.may_hold(line)


def test_a_caller_who_writes_a_field_into_a_name_is_not_found_under_it() -> None:
    line = _line(decision("a", tool=f'","person":"{HANDLE}'), OTHER)
    assert not Selection(people=frozenset({HANDLE})).may_take(line)


def test_what_a_call_became_follows_the_call_that_was_taken() -> None:
    blocks = [
        b"\n".join((_line(decision("a")), _line(decision("b"), OTHER), _line(outcome("b", person=""), ""))),
        b"\n".join((_line({**outcome("a"), "kind": "secret"}), _line(outcome("a"), ""), _line(outcome("a"), ""))),
    ]
    search = Search(Selection(people=frozenset({HANDLE})))
    assert [(each["kind"], each["id"]) for each in search.records(blocks)] == [
        ("decision", "a"), ("secret", "a"), ("outcome", "a"),
    ]  # fmt: skip
    alone = Search(Selection(people=frozenset({HANDLE}), kind="decision"), related=False)
    assert [each["kind"] for each in alone.records(blocks)] == ["decision"]


def test_a_refused_call_has_nothing_that_follows() -> None:
    block = b"\n".join((_line(refused("a")), _line(outcome("a"), OTHER)))
    assert [each["kind"] for each in Search(Selection(people=frozenset({HANDLE}))).records([block])] == ["decision"]


def test_lines_that_are_no_records_are_counted_and_passed_over() -> None:
    block = b'{"stream":"tor\n' + _line(decision("a")) + b"\n\xff\xfe\n"
    search = Search(Selection())
    assert [each["id"] for each in search.records([block])] == ["a"] and search.unread == 2
    assert list(Search(replace(Selection(), id="z")).records([block])) == []
