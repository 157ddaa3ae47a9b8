"""The page of faults says what the table says, and every row names tests that there are."""

from __future__ import annotations

import ast

import pytest

from tests.faults.report import DOCUMENT, ROOT, Outcomes, document, rows, told, wrong
from tests.faults.table import Row


def cells() -> dict[str, list[str]]:
    """The rows of the page, by their fault."""
    lines = [line.strip("| ").split(" | ") for line in DOCUMENT.read_text(encoding="utf-8").splitlines()]
    return {line[0]: line for line in lines if len(line) == 4 and line[0] not in ("fault", "---")}


def functions(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("row", [pytest.param(row, id=row.fault) for row in rows()])
def test_a_row_names_tests_that_there_are(row: Row) -> None:
    assert row.tests
    for test in row.tests:
        file, _, name = test.partition("::")
        assert name in functions(file), test


def test_the_page_has_the_rows_of_the_table_and_no_others() -> None:
    assert [(line[0], line[1]) for line in cells().values()] == [(row.fault, row.promised) for row in rows()]
    assert all(line[2] for line in cells().values())


def test_the_page_shows_what_was_seen_as_the_report_writes_it() -> None:
    seen = {row.tests[0]: cells()[row.fault][2] for row in rows()}
    assert document(seen) == DOCUMENT.read_text(encoding="utf-8")


def test_a_fault_that_does_not_end_as_promised_is_told() -> None:
    outcomes = Outcomes()
    outcomes.passed = {test for row in rows() for test in row.tests}
    outcomes.seen = {row.tests[0]: "fine" for row in rows()}
    assert wrong(outcomes) == []
    first = next(rows())
    outcomes.failed = {first.tests[0]}
    assert wrong(outcomes) == [f"{first.fault}: {first.tests[0]}"]
    outcomes.failed, outcomes.passed = set(), outcomes.passed - {first.tests[0]}
    assert wrong(outcomes) == [f"{first.fault}: {first.tests[0]}"]


def test_what_the_tests_saw_goes_before_what_the_table_says() -> None:
    row = Row("fault", "promised", ("one", "two"), "as ever")
    assert told(row, {}) == "as ever"
    assert told(row, {"one": "a", "two": "b"}) == "a; b"
