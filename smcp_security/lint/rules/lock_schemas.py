"""Rules about the schemas of tools: what no reader can use, and what readers disagree on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from smcp_security.lint.definitions import inputs_in, schemas_in, tools_in
from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.registry import rule
from smcp_security.lint.shapes import (
    backtracks,
    parameters,
    patterns_of,
    references,
    runs,
    subschemas,
    unknown_required,
)
from smcp_security.pointer import at_pointer
from smcp_security.policy.places import shown_key
from smcp_security.schemas import UnusableSchema, compile_schema

_BOUNDS: Final = (
    ("minLength", "maxLength"), ("minimum", "maximum"), ("minItems", "maxItems"), ("minProperties", "maxProperties"),
    ("exclusiveMinimum", "exclusiveMaximum"),
)  # fmt: skip


def _is_local(reference: str) -> bool:
    return reference == "#" or reference.startswith("#/")


def _dangles(schema: Any, reference: str) -> bool:
    return reference.startswith("#/") and at_pointer(schema, reference) is None


@rule("LCK101", "remote-reference", "high", reads="tools")
def remote_reference(document: Document) -> Iterator[Found]:
    """A schema refers to another file or host.

    Why:
        Some readers fetch it: from the inside of a network, of a host that the server's author chose, and other words
        tomorrow than today. smcp-security never does, so the tool's arguments cannot be held against its schema.
    Bad:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"isbn": {"$ref": "https://library.example/isbn.json"}},
          "additionalProperties": false
        }}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"isbn": {"$ref": "#/$defs/isbn"}},
          "additionalProperties": false,
          "$defs": {"isbn": {"type": "string", "maxLength": 17}}
        }}]}
    Fix:
        Write the schema that is meant under `$defs`, and refer to it by `#/$defs/...`.
    See: https://json-schema.org/understanding-json-schema/structuring https://cwe.mitre.org/data/definitions/918.html
    """
    for root, schema in schemas_in(document):
        for path, reference in references(schema, root):
            if not _is_local(reference):
                yield Found(path, "leads out of the schema, and is never followed; write what is meant under $defs")


@rule("LCK102", "dangling-reference", "medium", reads="tools")
def dangling_reference(document: Document) -> Iterator[Found]:
    """A schema refers to a part of itself that is not there.

    Why:
        Readers differ: some refuse the whole schema, some take anything in its place.
    Bad:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"isbn": {"$ref": "#/$defs/isbm"}},
          "additionalProperties": false,
          "$defs": {"isbn": {"type": "string", "maxLength": 17}}
        }}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"isbn": {"$ref": "#/$defs/isbn"}},
          "additionalProperties": false,
          "$defs": {"isbn": {"type": "string", "maxLength": 17}}
        }}]}
    Fix:
        Write the name as `$defs` has it.
    See: https://json-schema.org/understanding-json-schema/structuring
    """
    for root, schema in schemas_in(document):
        for path, reference in references(schema, root):
            if path[-1] == "$ref" and _dangles(schema, reference):
                yield Found(path, "leads to nothing in this schema; write the name as $defs has it")


@rule("LCK103", "unusable-schema", "high", reads="tools")
def unusable_schema(document: Document) -> Iterator[Found]:
    """A schema is wrong in itself, or larger than anybody should follow.

    Why:
        smcp-security cannot hold the tool's arguments against it, and clients that try fail in ways of their own.
        Bounds are 64 KiB, 32 levels, 5,000 values, and 50,000 with references followed.
    Bad:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object", "properties": {"isbn": {"type": "text"}}, "additionalProperties": false
        }}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object", "properties": {"isbn": {"type": "string", "maxLength": 17}}, "additionalProperties": false
        }}]}
    Fix:
        Correct the keyword, or cut the schema down; types are object, array, string, number, integer, boolean, null.
    See: https://json-schema.org/understanding-json-schema/reference/type
    """
    for root, schema in schemas_in(document):
        if any(not _is_local(each) or _dangles(schema, each) for _, each in references(schema, root)):
            continue
        if any(not runs(pattern) for _, pattern in patterns_of(schema)):
            continue
        try:
            usable = compile_schema(schema).usable
        except UnusableSchema as error:
            yield Found(root, f"cannot be used ({error}); cut it down")
            continue
        if not usable:
            yield Found(root, "is no valid JSON Schema; correct its keywords and types")


@rule("LCK104", "foreign-pattern", "medium", reads="tools")
def foreign_pattern(document: Document) -> Iterator[Found]:
    r"""A pattern needs look-around, a back-reference or another thing that runs on few engines.

    Why:
        Engines that promise linear time (RE2, Rust, Go) cannot run it, so smcp-security cannot hold arguments against
        the schema, and elsewhere such patterns are the slow ones.
    Bad:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"isbn": {"type": "string", "maxLength": 17, "pattern": "^(?!0)[0-9]{10}$"}},
          "additionalProperties": false
        }}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"isbn": {"type": "string", "maxLength": 17, "pattern": "^[1-9][0-9]{9}$"}},
          "additionalProperties": false
        }}]}
    Fix:
        Say what is allowed, not what must not follow; leave the rest to the tool.
    See: https://github.com/google/re2/wiki/Syntax
    """
    for root, schema in schemas_in(document):
        for path, pattern in patterns_of(schema, root):
            if not runs(pattern):
                key = path[-2] == "patternProperties"
                yield Found(path, "runs on no engine of linear time; write it without look-around", key=key)


@rule("LCK105", "backtracking-pattern", "medium", "medium", reads="tools")
def backtracking_pattern(document: Document) -> Iterator[Found]:
    r"""A pattern repeats what repeats already.

    Why:
        Engines that try every way (JavaScript, Python, Java, .NET) need minutes for a text of forty characters that
        almost fits. Whoever checks arguments with this schema can be stopped by one call. Here the pattern is linear.
    Bad:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"title": {"type": "string", "maxLength": 200, "pattern": "^(\\w+\\s?)*$"}},
          "additionalProperties": false
        }}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"title": {"type": "string", "maxLength": 200, "pattern": "^\\w+(\\s\\w+)*$"}},
          "additionalProperties": false
        }}]}
    Fix:
        Begin or end each round with a sign that stands nowhere else in it.
    See: https://cwe.mitre.org/data/definitions/1333.html
    """
    for root, schema in schemas_in(document):
        for path, pattern in patterns_of(schema, root):
            if backtracks(pattern):
                key = path[-2] == "patternProperties"
                yield Found(path, "repeats what repeats; part the rounds by a sign of their own", key=key)


@rule("LCK106", "loose-pattern", "low", "medium", reads="tools")
def loose_pattern(document: Document) -> Iterator[Found]:
    """A pattern is not tied to the beginning and the end of the text.

    Why:
        JSON Schema looks for a pattern anywhere in a text: `[a-z]+` takes `; rm -rf / a` as well.
    Bad:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"isbn": {"type": "string", "maxLength": 17, "pattern": "[0-9-]{10,17}"}},
          "additionalProperties": false
        }}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"isbn": {"type": "string", "maxLength": 17, "pattern": "^[0-9-]{10,17}$"}},
          "additionalProperties": false
        }}]}
    Fix:
        Write `^` before the pattern and `$` behind it.
    See: https://json-schema.org/understanding-json-schema/reference/regular_expressions
    """
    for root, schema in inputs_in(document):
        for path, pattern in patterns_of(schema, root):
            # One sign that must be somewhere ("not blank") is meant to be found anywhere.
            tied = pattern.startswith(("^", "(^", "\\A")) and pattern.endswith(("$", "$)", "\\z"))
            if path[-1] == "pattern" and not tied and len(pattern) > 2 and not pattern.startswith("^(?!"):
                yield Found(path, "is found anywhere in a text; tie it with ^ and $")


@rule("LCK111", "unknown-required", "medium", reads="tools")
def unknown_required_name(document: Document) -> Iterator[Found]:
    """An argument is required that the schema does not describe.

    Why:
        Mostly the name is misspelt, and the argument that was meant is optional. With `additionalProperties: false` no
        call fits at all.
    Bad:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"isbn": {"type": "string", "maxLength": 17}},
          "required": ["ibsn"],
          "additionalProperties": false
        }}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"isbn": {"type": "string", "maxLength": 17}},
          "required": ["isbn"],
          "additionalProperties": false
        }}]}
    Fix:
        Write the name as `properties` have it.
    See: https://json-schema.org/understanding-json-schema/reference/object
    """
    for root, schema in schemas_in(document):
        for path, name in unknown_required(schema, root):
            yield Found(path, f"{shown_key(name)} is required and not among the properties; mend the name")


@rule("LCK112", "impossible-value", "medium", reads="tools")
def impossible_value(document: Document) -> Iterator[Found]:
    """No value fits: the lowest bound is above the highest, or a list of choices is empty.

    Why:
        The tool cannot be called as its author meant, and clients that do not check send what nobody has thought of.
    Bad:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"isbn": {"type": "string", "minLength": 17, "maxLength": 13}},
          "additionalProperties": false
        }}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"isbn": {"type": "string", "minLength": 13, "maxLength": 17}},
          "additionalProperties": false
        }}]}
    Fix:
        Exchange the bounds, or write the choices.
    See: https://json-schema.org/understanding-json-schema/reference
    """
    for root, schema in schemas_in(document):
        for path, node in subschemas(schema, root):
            if node.get("enum") == []:
                yield Found((*path, "enum"), "holds no choice, so no value fits; write what is allowed")
            for least, most in _BOUNDS:
                if _number(node.get(least)) > _number(node.get(most), else_=float("inf")):
                    yield Found((*path, least), f"is larger than {most}, so no value fits; exchange the two")


def _number(value: object, else_: float = float("-inf")) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return else_
    try:
        return float(value)
    except OverflowError:
        return else_


@rule("LCK113", "default-out-of-schema", "low", reads="tools")
def default_out_of_schema(document: Document) -> Iterator[Found]:
    """The default of a parameter is not what its own schema allows.

    Why:
        A client that fills it in is refused, and one that does not lets the tool go on with a value that nobody
        could have sent.
    Bad:
        {"tools": [{"name": "list_books", "description": "Lists books.", "inputSchema": {
          "type": "object",
          "properties": {"order": {"enum": ["title", "year"], "default": "author"}},
          "additionalProperties": false
        }}]}
    Good:
        {"tools": [{"name": "list_books", "description": "Lists books.", "inputSchema": {
          "type": "object",
          "properties": {"order": {"enum": ["title", "year"], "default": "title"}},
          "additionalProperties": false
        }}]}
    Fix:
        Write a default that fits, or allow it.
    See: https://json-schema.org/understanding-json-schema/reference/annotations
    """
    for root, schema in inputs_in(document):
        for path, _, node in parameters(schema, root):
            # `null` stands for "left out" in what many libraries write.
            if node.get("default") is not None and not _fits(node, schema):
                yield Found((*path, "default"), "is not what this schema allows; write a default that fits")


def _fits(node: Any, root: Any) -> bool:
    definitions = {key: root[key] for key in ("$defs", "definitions") if isinstance(root.get(key), dict)}
    try:
        compiled = compile_schema({**definitions, **node})
        return not compiled.usable or compiled.fits(node["default"])
    except UnusableSchema:
        return True


@rule("LCK114", "missing-schema", "medium", reads="tools")
def missing_schema(document: Document) -> Iterator[Found]:
    """A tool has no schema for its arguments, or one that is for no object.

    Why:
        MCP demands one whose type is `object`. Without it arguments are held against nothing, and clients leave the
        tool out or send what they like.
    Bad:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {}}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.",
          "inputSchema": {"type": "object", "additionalProperties": false}}]}
    Fix:
        Write `type: object` and the properties; without parameters also `additionalProperties: false`.
    See: https://modelcontextprotocol.io/specification/2025-11-25/server/tools
    """
    for tool in tools_in(document):
        schema = tool.definition.get("inputSchema")
        if not isinstance(schema, dict):
            yield Found(tool.path, "has no schema for its arguments; write inputSchema with type: object")
        elif schema.get("type") != "object":
            yield Found((*tool.path, "inputSchema"), "is not for an object, as MCP demands; write type: object")
