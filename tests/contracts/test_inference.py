"""Kinds from a tool's JSON Schema: formats first, names after, and only where a text can stand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcp_security.contracts.inference import infer, infer_argument

TEXT = {"type": "string"}


def _kinds(tool: str, properties: dict[str, Any], description: str = "", **root: Any) -> dict[str, str]:
    schema = {"type": "object", "properties": properties, **root}
    return {"/".join(each.pointer): each.kind for each in infer(tool, schema, description)}


@pytest.mark.parametrize(
    ("node", "kind"),
    [
        ({"format": "uri"}, "url"), ({"format": "email"}, "email"), ({"format": "uuid"}, "uuid"),
        ({"format": "date-time"}, "date"), ({"format": "hostname"}, "hostname"), ({"format": "regex"}, "regex"),
        ({"format": "file-path"}, "path"), ({"enum": ["a", "b"]}, "enum"), ({"const": "a"}, "enum"),
        ({"contentMediaType": "text/html"}, "html"), ({"contentMediaType": "text/x-python"}, "code"),
        ({"contentMediaType": "application/json"}, "json"),
        ({"anyOf": [{"type": "null"}, TEXT | {"format": "uri"}]}, "url"),
        ({"anyOf": [TEXT | {"format": "uri"}, {"type": "integer"}]}, "url"),
        ({"type": ["string", "null"], "format": "uri"}, "url"),
        ({"allOf": [{"$ref": "#/$defs/Address"}]}, "url"), ({"$ref": "#/$defs/Address"}, "url"),
    ],
)  # fmt: skip
def test_what_the_schema_says_comes_before_the_name(node: dict[str, Any], kind: str) -> None:
    node = node if node.keys() & {"type", "anyOf", "allOf", "$ref"} else TEXT | node
    defs = {"Address": TEXT | {"format": "uri"}}
    assert _kinds("anything", {"value": node}, **{"$defs": defs}) == {"value": kind}
    assert _kinds("query_database", {"sql": node}, **{"$defs": defs}) == {"sql": kind}


@pytest.mark.parametrize(
    "node",
    [
        {"type": "integer"}, {"type": "boolean"}, {"type": "object"}, {"anyOf": [{"type": "integer"},
        {"type": "null"}]},
        {"type": "string", "format": "uri-template"}, {"type": "string", "format": "json-pointer"},
        {"type": "string", "contentMediaType": "image/png"}, True, False, None, 7, {"$ref": "#/$defs/Count"},
    ],
)  # fmt: skip
def test_where_no_text_or_another_one_stands_the_name_is_not_read(node: Any) -> None:
    assert _kinds("read_file", {"path": node}, **{"$defs": {"Count": {"type": "integer"}}}) == {}


def test_a_text_without_a_format_is_known_by_its_name() -> None:
    properties = {"path": TEXT, "query": TEXT, "head": {"type": "integer"}, "note": TEXT, "untyped_url": {}}
    assert _kinds("read_file", properties) == {"path": "path", "untyped_url": "url"}


def test_alternatives_that_disagree_leave_it_to_the_name() -> None:
    either = {"anyOf": [TEXT | {"format": "uri"}, TEXT]}
    assert _kinds("load", {"value": either, "path": either}) == {"path": "path"}


def test_items_and_members_of_objects_are_found_by_their_pointers() -> None:
    file = {"type": "object", "properties": {"path": TEXT, "content": TEXT, "mode": {"enum": ["a", "b"]}}}
    properties = {
        "files": {"type": "array", "items": file},
        "paths": {"type": "array", "items": TEXT},
        "options": {"anyOf": [{"type": "object", "properties": {"callback_url": TEXT}}, {"type": "null"}]},
        "matrix_urls": {"type": "array", "items": {"type": "array", "items": TEXT}},
    }
    assert _kinds("push", properties) == {
        "files/*/path": "path",
        "files/*/content": "document",
        "files/*/mode": "enum",
        "paths/*": "path",
        "options/callback_url": "url",
        "matrix_urls/*/*": "url",
    }


def test_a_filter_of_a_document_database_is_an_object_of_operators() -> None:
    filter_ = {"type": "object", "properties": {"path": TEXT}}
    assert _kinds("mongodb_find", {"filter": filter_}) == {"filter": "nosql"}
    assert (
        _kinds("mongodb_aggregate", {"pipeline": {"type": "array", "items": {"type": "object"}}})["pipeline"] == "nosql"
    )
    assert _kinds("list_files", {"filter": filter_}) == {"filter/path": "path"}


def test_a_description_helps_a_word_with_two_meanings() -> None:
    told = TEXT | {"description": "The SQL statement to run."}
    assert _kinds("execute", {"query": told}) == {"query": "sql"}
    assert _kinds("execute", {"query": TEXT}, "Runs a read-only SQL query against the warehouse.") == {"query": "sql"}
    assert _kinds("execute", {"query": TEXT}) == {}
    assert _kinds("do_it", {"note": told, "title": told}) == {}


def test_a_search_is_no_query_language_whatever_its_description_says() -> None:
    assert _kinds("search_docs", {"query": TEXT}, "Searches the documentation of our SQL dialect.") == {}


def test_one_argument_is_inferred_as_in_its_tool() -> None:
    node = {"type": "array", "items": TEXT}
    assert getattr(infer_argument("git_add", "files", node), "pointer", None) == ("files", "*")
    assert infer_argument("git_add", "files", {"type": "integer"}) is None
    found = infer_argument("fetch", "url", None)
    assert found is not None
    assert (found.pointer, found.kind, found.why) == (("url",), "url", "its name says URL")


def test_an_unknown_schema_tells_nothing_of_its_arguments() -> None:
    assert infer("read_file", None) == ()
    assert infer("read_file", {}) == ()
    assert infer("read_file", {"properties": ["path"]}) == ()


def test_a_schema_that_refers_to_itself_comes_to_an_end() -> None:
    node = {"type": "object", "properties": {"path": TEXT, "child": {"$ref": "#/$defs/Node"}, "own": {"$ref": "#"}}}
    schema = {"$ref": "#/$defs/Node", "$defs": {"Node": node, "Loop": {"$ref": "#/$defs/Loop"}}}
    found = infer("tree", schema)
    assert {each.kind for each in found} == {"path"}
    assert 1 < len(found) < 2_000
    assert infer("tree", {"properties": {"x": {"$ref": "#/$defs/Loop"}}, "$defs": schema["$defs"]}) == ()


def test_a_huge_schema_costs_a_bounded_number_of_steps() -> None:
    many: dict[str, Any] = {f"path{number}": TEXT for number in range(100_000)}
    assert len(infer("tool", {"properties": many})) <= 2_000
    wide = {"anyOf": [{"anyOf": [TEXT] * 1_000}] * 1_000}
    assert infer("tool", {"properties": {"url": wide}})[0].kind == "url"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["string", "object", "#", "#/$defs/a", "uri", "path"]),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "properties",
                    "items",
                    "$ref",
                    "$defs",
                    "anyOf",
                    "allOf",
                    "format",
                    "enum",
                    "path",
                    "a",
                    "description",
                ]
            ),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(["type", "properties", "$ref", "$defs", "anyOf"]), _JSON), st.text(max_size=10))
def test_any_json_for_a_schema_is_read_without_an_error(schema: dict[str, Any], tool: str) -> None:
    for each in infer(tool, schema):
        assert each.pointer
        assert each.kind
