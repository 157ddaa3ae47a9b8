"""Text becomes the tokens that a database would see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.sql_grammar.tokens import MAX_TOKENS, tokens


def kinds(text: str) -> list[str]:
    return [token.kind for token in tokens(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b = 1", ["word", "compare", "number"]),
        ("0x4b<=>1e3", ["number", "compare", "number"]),
        ("'it''s' \"k\" 'open", ["string", "string", "string"]),
        ("n'k'", ["string"]),
        ("'a\\'b'", ["string"]),
        ("/* note */ or /*!50000 1*/", ["word", "number"]),
        ("a -- rest\n or b", ["word", "word", "word"]),
        ("a -- rest", ["word", "comment"]),
        ("a # rest", ["word", "comment"]),
        ("a #rest", ["word", "other"]),
        ("a /* rest", ["word", "comment"]),
        ("a\0 rest", ["word", "comment"]),
        ("@@x||@y&&z", ["variable", "both", "variable", "both", "word"]),
        ("(1),[k] `k`;", ["open", "number", "close", "comma", "word", "word", "semicolon"]),
        ("a == b", ["word", "other"]),
        ("12ab", ["other"]),
        ("caf\u00e9 {", ["word", "other"]),
        ("", []),
    ],
)
def test_text_is_cut_where_sql_cuts_it(text: str, expected: list[str]) -> None:
    """Comments are blanks where they end; what SQL has not ends the reading."""
    assert kinds(text) == expected


@given(st.text(max_size=60))
def test_reading_ends_whatever_the_text(text: str) -> None:
    """At most twice as many as are looked at, and nothing follows what SQL has not."""
    found = kinds(text.lower())
    assert len(found) <= 2 * MAX_TOKENS
    assert not {"comment", "other"} & set(found[:-1])
