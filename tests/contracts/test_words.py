"""Names as words, however they are written."""

from __future__ import annotations

import pytest

from smcp_security.contracts.words import MAX_NAME, any_of, vocabulary, words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("file_path", "file path"), ("filePath", "file path"), ("FilePath", "file path"), ("file-paths", "file path"),
        ("db.runQuery", "db run query"), ("SQLQuery", "sql query"), ("imageURL", "image url"), ("queries", "query"),
        ("mcp__git__git_diff", "mcp git git diff"), ("k8s_get", "k8s get"), ("neo4j-read", "neo4j read"),
        ("file_name2", "file name 2"), ("aws", "aws"), ("css", "css"), ("branches", "branch"), ("status", "status"),
        ("", ""), ("путь", ""), ("x" * (MAX_NAME + 1), ""),
    ],
)  # fmt: skip
def test_a_name_falls_into_its_words(name: str, expected: str) -> None:
    assert words(name) == tuple(expected.split())


def test_a_vocabulary_is_spelt_as_names_are() -> None:
    assert vocabulary("queries aws files") == {"query", "aws", "file"}
    assert any_of(words("listFiles"), vocabulary("files"))
    assert not any_of((), vocabulary("files"))
