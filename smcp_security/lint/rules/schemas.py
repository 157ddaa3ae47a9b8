"""Rules about `tools.*.schema`: what a stated schema leaves open, and what no call can fit."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from smcp_security.lint.document import Document
from smcp_security.lint.finding import Edit, Fix, Found
from smcp_security.lint.registry import rule
from smcp_security.lint.shapes import (
    Node,
    backtracks,
    open_objects,
    patterns_of,
    unbounded_lists,
    unbounded_texts,
    unknown_required,
)
from smcp_security.lint.stated import described, stated_schemas
from smcp_security.policy.places import Path, shown_key


def _pointer_of(path: Path) -> tuple[str, ...]:
    """The place in the arguments that a path inside of a schema is about."""
    found: list[str] = []
    for at, segment in enumerate(path):
        if segment == "items":
            found.append("*")
        elif at and path[at - 1] == "properties" and (at < 2 or path[at - 2] != "properties"):
            found.append(str(segment).replace("~", "~0").replace("/", "~1"))
    return tuple(found)


@rule("POL410", "stated-text-without-end", "low")
def stated_text_without_end(document: Document) -> Iterator[Found]:
    """A stated schema lets texts of any length through.

    Why:
        Whatever reads them after the check (a database, a model, a disk) is where the length begins to cost. Places
        that have a contract are not meant: contracts have a `max_length`.
    Bad:
        tools:
          find_book:
            schema: {type: object, properties: {title: {type: string}}, additionalProperties: false}
    Good:
        tools:
          find_book:
            schema: {type: object, properties: {title: {type: string, maxLength: 200}}, additionalProperties: false}
    Fix:
        Write `maxLength`, or a contract for the place.
    See: docs/policy.md#tools https://cwe.mitre.org/data/definitions/770.html
    """
    assert document.policy is not None
    for tool, schema, path, _ in stated_schemas(document):
        judged = described(document.policy, tool)
        for at in unbounded_texts(schema):
            if _pointer_of(at) not in judged:
                yield Found((*path, *at), "a text of any length fits; write maxLength", key=True)


@rule("POL411", "stated-list-without-end", "low")
def stated_list_without_end(document: Document) -> Iterator[Found]:
    """A stated schema lets lists of any length through.

    Why:
        One call then does the work of a hundred thousand, and counts as one where calls are counted.
    Bad:
        tools:
          find_books:
            schema:
              type: object
              properties: {isbns: {type: array, items: {type: string, maxLength: 17}}}
              additionalProperties: false
    Good:
        tools:
          find_books:
            schema:
              type: object
              properties: {isbns: {type: array, maxItems: 50, items: {type: string, maxLength: 17}}}
              additionalProperties: false
    Fix:
        Write `maxItems`.
    See: docs/policy.md#tools https://cwe.mitre.org/data/definitions/770.html
    """
    for _, schema, path, _ in stated_schemas(document):
        for at in unbounded_lists(schema):
            yield Found((*path, *at), "a list of any length fits; write maxItems", key=True)


@rule("POL412", "stated-object-open", "info", persona="strict", fixes="unsafe")
def stated_object_open(document: Document) -> Iterator[Found]:
    """A stated schema lets arguments through that it does not describe.

    Why:
        Servers that spread arguments into calls or queries take what nobody has thought of, such as `is_admin`.
        `arguments: {extras: deny}` closes the outermost level of every tool; what lies deeper only the schema closes.
    Bad:
        tools:
          find_book:
            schema: {type: object, properties: {title: {type: string, maxLength: 200}}}
    Good:
        tools:
          find_book:
            schema: {type: object, properties: {title: {type: string, maxLength: 200}}, additionalProperties: false}
    Fix:
        Write `additionalProperties: false`, after a look at what clients send.
    See: docs/policy.md#tools https://cwe.mitre.org/data/definitions/915.html
    """
    assert document.policy is not None
    closed = document.policy.arguments.extras == "deny"
    for _, schema, path, _ in stated_schemas(document):
        for at in open_objects(schema):
            if at or not closed:
                told = "members that nobody described fit; write additionalProperties: false"
                yield Found((*path, *at), told, key=True, fix=_closed(document, (*path, *at)))


def _closed(document: Document, path: Path) -> Fix | None:
    """The edit that writes `additionalProperties: false` as the first member of an object."""
    value = document.at(path)
    if not isinstance(value, dict) or not value or "additionalProperties" in value:
        return None
    place = document.places.keys.get((*path, next(iter(value))))
    if not isinstance(place, tuple):
        return None
    start, line = document.offset(*place), document.line(place[0])
    indent = line[: place[1] - 1]
    if document.is_json:
        text = '"additionalProperties": false, '
    elif indent.strip(" -"):
        text = "additionalProperties: false, "
    else:
        text = f"additionalProperties: false\n{' ' * len(indent)}"
    return Fix((Edit(start, start, text),), safe=False)


@rule("POL413", "stated-pattern-slow", "low", "medium")
def stated_pattern_slow(document: Document) -> Iterator[Found]:
    r"""A pattern of a stated schema repeats what repeats already.

    Why:
        Here it runs in linear time. Engines that try every way (JavaScript, Python, Java, .NET) need minutes for a
        text of forty characters that almost fits, and whoever copies the schema to a client or a server has that.
    Bad:
        tools:
          find_book:
            schema:
              type: object
              properties: {title: {type: string, maxLength: 200, pattern: '^(\w+\s?)*$'}}
              additionalProperties: false
    Good:
        tools:
          find_book:
            schema:
              type: object
              properties: {title: {type: string, maxLength: 200, pattern: '^\w+(\s\w+)*$'}}
              additionalProperties: false
    Fix:
        Begin or end each round with a sign that stands nowhere else in it.
    See: https://cwe.mitre.org/data/definitions/1333.html
    """
    for _, schema, path, _ in stated_schemas(document):
        for at, pattern in patterns_of(schema):
            if backtracks(pattern):
                key = at[-2:-1] == ("patternProperties",)
                yield Found((*path, *at), "repeats what repeats; part the rounds by a sign of their own", key=key)


@rule("POL414", "stated-pattern-loose", "low", "medium")
def stated_pattern_loose(document: Document) -> Iterator[Found]:
    """A pattern of a stated schema is not tied to the beginning and the end of the text.

    Why:
        JSON Schema looks for a pattern anywhere in a text: `[0-9-]{10,17}` takes `; rm -rf / 0-306-40615-2` as well.
        A contract of the kind regex must match the whole text.
    Bad:
        tools:
          find_book:
            schema:
              type: object
              properties: {isbn: {type: string, maxLength: 40, pattern: "[0-9-]{10,17}"}}
              additionalProperties: false
    Good:
        tools:
          find_book:
            schema:
              type: object
              properties: {isbn: {type: string, maxLength: 40, pattern: "^[0-9-]{10,17}$"}}
              additionalProperties: false
    Fix:
        Write `^` before the pattern and `$` behind it.
    See: https://json-schema.org/understanding-json-schema/reference/regular_expressions
    """
    for _, schema, path, _ in stated_schemas(document):
        for at, pattern in patterns_of(schema):
            tied = pattern.startswith(("^", "(^", r"\A")) and pattern.endswith(("$", "$)", r"\z"))
            # One sign that must be somewhere ("not blank") is meant to be found anywhere.
            if at[-1] == "pattern" and not tied and len(pattern) > 2:
                yield Found((*path, *at), "is found anywhere in a text; tie it with ^ and $")


@rule("POL415", "stated-required-unknown", "medium", fixes="unsafe")
def stated_required_unknown(document: Document) -> Iterator[Found]:
    """A stated schema requires an argument that it does not describe.

    Why:
        Mostly the name is misspelt, and the argument that was meant is optional. With `additionalProperties: false`
        no call fits at all.
    Bad:
        tools:
          find_book:
            schema:
              type: object
              properties: {isbn: {type: string, maxLength: 17}}
              required: [ibsn]
              additionalProperties: false
    Good:
        tools:
          find_book:
            schema:
              type: object
              properties: {isbn: {type: string, maxLength: 17}}
              required: [isbn]
              additionalProperties: false
    Fix:
        Write the name as `properties` have it.
    See: docs/policy.md#tools
    """
    for _, schema, path, _ in stated_schemas(document):
        for at, name in unknown_required(schema):
            where = (*path, *at)
            known = document.at((*where[:-2], "properties"))
            taken = document.at(where[:-1])
            close = get_close_matches(name, known if isinstance(known, dict) else (), n=1)
            fix = Fix((document.replaced(where, close[0]),), safe=False) if close and close[0].isidentifier() else None
            hint = f"; did you mean {shown_key(close[0])}?" if close else "; describe it, or take it out"
            again = fix is not None and isinstance(taken, list) and close[0] in taken
            yield Found(where, f"{shown_key(name)} is not among the properties{hint}", fix=None if again else fix)


@rule("POL416", "stated-schema-foreign", "medium")
def stated_schema_foreign(document: Document) -> Iterator[Found]:
    """A stated schema and the server's own have no call in common.

    Why:
        The policy's schema counts before the server's. Where it forbids what the server requires, or requires what the
        server refuses, each call fails on one of the two. Asked where a list of tools is known: `--tools`, or the lock
        file of `pins`.
    Bad:
        # with --tools, and a server whose find_book requires isbn
        tools:
          find_book:
            schema: {type: object, properties: {title: {type: string, maxLength: 200}}, additionalProperties: false}
    Good:
        # with --tools, and a server whose find_book requires isbn
        tools:
          find_book:
            schema: {type: object, properties: {isbn: {type: string, maxLength: 17}}, additionalProperties: false}
    Fix:
        Describe the arguments that the server has.
    See: docs/policy.md#tools
    """
    tools = document.known.tools if document.known is not None else {}
    for tool, schema, path, _ in stated_schemas(document):
        definition = tools.get(tool)
        announced = definition.get("inputSchema") if isinstance(definition, dict) else None
        if not isinstance(announced, dict):
            continue
        for name in _lacking(announced, schema):
            yield Found(path, f"leaves no room for {shown_key(name)}, which the server requires", key=True)
        for name in _lacking(schema, announced):
            yield Found(path, f"requires {shown_key(name)}, which the server refuses; take it out", key=True)


def _lacking(asking: Node, giving: Node) -> list[str]:
    """The names that one schema requires and another, which is closed, does not have."""
    required, properties = asking.get("required"), giving.get("properties", {})
    closed = giving.get("additionalProperties") is False and not {"allOf", "anyOf", "oneOf", "$ref"} & giving.keys()
    if not closed or not isinstance(required, list) or not isinstance(properties, dict):
        return []
    if "patternProperties" in giving:
        return []
    return [name for name in required if isinstance(name, str) and name not in properties]
