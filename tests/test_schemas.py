"""Tool schemas: bounded when compiled, strict when asked, lenient exactly where servers are, silent about values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError, create_model

from smcp_security.schemas import (
    MAX_PATTERNS,
    MAX_SCHEMA_BYTES,
    MAX_SCHEMA_DEPTH,
    MAX_SCHEMA_NODES,
    MAX_VIOLATIONS,
    UnusableSchema,
    Violation,
    _validator_for,
    compile_schema,
)


def _of(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **more}


def _nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


USABLE: list[Any] = [
    {},
    {"type": "object"},
    {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"},
    {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"},
    _of({"a": {"$ref": "#/$defs/a"}}, **{"$defs": {"a": {"type": "integer"}}}),
    _of({"a": {"type": "string", "pattern": r"^[a-z]{1,20}\d+$"}}),
    _of({"child": {"$ref": "#"}}),
    _nested(MAX_SCHEMA_DEPTH - 2),
]
UNUSABLE: list[Any] = [
    None,
    True,
    [],
    "object",
    {"type": "objekt"},
    {"type": 7},
    {"properties": []},
    {"minimum": "1"},
    {"$ref": "#/$defs/missing"},
    {"$ref": "file:///etc/passwd"},
    {"$ref": "http://127.0.0.1:9/schema.json"},
    {"$ref": "other.json"},
    {"$id": "https://example.com/a/", "$ref": "b"},
    {"properties": {"a": {"$ref": "https://json.schemastore.org/package"}}},
    {"$schema": "https://attacker.example/dialect"},
    _of({"a": {"pattern": "(?=x)y"}}),
    _of({"a": {"pattern": r"(a)\1"}}),
    _of({"a": {"pattern": "("}}),
    _of({"a": {"pattern": "((a{500}){500}){500}"}}),
    {"description": "x" * (MAX_SCHEMA_BYTES + 1)},
    {"enum": list(range(MAX_SCHEMA_NODES + 1))},
    _nested(MAX_SCHEMA_DEPTH + 1),
    {"description": "\ud800"},
]


@pytest.mark.parametrize("schema", USABLE, ids=range(len(USABLE)))
def test_an_honest_schema_is_usable(schema: Any) -> None:
    assert compile_schema(schema).fits({})


@pytest.mark.parametrize("schema", UNUSABLE, ids=range(len(UNUSABLE)))
def test_a_schema_past_the_bounds_is_unusable(schema: Any) -> None:
    try:
        # What a bound does not stop is known by the first call of the tool.
        assert not compile_schema(schema).usable
    except UnusableSchema as unusable:
        assert "passwd" not in str(unusable) and "attacker" not in str(unusable)


def test_a_list_of_expensive_patterns_costs_nothing_before_the_tools_are_called() -> None:
    def tool(number: int, patterns: int) -> dict[str, Any]:
        return _of({f"a{place}": {"pattern": rf"^\p{{L}}{{40}}x{number}{place}$"} for place in range(patterns)})

    before = _validator_for.cache_info().misses
    several = [compile_schema(tool(number, MAX_PATTERNS)) for number in range(50)]
    assert _validator_for.cache_info().misses == before
    # Called, a few long patterns are compiled; many are not, and the arguments count as unchecked.
    assert not several[0].usable and compile_schema(tool(51, 1)).usable
    with pytest.raises(UnusableSchema, match="patterns"):
        compile_schema(tool(52, MAX_PATTERNS + 1))


@pytest.mark.parametrize("pattern", ["^[a-zA-Z0-9_-]{1,512}$", "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"])
def test_a_schema_full_of_ordinary_patterns_is_usable(pattern: str) -> None:
    schema = compile_schema(_of({f"a{place}": {"pattern": pattern} for place in range(MAX_PATTERNS)}))
    assert schema.usable and not schema.fits({"a0": "?"})


def test_a_schema_that_refers_to_itself_without_end_is_answered() -> None:
    circle = {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}
    for knot in ({"$ref": "#"}, {"allOf": [{"$ref": "#"}]}, circle):
        try:
            assert compile_schema(knot).fits({"a": {}}) in (True, False)
        except UnusableSchema as unusable:
            assert "a" in str(unusable)


def test_a_schema_whose_references_double_at_every_level_is_unusable() -> None:
    # A few hundred bytes that cost two to the power of the levels on every call. Sixteen show the growth and end soon.
    def doubling(levels: int) -> dict[str, Any]:
        twice = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n - 1}"}] * 2} for n in range(1, levels)}
        return {"$ref": f"#/$defs/a{levels - 1}", "$defs": {"a0": {"type": "object"}, **twice}}

    assert compile_schema(doubling(3)).fits({})
    with pytest.raises(UnusableSchema):
        compile_schema(doubling(40))


def test_the_digest_names_the_schema_whatever_the_order_of_its_keys() -> None:
    swapped = compile_schema({"required": ["a"], "type": "object"})
    assert swapped.digest == compile_schema({"type": "object", "required": ["a"]}).digest
    assert compile_schema({"type": "object"}).digest == compile_schema({"type": "object"}).digest
    assert compile_schema({"type": "object"}).digest != compile_schema({"type": "object", "required": ["a"]}).digest


class Inner(BaseModel):
    """A model inside a model."""

    n: int
    tags: list[int] = []


CASES: list[tuple[Any, list[Any]]] = [
    (int, ["5", " 5 ", "-3", "+5", "5.0", 5.0, True, "1_000", "007"]),
    (float, ["5", "5.5", True, "1e3", ".5", 7]),
    (bool, ["true", "True", "yes", "on", "off", "1", "t", "N", 1, 0, 1.0]),
    (int | None, ["5", None]),
    (list[int], [["5"], ["1", 2, "3"], "[1,2]", '["1"]', ["7"] * 20]),
    (dict[str, int], [{"a": "5"}, '{"a":1}', '{"a":"1"}']),
    (Inner, [{"n": "5"}, '{"n":5}', '{"n":"5"}', {"n": "5", "tags": ["1", "2"]}]),
    (list[Inner], [[{"n": "1"}], '[{"n":1}]', [{"n": 1}, {"n": "2", "tags": ["3"]}]]),
    (Inner | None, [None, '{"n":5}', {"n": "5"}, {"n": 1, "tags": ["1"]}]),
    (list[int] | None, [None, "[1]", ["5"], '["1"]']),
    (list[int] | str, ["[1]", ["1"]]),
    (int | str, ["5", "x"]),
    (int | bool, ["yes", "5"]),
    (Literal["a", "b"], ["a"]),
]


def _taken(model: type[BaseModel], value: Any) -> bool:
    """Whether a Python MCP server takes the value: pydantic's lax mode, after JSON inside strings was read."""
    candidates = [value]
    if isinstance(value, str) and value.startswith(("[", "{")) and value.endswith(("]", "}")):
        candidates.append(json.loads(value))
    for candidate in candidates:
        try:
            model.model_validate({"x": candidate})
        except ValidationError:
            continue
        return True
    return False


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in CASES for value in values])
def test_what_pydantic_takes_counts_as_coerced(kind: Any, value: Any) -> None:
    model = create_model("Arguments", x=(kind, ...))
    schema = compile_schema(model.model_json_schema())
    assert _taken(model, value), "the case itself must be one that servers take"
    assert schema.fits({"x": value}) or schema.fits_coerced({"x": value})


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (int, "five"),
        (int, ""),
        (int, 5.5),
        (int, "5.5"),
        (int, None),
        (int, [5]),
        (bool, "maybe"),
        (bool, 2),
        (list[int], "[1"),
        (list[int], ["a"]),
        (list[int], {"a": 1}),
        (Inner, "{}"),
        (Inner, {"n": "x"}),
        (int | None, "x"),
        (Literal["a", "b"], "c"),
        (str, 5),
        (str, None),
        (str, ["a"]),
    ],
)
def test_what_no_server_takes_is_not_coerced(kind: Any, value: Any) -> None:
    model = create_model("Arguments", x=(kind, ...))
    schema = compile_schema(model.model_json_schema())
    assert not _taken(model, value), "the case itself must be one that servers refuse"
    assert not schema.fits({"x": value}) and not schema.fits_coerced({"x": value})


SOME_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("anxtags"), inner, max_size=3),
    max_leaves=8,
)
STRICT = compile_schema(create_model("Strict", x=(Inner, ...), y=(list[int] | None, None)).model_json_schema())


@given(SOME_VALUES)
def test_asking_a_schema_never_changes_the_arguments_and_never_raises(value: Any) -> None:
    arguments = {"x": value, "y": value}
    before = json.dumps(arguments)
    STRICT.fits(arguments)
    STRICT.fits_coerced(arguments)
    assert len(STRICT.violations(arguments)) <= MAX_VIOLATIONS
    assert json.dumps(arguments) == before


def test_violations_are_few_however_many_there_are() -> None:
    schema = compile_schema(_of({"a": {"type": "array", "items": {"type": "integer"}}}))
    assert len(schema.violations({"a": ["x"] * 10_000})) == MAX_VIOLATIONS


MARKER = "Zq~payload~7"


@pytest.mark.parametrize(
    "keyword",
    [
        {"type": "integer"},
        {"enum": ["a", "b"]},
        {"const": "a"},
        {"maxLength": 2},
        {"minLength": 99},
        {"pattern": "^x$"},
        {"format": "uuid", "type": "null"},
        {"not": {"type": "string"}},
        {"anyOf": [{"type": "integer"}, {"const": 1}]},
        {"oneOf": [{"type": "string"}, {"minLength": 1}]},
        {"allOf": [{"type": "string"}, {"type": "null"}]},
        {"if": {"type": "string"}, "then": {"maxLength": 1}},
        {"$ref": "#/$defs/number"},
        False,
    ],
)
def test_a_violation_never_holds_the_value_that_caused_it(keyword: Any) -> None:
    schema = compile_schema(_of({"a": keyword}, **{"$defs": {"number": {"type": "number"}}}))
    [violation] = schema.violations({"a": MARKER})
    assert violation.where == "/a"
    assert violation.expected != "" and MARKER not in violation.expected


@pytest.mark.parametrize(
    ("schema", "arguments", "where"),
    [
        ({"additionalProperties": False}, {MARKER: 1}, ""),
        ({"propertyNames": {"maxLength": 3}}, {MARKER: 1}, ""),
        ({"patternProperties": {"^Z": {"type": "integer"}}}, {MARKER: MARKER}, "/*"),
        ({"additionalProperties": {"type": "integer"}}, {MARKER: MARKER}, "/*"),
        ({"unevaluatedProperties": False}, {MARKER: 1}, ""),
        ({"dependentRequired": {MARKER: ["b"]}}, {MARKER: 1}, ""),
        ({"maxProperties": 0}, {MARKER: 1}, ""),
        ({"minProperties": 2}, {MARKER: 1}, ""),
        ({"properties": {"a": {"uniqueItems": True}}}, {"a": [MARKER, MARKER]}, "/a"),
        ({"properties": {"a": {"contains": {"type": "null"}}}}, {"a": [MARKER]}, "/a"),
        ({"properties": {"a": {"items": {"maxLength": 1}}}}, {"a": ["b", MARKER]}, "/a/1"),
        ({"properties": {"a": {"additionalProperties": {"type": "null"}}}}, {"a": {MARKER: {MARKER: 1}}}, "/a/*"),
    ],
)
def test_keys_that_no_schema_declares_are_shown_as_a_star(
    schema: dict[str, Any], arguments: dict[str, Any], where: str
) -> None:
    found = compile_schema(schema).violations(arguments)
    assert [violation.where for violation in found] == [where]
    assert all(MARKER not in violation.expected or "dependent" in violation.expected for violation in found)


def test_declared_keys_are_shown_as_a_json_pointer() -> None:
    schema = compile_schema(_of({"a/b": _of({"c~d": {"type": "integer"}})}))
    assert schema.violations({"a/b": {"c~d": "x"}}) == [Violation("/a~1b/c~0d", 'type ["integer"]')]


def test_an_undeclared_argument_is_an_extra() -> None:
    schema = compile_schema(_of({"a": {}}))
    assert schema.extras({"a": 1, "b": 2}) and not schema.extras({"a": 1}) and not schema.extras({})


@pytest.mark.parametrize(
    ("properties", "mirrored"),
    [
        ({"r": {"type": "string", "x-mcp-header": "Region"}}, {"mcp-param-region": (("r",), "string")}),
        (
            {"o": _of({"n": {"type": "integer", "x-mcp-header": "N"}})},
            {"mcp-param-n": (("o", "n"), "integer")},
        ),
        ({"r": {"type": "string"}}, {}),
        ({"r": {"type": "object", "x-mcp-header": "R"}}, {}),
        ({"r": {"type": "string", "x-mcp-header": ""}}, {}),
        ({"r": {"type": "string", "x-mcp-header": "a b"}}, {}),
        ({"r": {"type": "string", "x-mcp-header": 5}}, {}),
        ({"a": {"type": "string", "x-mcp-header": "R"}, "b": {"type": "string", "x-mcp-header": "r"}}, {}),
    ],
)
def test_mirrored_headers_are_read_from_the_schema(properties: dict[str, Any], mirrored: dict[str, Any]) -> None:
    assert compile_schema(_of(properties)).mirrored == mirrored


def test_a_reference_to_a_file_that_exists_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text('{"type": "integer"}', encoding="utf-8")
    for reference in (file.as_uri(), f"{file.as_uri()}#", str(file)):
        with pytest.raises(UnusableSchema):
            compile_schema(_of({"a": {"$ref": reference}}))
    with pytest.raises(UnusableSchema):
        compile_schema({"$id": tmp_path.as_uri() + "/", **_of({"a": {"$ref": "schema.json"}})})


def test_a_schema_that_branches_into_itself_is_coerced_in_bounded_work() -> None:
    knot = {"allOf": [{"$ref": "#/$defs/N"}, {"$ref": "#/$defs/N"}]}
    schema = _of({"x": {"type": "integer"}}, **{"$defs": {"N": knot}, "allOf": [{"$ref": "#/$defs/N"}]})
    assert not compile_schema(schema).fits_coerced({"x": "a"})
