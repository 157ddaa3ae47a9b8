"""Rules about what the schemas of tools leave open, and what they should not ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from smcp_security.lint.definitions import inputs_in, tools_in
from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.registry import rule
from smcp_security.lint.shapes import open_objects, parameters, unbounded_lists, unbounded_texts
from smcp_security.policy.places import Path, shown_key
from smcp_security.redaction.naming import PASSWORD, SECRET, says

_CONTENT: Final = ("type", "enum", "const", "$ref", "allOf", "anyOf", "oneOf", "not", "if", "$dynamicRef")


@rule("LCK107", "untyped-parameter", "low", reads="tools")
def untyped_parameter(document: Document) -> Iterator[Found]:
    """A parameter may be anything: text, list or object.

    Why:
        What a tool does with a list where it expects a text is for it alone to know, and no contract is inferred.
    Bad:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object", "properties": {"isbn": {"description": "Its number"}}, "additionalProperties": false
        }}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"isbn": {"description": "Its number", "type": "string", "maxLength": 17}},
          "additionalProperties": false
        }}]}
    Fix:
        Write the type that the tool expects.
    See: https://json-schema.org/understanding-json-schema/reference/type
    """
    for root, schema in inputs_in(document):
        for path, _, node in parameters(schema, root):
            if not any(key in node for key in _CONTENT):
                yield Found(path, "may be anything; write the type that the tool expects", key=True)


def _first(
    document: Document, find: Callable[[Any, Path], list[Path]], one: str, many: str, advice: str
) -> Iterator[Found]:
    """One finding for each tool: hundreds of the same would hide all others."""
    for root, schema in inputs_in(document):
        paths = find(schema, root)
        if paths:
            names = [shown_key(str(path[-1])) for path in paths if path[-2:-1] == ("properties",)][:3]
            told = f" ({', '.join(names)}{', ...' if len(paths) > 3 else ''})" if names else ""
            what = one if len(paths) == 1 else many.format(len(paths))
            yield Found(paths[0], f"{what}{told}; {advice}", key=True)


@rule("LCK108", "unbounded-text", "info", reads="tools")
def unbounded_text(document: Document) -> Iterator[Found]:
    """Texts among the arguments may be of any length.

    Why:
        A bound costs a word and keeps megabytes out of databases, prompts and logs. `limits.max_body` bounds the whole
        message, this the one argument. Each tool is reported once.
    Bad:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object", "properties": {"isbn": {"type": "string"}}, "additionalProperties": false
        }}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object", "properties": {"isbn": {"type": "string", "maxLength": 17}}, "additionalProperties": false
        }}]}
    Fix:
        Write `maxLength`; where the server is not yours, a contract with `max_length` in the policy does the same.
    See: docs/policy.md#contracts https://cwe.mitre.org/data/definitions/770.html
    """
    yield from _first(
        document, unbounded_texts, "a text may be of any length", "{} texts may be of any length", "write maxLength"
    )


@rule("LCK109", "unbounded-list", "info", reads="tools")
def unbounded_list(document: Document) -> Iterator[Found]:
    """Lists among the arguments may hold any number of items.

    Why:
        One call then does the work of a hundred thousand, and counts as one where calls are counted. Each tool is
        reported once.
    Bad:
        {"tools": [{"name": "find_books", "description": "Finds books.", "inputSchema": {
          "type": "object",
          "properties": {"isbns": {"type": "array", "items": {"type": "string", "maxLength": 17}}},
          "additionalProperties": false
        }}]}
    Good:
        {"tools": [{"name": "find_books", "description": "Finds books.", "inputSchema": {
          "type": "object",
          "properties": {"isbns": {"type": "array", "maxItems": 50, "items": {"type": "string", "maxLength": 17}}},
          "additionalProperties": false
        }}]}
    Fix:
        Write `maxItems`, or state a schema in the policy where the server is not yours.
    See: docs/policy.md#tools https://cwe.mitre.org/data/definitions/770.html
    """
    yield from _first(
        document, unbounded_lists, "a list may hold any number of items", "{} lists may hold any number of items",
        "write maxItems",
    )  # fmt: skip


@rule("LCK110", "open-object", "info", reads="tools")
def open_object(document: Document) -> Iterator[Found]:
    """An object takes members that the schema does not describe.

    Why:
        Servers that spread arguments into calls or queries take what nobody has thought of, such as `is_admin`. Each
        tool is reported once.
    Bad:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object", "properties": {"isbn": {"type": "string", "maxLength": 17}}
        }}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object", "properties": {"isbn": {"type": "string", "maxLength": 17}}, "additionalProperties": false
        }}]}
    Fix:
        Write `additionalProperties: false`.
    See: https://json-schema.org/understanding-json-schema/reference/object https://cwe.mitre.org/data/definitions/915.html
    """
    advice = "write additionalProperties: false"
    for root, schema in inputs_in(document):
        paths = open_objects(schema, root)
        if paths:
            what = "an object takes" if len(paths) == 1 else f"{len(paths)} objects take"
            yield Found(paths[0], f"{what} members that nobody described; {advice}", key=True)


@rule("LCK115", "secret-parameter", "medium", "medium", reads="tools")
def secret_parameter(document: Document) -> Iterator[Found]:
    """A tool wants a credential as an argument.

    Why:
        The model has to know it then: it stands in the conversation, in the logs of the client and of the model's
        provider, and can be asked for by whatever text the model reads next.
    Bad:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"api_key": {"type": "string", "maxLength": 100}},
          "additionalProperties": false
        }}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"page_token": {"type": "string", "maxLength": 100}},
          "additionalProperties": false
        }}]}
    Fix:
        Keep the credential where the tool runs, in the vault or its environment, and take the parameter out.
    See: docs/vault.md https://cwe.mitre.org/data/definitions/522.html
    """
    for root, schema in inputs_in(document):
        for path, name, node in parameters(schema, root):
            if says(name) in (PASSWORD, SECRET) and node.get("type", "string") == "string":
                yield Found(path, "makes the model handle a credential; keep it in the vault of the server", key=True)


@rule("LCK116", "undescribed-parameter", "info", reads="tools", persona="strict")
def undescribed_parameter(document: Document) -> Iterator[Found]:
    """A parameter has no description.

    Why:
        A model guesses what belongs there, and who reviews the lock file guesses what changed when it changes.
    Bad:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object", "properties": {"q": {"type": "string", "maxLength": 17}}, "additionalProperties": false
        }}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.", "inputSchema": {
          "type": "object",
          "properties": {"q": {"type": "string", "maxLength": 17, "description": "The ISBN, with or without hyphens"}},
          "additionalProperties": false
        }}]}
    Fix:
        Say in a sentence what belongs there.
    See: https://modelcontextprotocol.io/specification/2025-11-25/server/tools
    """
    for root, schema in inputs_in(document):
        for path, _, node in parameters(schema, root):
            if "description" not in node and "$ref" not in node:
                yield Found(path, "has no description; say in a sentence what belongs there", key=True)


@rule("LCK117", "no-output-schema", "info", reads="tools", persona="strict")
def no_output_schema(document: Document) -> Iterator[Found]:
    """A tool does not say what its results look like.

    Why:
        Results cannot be held against anything: a server that answers with instructions in place of a number is as
        right as any.
    Bad:
        {"tools": [{"name": "count_books", "description": "Counts the books.",
          "inputSchema": {"type": "object", "additionalProperties": false}}]}
    Good:
        {"tools": [{"name": "count_books", "description": "Counts the books.",
          "inputSchema": {"type": "object", "additionalProperties": false},
          "outputSchema": {"type": "object", "properties": {"count": {"type": "integer"}},
            "required": ["count"], "additionalProperties": false}}]}
    Fix:
        Write `outputSchema`; SDKs make it of the return type.
    See: https://modelcontextprotocol.io/specification/2025-11-25/server/tools
    """
    for tool in tools_in(document):
        if not isinstance(tool.definition.get("outputSchema"), dict):
            yield Found(tool.path, "does not say what its results look like; write outputSchema")
