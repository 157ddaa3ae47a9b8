"""JSON with places: what editors let through is let through, what is damaged has its line and column."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smcp_security.errors import PolicyError
from smcp_security.lint import json_document
from smcp_security.lint.json_document import line_starts, read_json
from smcp_security.policy.places import Places

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


def parsed(text: str) -> tuple[Any, Places]:
    """The value of a text, and its places."""
    return read_json(text, "f.json", line_starts(text))


@given(_VALUES, st.sampled_from([None, 0, 2]), st.booleans())
def test_whatever_is_json_is_read_as_json_has_it(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    found, places = parsed(text)
    assert found == value
    for path, place in places.values.items():
        assert isinstance(place, tuple)
        line = text.splitlines()[place[0] - 1] if text.isascii() else ""
        assert not line or not line[place[1] - 1 : place[1]].isspace(), (path, place)


def test_comments_and_trailing_commas_are_let_through() -> None:
    text = '// a\n{ /* b\n */ "a": [1, 2,], // c\n "b": {"c": true,},\n}\n/* d */'
    value, places = parsed(text)
    assert value == {"a": [1, 2], "b": {"c": True}}
    assert places.keys["a",] == (3, 5)
    assert places.values["b", "c"] == (4, 13)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1 "b": 2}', "f.json:1:9: not JSON: expected ,"),
        ('{"a": 1,\n "a": 2}', "f.json:2:5: not JSON: duplicate key a, first at f.json:1:2; keep one of them"),
        ("{a: 1}", 'f.json:1:2: not JSON: expected a key in "quotes"'),
        ('{"a" 1}', "f.json:1:6: not JSON: expected :"),
        ('{"a": tru}', "f.json:1:7: not JSON: expected a value"),
        ('{"a": NaN}', "f.json:1:7: not JSON: expected a value"),
        ('["a\n"]', "f.json:1:2: not JSON: a text that does not end on its line"),
        (r'["\q"]', "f.json:1:2: not JSON: a text with a damaged escape"),
        ("[1] [2]", "f.json:1:5: not JSON: expected the end of the file"),
        ("[,]", "f.json:1:2: not JSON: expected a value"),
        ("", "f.json:1:1: not JSON: expected a value"),
        ("[" + "9" * 301 + "]", "f.json:1:2: not JSON: expected a value"),
        ("[" * 102, "f.json:1:102: not JSON: expected at most 200,000 values and 100 levels"),
        ("[1, /* never ends", "f.json:1:5: not JSON: expected a value"),
    ],
)
def test_what_is_no_json_is_named_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(PolicyError) as error:
        parsed(text)
    assert problem in str(error.value)


def test_more_values_than_anybody_writes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_document, "NODES_MAX", 100)
    assert parsed(f"[{'0,' * 98}0]")[0] == [0] * 99
    with pytest.raises(PolicyError, match="expected at most 100 values"):
        parsed(f"[{'0,' * 99}0]")


@given(st.text('{}[]",:/* \n\\01tnae', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        value, _ = parsed(text)
    except PolicyError:
        return
    assert value is None or isinstance(value, dict | list | str | int | float)
