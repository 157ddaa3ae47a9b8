"""Rows of CSV: what was written comes back, and no cell is a formula."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.audit.export.table import COLUMNS, cell, heading, row
from tests.cli.audits import decision, outcome, refused

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
    " =1",
    "\u3000=1",
]


def _read(text: str) -> list[str]:
    [cells] = csv.reader(io.StringIO(text))
    return cells


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
@pytest.mark.parametrize("place", ["label", "target", "address", "arguments", "details"])
def test_no_text_of_a_caller_becomes_a_formula(text: str, place: str) -> None:
    cells = _read(row(decision("a") | {place: text, "caller": {"id": text, "verified": False, "roles": [text]}}))
    shown = dict(zip(COLUMNS, cells, strict=True))
    for name in ("caller", "roles", *({place} - {"details"})):
        assert shown[name].startswith("'")
    assert all(each[:1] not in tuple("=+-@\t\r\n") for each in cells if each)


@pytest.mark.parametrize("text", ["a;=1+1", 'a;"=1+1', "a; @SUM(A1)"])
@pytest.mark.parametrize("place", ["target", "arguments", "of_tomorrow"])
def test_where_semicolons_part_the_cells_no_text_begins_one_of_its_own(text: str, place: str) -> None:
    line = row(decision("a") | {place: {"text": text} if place == "arguments" else text})
    assert ";" not in line and "\\u003b" in line


def test_an_honest_text_stands_as_it_was_sent() -> None:
    shown = dict(zip(COLUMNS, _read(row(decision("a", "ann", tool="sql, \"or\" 'so'"))), strict=True))
    assert shown["target"] == "sql, \"or\" 'so'" and shown["caller"] == "ann" and shown["us"] == "80"
    assert shown["verified"] == "true" and shown["roles"] == "viewer" and shown["tenant"] == "acme"


@given(st.text())
def test_every_cell_is_printable_ascii_on_one_line(text: str) -> None:
    line = row(refused("a") | {"label": text})
    assert line.isascii() and line.endswith("\r\n") and line[:-2].isprintable()
    assert len(_read(line)) == len(COLUMNS) == len(_read(heading()))


def test_what_has_no_column_of_its_own_stands_in_the_last_ones() -> None:
    shown = dict(zip(COLUMNS, _read(row({"kind": "lost", "at": "x", "count": 3, "first": "y"})), strict=True))
    assert shown["details"] == '{"count":3,"first":"y"}'


def test_words_in_the_place_of_private_fields_stay_words() -> None:
    shown = dict(zip(COLUMNS, _read(row(decision("a") | {"caller": "erased", "label": "erased"})), strict=True))
    assert (shown["caller"], shown["label"], shown["verified"]) == ("erased", "erased", "")


def test_an_outcome_fills_the_columns_of_an_outcome() -> None:
    shown = dict(zip(COLUMNS, _read(row(outcome("a"))), strict=True))
    assert (shown["status"], shown["seconds"], shown["caller"]) == ("200", "0.25", "")


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (False, "false"), (1.5, "1.5"), ([], ""), ({"a": 1}, '{"a":1}')]
)
def test_values_are_written_by_their_kind(value: object, text: str) -> None:
    assert cell(value) == text
