"""A line becomes a record again: opened, or with the word for what keeps it shut."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from smcp_security.audit.reading.opening import opened, record_of
from tests.cli.audits import Desk, decision


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.write(decision("a", "ann"), {"v": 2, "kind": "close", "at": "2026-11-20T12:00:00.000000+00:00"})
    return made


def _lines(desk: Desk) -> list[dict[str, Any]]:
    return [json.loads(line) for line in desk.file.read_bytes().splitlines()]


def test_what_was_sealed_stands_among_the_other_fields(desk: Desk) -> None:
    record = opened(_lines(desk)[0], desk.people)
    assert record["caller"]["id"] == "ann" and record["address"] == "203.0.113.7" and record["target"] == "search"
    assert not {"sealed", "mac", "prev"} & set(record)


def test_a_record_that_is_nobodys_is_shown_as_it_is(desk: Desk) -> None:
    assert opened(_lines(desk)[1], None)["kind"] == "close"
    assert "caller" not in opened(_lines(desk)[1], desk.people)


def test_an_erased_person_leaves_a_word_in_the_place_of_each_private_field(desk: Desk) -> None:
    desk.people.erase("ann")
    record = opened(_lines(desk)[0], desk.people)
    private = ("caller", "label", "address", "session", "arguments")
    assert {record[name] for name in private} == {"erased"} and record["target"] == "search"


def test_without_the_key_only_the_public_part_is_shown(desk: Desk) -> None:
    assert opened(_lines(desk)[0], None)["caller"] == "sealed"


@pytest.mark.parametrize(
    "change",
    [
        {"sealed": base64.b64encode(b"x" * 60).decode()},
        {"sealed": "not base64 !"},
        {"sealed": ""},
        {"sealed": 7},
        {"seq": 5},
        {"stream": "00" * 8},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_does_not_open_in_its_place_is_called_damaged(desk: Desk, change: dict[str, Any]) -> None:
    assert opened(_lines(desk)[0] | change, desk.people)["caller"] == "damaged"


def test_a_sealed_part_replaces_nothing_that_everyone_can_read(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write(decision("a"))
    record = _lines(desk)[0]
    handle, sealed = desk.people.seal("caller:ann", b'{"target":"other","label":"x"}', f"{record['stream']}:0".encode())
    forged = record | {"person": handle, "sealed": base64.b64encode(sealed).decode()}
    assert opened(forged, desk.people)["target"] == "search" and opened(forged, desk.people)["label"] == "x"


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"{", b"[]", b'{"a":1}', b'{"stream":1,"kind":"x"}', b"\xff", b'{"stream":"a"', b'{"stream":"\xff"}'),
        pytest.param(b'{"stream":"a","kind":"close","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="deep"),
    ],
)
def test_what_is_no_record_is_told_from_one(line: bytes) -> None:
    assert record_of(line) is None
    assert record_of(b'{"stream":"a","kind":"close"}') == {"stream": "a", "kind": "close"}
