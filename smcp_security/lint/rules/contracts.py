"""Rules about `tools.*.arguments`: contracts that are missing, never act, or contradict a schema or each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Final

from smcp_security.lint.contradictions import apart, refused_by_schema, refuses_all
from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.registry import rule
from smcp_security.lint.stated import (
    Schema,
    callable_by_somebody,
    contracts_in,
    described,
    inferred,
    inferring,
    known_schemas,
    may_stand,
    node_at,
    schemas_for,
    stated_schemas,
    written_at,
)
from smcp_security.policy.globs import matches
from smcp_security.policy.places import Path, shown_key
from smcp_security.policy.tools import is_glob

if TYPE_CHECKING:
    from smcp_security.contracts.inference import Inferred

_FREE: Final = {"path": "a path", "url": "a URL", "command": "a command", "sql": "SQL", "argv_token": "an argument"}
"""Inferred kind -> what it is called. What such a text may mean a schema cannot say."""


@rule("POL420", "argument-without-contract", "medium", "medium")
def argument_without_contract(document: Document) -> Iterator[Found]:
    """A tool takes a path, a URL, a command or SQL as free text, and no contract says which.

    Why:
        A schema says that it is a text. Detection finds what is hostile everywhere; only a contract says which folders,
        hosts, programs or tables are this tool's. Asked of stated schemas, and of the server's own where a list of
        tools is known: `--tools`, or the lock file of `pins`.
    Bad:
        tools:
          read_page:
            schema: {type: object, properties: {path: {type: string, maxLength: 200}}, additionalProperties: false}
    Good:
        tools:
          read_page:
            schema: {type: object, properties: {path: {type: string, maxLength: 200}}, additionalProperties: false}
            arguments: {path: {kind: path, roots: ["/srv/library"]}}
    Fix:
        Write a contract; `smcp contracts tools.json --format yaml` proposes them. Where the kind is wrong, write
        `infer: false` for the tool.
    See: docs/policy.md#contracts https://cwe.mitre.org/data/definitions/20.html
    """
    policy = document.policy
    assert policy is not None
    for schema in (*stated_schemas(document), *known_schemas(document)):
        if not callable_by_somebody(policy, schema.tool) or not inferring(policy, schema.tool):
            continue
        judged = described(policy, schema.tool)
        for each in inferred(schema):
            if each.kind in _FREE and each.pointer not in judged and not _narrow(schema, each):
                shown = shown_key("/".join(each.pointer))
                of = "" if schema.stated else f" of {shown_key(schema.tool)}"
                told = f"{shown}{of} takes {_FREE[each.kind]} ({each.why}) as free text; write a contract of that kind"
                yield Found(_property(schema, each), told, key=True)


def _narrow(schema: Schema, argument: Inferred) -> bool:
    """Whether the schema's own pattern says what the whole text may be."""
    node = node_at(schema.schema, "".join(f"/{segment}" for segment in argument.pointer))
    pattern = node.get("pattern") if node is not None else None
    return isinstance(pattern, str) and pattern.startswith("^") and pattern.endswith("$")


def _property(schema: Schema, argument: Inferred) -> Path:
    """Where a stated schema describes the argument, or the nearest place that the policy has."""
    if not schema.stated:
        return schema.path
    at = [("items",) if segment == "*" else ("properties", segment) for segment in argument.pointer]
    return (*schema.path, *(step for steps in at for step in steps))


@rule("POL421", "contract-of-no-argument", "medium")
def contract_of_no_argument(document: Document) -> Iterator[Found]:
    """A contract is for an argument that none of the server's tools of that name has.

    Why:
        It never acts; mostly the name is misspelt, and the argument that was meant has no contract. Asked where a list
        of tools is known: `--tools`, or the lock file of `pins`.
    Bad:
        # with --tools, and a server whose find_book takes isbn
        tools:
          find_book: {arguments: {ibsn: {kind: identifier}}}
    Good:
        # with --tools, and a server whose find_book takes isbn
        tools:
          find_book: {arguments: {isbn: {kind: identifier}}}
    Fix:
        Write the name as the server has it.
    See: docs/policy.md#contracts
    """
    for each in contracts_in(document):
        schemas = schemas_for(document, each.name) if each.section == "tools" else []
        # What a schema of the policy itself does not have is POL404.
        if schemas and not any(schema.stated or may_stand(schema.schema, each.place) for schema in schemas):
            yield Found(each.path, "no tool of that name has such an argument, so this never counts", key=True)


@rule("POL422", "contract-against-schema", "high")
def contract_against_schema(document: Document) -> Iterator[Found]:
    """No value fits both a contract and the schema of its argument.

    Why:
        Both must hold, so each call with that argument is refused. Looked at are types, lengths, formats and listed
        values, of stated schemas and of the server's own where a list of tools is known.
    Bad:
        tools:
          find_book:
            schema: {type: object, properties: {since: {type: integer}}, additionalProperties: false}
            arguments: {since: {kind: date}}
    Good:
        tools:
          find_book:
            schema: {type: object, properties: {since: {type: string, maxLength: 10}}, additionalProperties: false}
            arguments: {since: {kind: date}}
    Fix:
        Write the kind that the argument is, or mend the schema.
    See: docs/policy.md#contracts
    """
    for each in contracts_in(document):
        for schema in schemas_for(document, each.name) if each.section == "tools" else ():
            node = node_at(schema.schema, each.place)
            reason = refuses_all(each.contract, node) if node is not None else ""
            if reason:
                of = "" if schema.stated else f" of {shown_key(schema.tool)}"
                yield Found(each.path, f"refuses whatever the schema{of} lets through: {reason}", key=True)
                break


@rule("POL423", "value-against-schema", "low")
def value_against_schema(document: Document) -> Iterator[Found]:
    """A contract lists a value that the schema of the argument refuses.

    Why:
        It can never come. Mostly it is misspelt, or the schema has changed since.
    Bad:
        tools:
          list_books:
            schema: {type: object, properties: {order: {enum: [title, year]}}, additionalProperties: false}
            arguments: {order: {kind: enum, values: [title, yaer]}}
    Good:
        tools:
          list_books:
            schema: {type: object, properties: {order: {enum: [title, year]}}, additionalProperties: false}
            arguments: {order: {kind: enum, values: [title, year]}}
    Fix:
        Write the value as the schema has it, or take it out.
    See: docs/policy.md#contracts
    """
    for each in contracts_in(document):
        schemas = schemas_for(document, each.name) if each.section == "tools" and each.contract.kind == "enum" else ()
        for schema in schemas:
            node = node_at(schema.schema, each.place)
            refused = refused_by_schema(each.contract, node, schema.schema) if node is not None else []
            values = each.contract.values if each.contract.kind == "enum" else ()
            # All of them: the contract as a whole is wrong, and another rule says so.
            for index in refused if len(refused) < len(values) else ():
                yield Found((*each.path, "values", index), "the schema refuses this value, so it never comes")


@rule("POL424", "contracts-apart", "high")
def contracts_apart(document: Document) -> Iterator[Found]:
    """Two entries hold for one tool, and no value fits the contracts of both.

    Why:
        Every entry that fits a tool's name holds for it, so each call with that argument is refused.
    Bad:
        tools:
          "export_*": {arguments: {format: {kind: enum, values: [csv, pdf]}}}
          export_loans: {arguments: {format: {kind: enum, values: [xlsx]}}}
    Good:
        tools:
          "export_*": {arguments: {format: {kind: enum, values: [csv, pdf, xlsx]}}}
          export_loans: {arguments: {format: {kind: enum, values: [xlsx]}}}
    Fix:
        Widen the entry with the glob to what all its tools need, or narrow its glob.
    See: docs/policy.md#tools
    """
    policy = document.policy
    assert policy is not None
    seen: set[tuple[str, str, str]] = set()
    for tool in (*policy.tools, *(document.known.tools if document.known is not None else ())):
        names = [name for name in policy.tools if name == tool or (is_glob(name) and matches(name, tool))]
        # The exact name comes last: it is the one that was written for this tool.
        for one, other in combinations(sorted(names, key=lambda name: name == tool), 2):
            for place in policy.tools[one].arguments.keys() & policy.tools[other].arguments.keys():
                reason = apart(policy.tools[one].arguments[place], policy.tools[other].arguments[place])
                if reason and (one, other, place) not in seen:
                    seen.add((one, other, place))
                    where = written_at(document, ("tools", other, "arguments"), place)
                    yield Found(
                        where, f"never holds together with the contract of {shown_key(one)}: {reason}", key=True
                    )
