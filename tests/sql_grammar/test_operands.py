"""Operands and comparisons are told from words."""

from __future__ import annotations

import pytest

from smcp_security.sql_grammar.operands import Reader, Sure
from smcp_security.sql_grammar.tokens import MAX_TOKENS


@pytest.mark.parametrize(
    ("text", "sure"),
    [
        ("7", Sure.PLAIN),
        ("'k'", Sure.PLAIN),
        ("colour", Sure.PLAIN),
        ("((7))", Sure.PLAIN),
        ("-~7", Sure.PLAIN),
        ("7 + 8", Sure.PLAIN),
        ("@k", Sure.PLAIN),
        ("purge(7)", Sure.PLAIN),
        ("not 7", Sure.PLAIN),
        ("@@k", Sure.CERTAIN),
        ("char(7)", Sure.CERTAIN),
        ("dbms_x.y(7)", Sure.CERTAIN),
        ("(select 7)", Sure.CERTAIN),
        ("case when 7", Sure.CERTAIN),
        ("7 + char(7)", Sure.CERTAIN),
        ("exists (select k)", Sure.CERTAIN),
        ("the", Sure.NOT),
        ("like", Sure.NOT),
        ("(select)", Sure.NOT),
        ("case of wine", Sure.NOT),
        ("purge(7", Sure.NOT),
        (",", Sure.NOT),
        ("", Sure.NOT),
    ],
)
def test_an_operand_is_as_sure_as_its_form(text: str, sure: Sure) -> None:
    """Only SQL has subqueries, its own functions and system variables."""
    assert Reader(text).operand() == sure


@pytest.mark.parametrize(
    "text",
    ["= 7", "<> 'k'", "like 'k%'", "not like 'k'", "between 7 and 8", "in (7)", "is null", "is not true", "|| 'k'"],
)
def test_a_comparison_is_read_whole(text: str) -> None:
    """And nothing of it is left."""
    reader = Reader(text)
    assert reader.comparison() == Sure.PLAIN
    assert reader.over()


@pytest.mark.parametrize("text", ["like a dream", "in time", "is fine", "between 7 or 8", "not now", "of 7", "=", ""])
def test_prose_is_no_comparison(text: str) -> None:
    """The honest twins."""
    assert Reader(text).comparison() == Sure.NOT


def test_a_reader_ends_at_its_bound() -> None:
    """What stands further on is not looked at."""
    reader = Reader("a " * 100)
    reader.place = MAX_TOKENS
    assert reader.peek().kind == "end"
    assert reader.over()
    assert reader.done()
