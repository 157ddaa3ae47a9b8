"""Statements after a semicolon, and values that are statements, are told from prose that begins alike."""

from __future__ import annotations

import pytest

from smcp_security.sql_grammar.operands import Reader
from smcp_security.sql_grammar.statements import is_statement, is_whole_statement

PAIRS = [
    ("drop table shoes", "drop shoes at the door"),
    ("create user kim", "create a user"),
    ("insert into shoes values (7)", "insert coin"),
    ("update shoes set size = 7", "update the shop"),
    ("select size from shoes", "select a plan"),
    ("select 7", "select seven shoes"),
    ("select *", "select all of them"),
    ("exec xp_shelf", "exec summary"),
    ("exec(@k)", "exec, at last"),
    ("declare @k int", "declare victory"),
    ("set @k = 7", "set sail"),
    ("call purge(7)", "call me"),
    ("copy shoes from program 'k'", "copy the page"),
    ("prepare k from @k", "prepare dinner for two"),
    ("desc shoes", "desc of the house"),
    ("with k as (select 7)", "with love"),
    ("begin dbms_lock.sleep(7); end", "begin at once"),
    ("if (select 7) = 7 waitfor delay '0'", "if you like"),
    ("shutdown", "shutdown at nine"),
    ("waitfor delay '0:0:7'", "waitfor me"),
    ("show tables", "show me"),
    ("grant all on shoes to kim", "grant me a wish"),
    ("load data infile 'k'", "load the car"),
]


@pytest.mark.parametrize("text", [statement for statement, _ in PAIRS])
def test_a_statement_after_a_semicolon_is_one(text: str) -> None:
    """One for each word that begins a statement."""
    assert is_statement(Reader(text))


@pytest.mark.parametrize("text", [prose for _, prose in PAIRS])
def test_prose_after_a_semicolon_is_none(text: str) -> None:
    """The honest twins."""
    assert not is_statement(Reader(text))


@pytest.mark.parametrize(
    "text",
    [
        "select @@language",
        "select * from shoes",
        "select null, 7",
        "insert into shoes (size)",
        "update shoes set size = 7",
        "delete from shoes where size > 7",
        "drop table shoes --",
        "waitfor delay '0:0:7'",
        "dbms_lock.sleep(7)",
    ],
)
def test_a_value_that_is_a_statement_is_one(text: str) -> None:
    """A sign tells it from prose."""
    assert is_whole_statement(Reader(text))


@pytest.mark.parametrize(
    "text",
    [
        "select a plan",
        "select 2 plans from the list",
        "insert into slot 7",
        "update shoes set by Monday",
        "delete from shoes where it hurts",
        "drop table tennis",
        "waitfor me",
        "7",
        "",
    ],
)
def test_prose_that_begins_like_a_statement_is_none(text: str) -> None:
    """The honest twins."""
    assert not is_whole_statement(Reader(text))
