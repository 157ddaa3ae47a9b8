"""Tool schemas: the bounds, what JSON cannot hold, and which patterns a linear matcher can run."""

from __future__ import annotations

from typing import Any

import pytest

from smcp_security.policy.tool_schema import checked
from smcp_security.policy.tool_schema_problem import SchemaProblem
from smcp_security.schemas import MAX_SCHEMA_DEPTH, MAX_SCHEMA_NODES


def _nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"not": schema}
    return {"type": "object", **schema}


def test_a_schema_is_copied_so_that_its_owner_cannot_change_it() -> None:
    given: dict[str, Any] = {"type": "object", "properties": {"q": {"type": "string"}}}
    taken = checked(given)
    assert taken == given
    assert taken["properties"] is not given["properties"]


def test_a_schema_within_the_bounds_is_taken() -> None:
    assert checked(_nested(MAX_SCHEMA_DEPTH - 2))
    assert checked({"type": "object", "enum": list(range(MAX_SCHEMA_NODES - 3))})


@pytest.mark.parametrize(
    "schema", [_nested(MAX_SCHEMA_DEPTH), _nested(10_000), {"type": "object", "enum": list(range(MAX_SCHEMA_NODES))}]
)
def test_a_schema_beyond_the_bounds_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaProblem, match="at most 5,000 nodes and 32 levels"):
        checked(schema)


def test_a_schema_that_holds_itself_is_refused() -> None:
    schema: dict[str, Any] = {"type": "object"}
    schema["not"] = schema
    with pytest.raises(SchemaProblem, match="at most"):
        checked(schema)


@pytest.mark.parametrize("value", [{1, 2}, b"x", object(), float("nan"), float("inf"), {1: 2}, (1, 2)])
def test_a_schema_with_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(SchemaProblem, match="expected values that JSON can hold"):
        checked({"type": "object", "const": value})


@pytest.mark.parametrize("value", [1, 1.5, "x", None, True, [1], {"a": 1}])
def test_a_schema_with_what_json_holds_is_taken(value: object) -> None:
    assert checked({"type": "object", "const": value})["const"] == value


@pytest.mark.parametrize("pattern", ["(?=a)", "(?!a)", "(?<=a)", "(?<!a)", r"(a)\1", r"(?<n>a)\k<n>", r"\\(?=a)"])
def test_a_pattern_with_look_around_or_back_reference_is_refused(pattern: str) -> None:
    for part in ({"pattern": pattern}, {"patternProperties": {pattern: True}}):
        with pytest.raises(SchemaProblem, match="linear time"):
            checked({"type": "object", "properties": {"q": part}})


@pytest.mark.parametrize("pattern", ["(?:a)", "(?P<n>a)", "(?<n>a)", r"\(?=a", r"\\1", r"\d{1,3}", "[a-z]+$", ""])
def test_a_pattern_that_only_looks_alike_is_taken(pattern: str) -> None:
    assert checked({"type": "object", "properties": {"q": {"pattern": pattern}}})


@pytest.mark.parametrize("reference", ["#", "#/$defs/a", "#/properties/q/anyOf/1", "#/$defs/b%20c", "#here"])
def test_a_reference_that_stays_inside_is_taken(reference: str) -> None:
    assert checked({
        "type": "object",
        "properties": {"q": {"anyOf": [{"$ref": reference}, {"$anchor": "here"}]}},
        "$defs": {"a": True, "b c": {}},
    })  # fmt: skip


@pytest.mark.parametrize(
    "reference", ["#/$defs/x", "#/type", "#/properties/q/anyOf/9", "#/properties/q/anyOf/-1", "#nowhere"]
)
def test_a_reference_that_leads_to_no_schema_is_refused(reference: str) -> None:
    with pytest.raises(SchemaProblem, match="leads nowhere"):
        checked({"type": "object", "properties": {"q": {"anyOf": [{"$ref": reference}]}}})


@pytest.mark.parametrize("reference", ["x", "http://x", "file:///etc/passwd", "", "urn:x", "//x/y"])
def test_a_reference_that_leaves_the_schema_is_refused(reference: str) -> None:
    for keyword in ("$ref", "$dynamicRef"):
        with pytest.raises(SchemaProblem, match="none is fetched"):
            checked({"type": "object", "allOf": [{keyword: reference}]})


def test_a_word_in_a_value_is_not_taken_for_a_keyword() -> None:
    assert checked({
        "type": "object",
        "properties": {"$ref": {"type": "string"}, "propertes": {}},
        "examples": [{"$ref": "http://x", "definitions": 1}],
        "default": {"pattern": "(?=a)"},
    })  # fmt: skip


def test_the_message_of_a_meta_schema_error_does_not_repeat_the_value() -> None:
    with pytest.raises(SchemaProblem) as caught:
        checked({"type": "object", "required": ["hunter2", "hunter2"]})
    assert (caught.value.at, str(caught.value)) == (("required",), "expected each entry once")
