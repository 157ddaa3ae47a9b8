"""SQL before any parser: texts that two databases read differently, and a second statement in an inferred argument."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.sql_text import Reader, second_statement

_DOUBTFUL = [
    r"SELECT 'a\'; DROP TABLE t; --'", r"SELECT 'C:\'", r'SELECT "a\" FROM t', "SELECT 1 /*! UNION SELECT 2 */",
    "SELECT 1 /*M! UNION SELECT 2 */", "SELECT /*+ SET_VAR(x=1) */ 1", "SELECT 1 /* /* */ UNION SELECT 2 */",
    "SELECT 1 /* open", "SELECT 1 */", "SELECT 1 --2", "SELECT 1 # x", "SELECT 'open", 'SELECT "open', "SELECT $$x$$",
    "SELECT $a$x$a$", "SELECT a$$b", "SELECT U&'\\0041'", 'SELECT U&"\\0070w" FROM t', "SELECT u&'x'",
    "SELECT q'[it's]'",
    "SELECT nQ'[x]'", "SELECT 1 {# x #}", "SELECT {{ x }}", "SELECT {% x %}", "SELECT {fn now()}", "SELECT `a`",
    "SELECT a\\gexec", "\\! id", "SELECT 1\x00", "SELECT 1 -- x\rDROP TABLE t", "SELECT 1\x0b", "SELECT 1\u00a0",
    "SELECT 1\u2028", "SELECT 1\uff1b", "\u017fELECT 1", "SELECT 1\u200b", "SELECT a\u037e", "SELECT ｓ FROM t",
    "SELECT m['k']", "SELECT 1 // 2", "SELECT '\x1b[0m'", "SELECT '\ud800'",
]  # fmt: skip


@pytest.mark.parametrize("text", _DOUBTFUL)
def test_a_text_of_two_readings_is_refused_in_common_sql(text: str) -> None:
    assert Reader("").quotes_end(text) is None


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("SELECT 'it''s', \"a b\" FROM t -- all of it", {13, 20}),
        ("SELECT 'a\\b' /* why */ FROM t", {11}),
        ("SELECT ';--' , '/* x'", {11, 20}),
        ("SELECT 'naïve' AS größe", {13}),
        ("SELECT a -- it's\nFROM t", set()),
        ("SELECT a[1], $1, v$session", set()),
        ("SELECT '\t\n'", {10}),
        ("", set()),
    ],
)
def test_a_text_of_one_reading_says_where_its_quotes_end(text: str, ends: set[int]) -> None:
    assert Reader("").quotes_end(text) == ends


@pytest.mark.parametrize(
    ("dialect", "text", "plain"),
    [
        ("mysql", "SELECT `a` FROM t # all", True), ("mysql", "SELECT 5--1", False),
        ("mysql", r"SELECT 'it\'s'", False),
        ("postgres", "SELECT a#b --x", True), ("postgres", "SELECT `a`", False),
        ("postgres", r"SELECT E'it\'s'", False),
        ("bigquery", r"SELECT 'it\'s'", True), ("bigquery", "SELECT `p.d.t`", True),
        ("bigquery", r"SELECT r'\'", False),
        ("bigquery", "SELECT '''a''' , 1", False), ("clickhouse", r"SELECT 'it\'s', 'it''s'", True),
        ("clickhouse", "SELECT {x:UInt8}", True), ("snowflake", "SELECT 1 // all", True),
        ("duckdb", "SELECT {'a': 1}, 7 // 2", True), ("tsql", "SELECT [a b] FROM #t", True),
        ("tsql", "SELECT [a'b] FROM t", False), ("sqlite", "SELECT [a b]", True),
        ("postgres", "SELECT {'a': 1}", False),
    ],
)  # fmt: skip
def test_each_dialect_has_its_own_quotes_and_comments(dialect: str, text: str, plain: bool) -> None:
    assert (Reader(dialect).quotes_end(text) is not None) is plain


@pytest.mark.parametrize(
    "text",
    [
        "COMMIT; DROP SCHEMA public CASCADE;", "commit;select 1", "ROLLBACK ; SELECT 1", "END; x",
        "SELECT 1; DROP TABLE t",
        "select 1;delete from t", "SELECT 1;\n\n  UPDATE t SET a = 1", "SELECT 1; INSERT INTO t VALUES (1)",
        "SELECT 1;/**/DROP TABLE t", "SELECT 1; -- x\nDROP TABLE t", "SELECT 1 /*!; DROP TABLE t */",
        "SELECT 1;/*!50000 DROP TABLE t*/", "SHOW TABLES; GRANT ALL ON t TO x", "SELECT 1; EXEC xp_cmdshell 'x'",
        "SELECT 1; COPY t TO PROGRAM 'x'", r"SELECT 'a\'; DROP TABLE t; --'", r"SELECT 'a\'b'; DROP TABLE t",
        "1; DROP TABLE t", "x'; DROP TABLE t; --", "SELECT 1; (DELETE FROM t)",
        "WITH a AS (SELECT 1) SELECT 1; TRUNCATE t",
        "SELECT 1; SELECT 2; DROP TABLE t", "EXPLAIN SELECT 1; DROP TABLE t", "SELECT 1;;;DROP TABLE t",
        "SELECT 1; SET ROLE admin", "SELECT 1; ATTACH 'x' AS y", "SELECT 1; SHUTDOWN", "SELECT 1 --1; DROP TABLE t",
        "SELECT 1; CALL f()", "SELECT 1; REPLACE INTO t VALUES (1)", "SELECT 1;\u00a0; DROP TABLE t",
    ],
)  # fmt: skip
def test_a_statement_that_hides_behind_another_is_seen(text: str) -> None:
    assert second_statement(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1", "SELECT 1;", "COMMIT;", "ROLLBACK ;\n", "SELECT 1; SELECT 2;", "SELECT '; DROP TABLE t'",
        'SELECT "; DROP TABLE t"', "SELECT `; DROP TABLE t`", "SELECT 1 -- ; DROP TABLE t",
        "SELECT 1 /* ; DROP TABLE t */",
        "BEGIN; UPDATE t SET a = 1; COMMIT;",
        "CREATE TABLE t (a INT); INSERT INTO t VALUES (1); CREATE INDEX i ON t (a);",
        "INSERT INTO t VALUES ('a;b'); DELETE FROM u", "SET search_path = x; DELETE FROM t",
        "DROP TABLE a; DROP TABLE b",
        "how do I drop a table; and update it", "it's fine; really", "", ";", "plan a; drop in; update me",
    ],
)  # fmt: skip
def test_one_statement_or_an_honest_script_passes(text: str) -> None:
    assert not second_statement(text)


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet=st.sampled_from("aS1'\"`\\;-/*#$[]{}()\n ") | st.characters(), max_size=40))
def test_no_text_makes_a_reader_raise(text: str) -> None:
    second_statement(text)
    for dialect in ("", "mysql", "bigquery", "tsql", "clickhouse"):
        Reader(dialect).quotes_end(text)


_FAMILIES = [
    ";", "'", '"', "'\\", '"\\', ";/*", "/*", "/**/", "-- \n", "--", "\\", "`", "[a", "['", "$a", "{", ";UPDATE ",
    "; (",
    "/*!1", "''", "U&", "q'", "'\"`", "ä", ";\n", "*/", "/*/",
]  # fmt: skip


@pytest.mark.parametrize("piece", _FAMILIES)
def test_a_long_hostile_text_is_read_to_its_end(piece: str) -> None:
    """Each of them took a quadratic reading of some kind half a minute."""
    text = piece * (60_000 // len(piece))
    assert not second_statement(text + ";")
    for dialect in ("", "mysql", "bigquery", "tsql"):
        Reader(dialect).quotes_end(text)
