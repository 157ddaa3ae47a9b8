"""Where a pointer leads in arguments, in every reading that a lenient server may take."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.checks.values import MOST, as_text, every, values


def found(arguments: Any, *segments: str, kind: str = "path") -> list[Any]:
    """The values alone."""
    judged = [value for _, value in values(arguments, segments, kind)]
    assert len(every(arguments, segments, kind)) == len(judged)
    return judged


@pytest.mark.parametrize(
    ("arguments", "segments", "expected"),
    [
        ({"a": "x"}, ("a",), ["x"]),
        ({"a": ["x", "y"]}, ("a",), ["x", "y"]),
        ({"a": [["x"], ["y", ["z"]]]}, ("a",), ["x", "y", "z"]),
        ({"a": ["x", "y"]}, ("a", "*"), ["x", "y"]),
        ({"a": ["x", "y"]}, ("a", "1"), ["y"]),
        ({"a": {"b": "x", "c": "y"}}, ("a", "*"), ["x", "y"]),
        ({"a": [{"b": "x"}, {"b": "y"}]}, ("a", "*", "b"), ["x", "y"]),
        ({"a": 5, "b": 1}, ("a",), [5]),
        ({"a": {"b": "x"}}, ("a",), [{"b": "x"}]),
    ],
)
def test_a_pointer_leads_to_every_value_below_it(
    arguments: Any, segments: tuple[str, ...], expected: list[Any]
) -> None:
    assert found(arguments, *segments) == expected


@pytest.mark.parametrize("arguments", [{}, {"b": "x"}, {"a": None}, {"a": []}, {"A b": "x"}])
def test_what_is_missing_or_null_is_nothing_to_judge(arguments: Any) -> None:
    assert found(arguments, "a") == []


@pytest.mark.parametrize("single", ["../x", 5, True])
def test_a_single_value_where_a_list_is_due_is_judged_like_its_only_item(single: Any) -> None:
    assert found({"a": single}, "a", "*") == [single]
    assert found({"a": single}, "a", "*", "b") == []
    assert found({"a": None}, "a", "*") == []


def test_a_list_that_comes_as_a_text_of_json_is_gone_through() -> None:
    sent = json.dumps(["ok", "../../x"])
    assert found({"a": sent}, "a") == [sent, "ok", "../../x"]
    assert found({"a": sent}, "a", "*") == ["ok", "../../x"]


def test_an_object_that_comes_as_a_text_of_json_is_followed() -> None:
    assert found({"a": json.dumps({"b": "../x"})}, "a", "b") == ["../x"]


@pytest.mark.parametrize(
    ("arguments", "segments"),
    [
        ({"a": "ok", "A": "bad"}, ("a",)),
        ({"pat\u017f": "bad"}, ("pats",)),
        ({"o": {"Path": "bad"}}, ("o", "path")),
        ({"o": json.dumps({"PATH": "bad"})}, ("o", "path")),
        ({"o": '{"path": "bad", "path": "ok"}'}, ("o", "path")),
        ({"o": [{"path": "ok"}, {"path": "bad"}]}, ("o", "path")),
        ({"o": [[{"path": ["bad"]}]]}, ("o", "path")),
        ({"o": json.dumps([json.dumps({"path": "bad"})])}, ("o", "path")),
    ],
)
def test_a_value_that_some_reader_takes_for_the_one_meant_counts(arguments: Any, segments: tuple[str, ...]) -> None:
    assert "bad" in found(arguments, *segments)


def test_names_that_are_others_to_every_reader_do_not_count() -> None:
    assert found({"a_": "x", "b": {"a": "x"}, "aa": "x"}, "a") == []
    assert found({"o": [{"paths": "x"}, "path", 5]}, "o", "path") == []


def test_lists_in_a_text_may_be_nested_as_deep_as_they_like() -> None:
    assert found({"o": "[" * 900 + "]" * 900}, "o", "path") == []
    assert found({"o": "[" * 90_000}, "o", "path") == []


@pytest.mark.parametrize("kind", ["html", "text", "template"])
def test_texts_that_json_escapes_count_where_signs_are_forbidden(kind: str) -> None:
    assert found({"a": '["\\u003cb", {"c": "\\u003cd"}]'}, "a", kind=kind)[1:] == ["<b"]


@pytest.mark.parametrize("kind", ["code", "json", "regex", "sql"])
def test_a_text_of_json_is_content_where_a_language_is_expected(kind: str) -> None:
    assert found({"a": '["x"]'}, "a", kind=kind) == ['["x"]']


def test_brackets_that_are_no_json_stay_a_text() -> None:
    assert found({"a": "[slug]/page.tsx"}, "a") == ["[slug]/page.tsx"]
    assert found({"a": "[" * 100_000}, "a") == ["[" * 100_000]


def test_more_values_than_are_judged_end_in_one_that_is_refused() -> None:
    judged = found({"a": ["x"] * (MOST + 5)}, "a")
    assert len(judged) == MOST + 1
    assert as_text(judged[-1]) is None
    assert all(map(as_text, found({"a": ["x"] * MOST}, "a")))


@pytest.mark.parametrize(("value", "text"), [("x", "x"), (5, "5"), (True, "true"), (False, "false"), (1.5, "1.5")])
def test_a_scalar_is_judged_as_servers_read_it(value: Any, text: str) -> None:
    assert as_text(value) == text


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(['["a", ["b"]]', " [1]", '{"a": ["b"]}']),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below, max_size=3),
    max_leaves=12,
)


@settings(max_examples=60)
@given(_JSON, st.lists(st.sampled_from(["*", "a", "0"]), max_size=3))
def test_any_arguments_can_be_walked_to_scalars_and_objects(arguments: Any, segments: list[str]) -> None:
    found = list(values(arguments, segments, "path"))
    assert sorted(map(repr, every(arguments, segments, "path"))) == sorted(repr(value) for _, value in found)
    for place, value in found:
        assert type(value) is not list and value is not None
        assert len(place) + segments.count("*") >= len(segments)
