"""Checks a tool's JSON Schema when the policy loads: its meta-schema, its references, its size. Imports jsonschema.

Messages are ours and name keywords only: the library's own repeat the values that they refuse.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from math import isfinite
from typing import Any, Final
from urllib.parse import unquote

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from smcp_security.policy.places import Path
from smcp_security.policy.tool_schema_problem import SchemaProblem
from smcp_security.schemas import MAX_SCHEMA_DEPTH, MAX_SCHEMA_NODES

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_BY_NAME: Final = ("properties", "patternProperties", "$defs", "dependentSchemas")
_BY_INDEX: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE: Final = (
    "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties", "contentSchema",
)  # fmt: skip
_PLAIN: Final = (
    "$schema", "$id", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor", "$comment", "$vocabulary", "type", "enum",
    "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength",
    "pattern", "maxItems", "minItems", "uniqueItems", "maxContains", "minContains", "maxProperties", "minProperties",
    "required", "dependentRequired", "title", "description", "default", "deprecated", "readOnly", "writeOnly",
    "examples", "format", "contentEncoding", "contentMediaType",
)  # fmt: skip
_KEYWORDS: Final = frozenset((*_BY_NAME, *_BY_INDEX, *_SINGLE, *_PLAIN))
_ESCAPED_PAIR: Final = re.compile(r"\\\\")
_BACKTRACKING: Final = re.compile(r"(?<!\\)\(\?<?[=!]|\\[1-9]|\\k<")
_DEAD: Final = {
    "definitions": "$defs",
    "dependencies": "dependentRequired or dependentSchemas",
    "additionalItems": "prefixItems with items",
    "$recursiveRef": "$dynamicRef",
    "$recursiveAnchor": "$dynamicAnchor",
}


def checked(schema: object) -> dict[str, Any]:
    """A private copy of `schema`, a JSON Schema of draft 2020-12 for the arguments of a tool.

    Raises:
        SchemaProblem: not a mapping, too large, refused by the meta-schema, a keyword that nothing reads, a reference
            that leaves the schema or leads nowhere, or a pattern that no linear matcher can run.
    """
    if not isinstance(schema, Mapping):
        raise SchemaProblem((), "expected a JSON Schema as a mapping")
    _check_size(schema)
    if schema.get("type") != "object":
        raise SchemaProblem(("type",), "expected type: object, since arguments are always an object")
    _check_meta(schema)
    for at, part in _subschemas(schema):
        _check_keywords(at, part)
        _check_references(at, part, schema)
        _check_patterns(at, part)
    return copy.deepcopy(dict(schema))


def _check_size(schema: Mapping[str, Any]) -> None:
    pending: list[tuple[Any, int]] = [(schema, 1)]
    nodes = 0
    while pending:
        value, depth = pending.pop()
        nodes += 1
        if nodes > MAX_SCHEMA_NODES or depth > MAX_SCHEMA_DEPTH:
            raise SchemaProblem(
                (), f"expected a schema of at most {MAX_SCHEMA_NODES:,} nodes and {MAX_SCHEMA_DEPTH} levels"
            )
        pending.extend((child, depth + 1) for child in _children(value))


def _children(value: object) -> Iterable[Any]:
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return value.values()
    if isinstance(value, list):
        return value
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and isfinite(value)):
        return ()
    raise SchemaProblem((), "expected values that JSON can hold")


def _check_meta(schema: Mapping[str, Any]) -> None:
    if schema.get("$schema", DIALECT) not in (DIALECT, f"{DIALECT}#"):
        raise SchemaProblem(("$schema",), f"expected {DIALECT}; leave $schema out or convert the schema")
    error = best_match(_meta_validator().iter_errors(schema))
    if error is not None:
        raise SchemaProblem(tuple(error.absolute_path), _explained(error))


@cache
def _meta_validator() -> Draft202012Validator:
    return Draft202012Validator(Draft202012Validator.META_SCHEMA)


def _explained(error: ValidationError) -> str:
    """What the meta-schema wants there, from the keyword and its value alone."""
    keyword, wanted = str(error.validator), error.validator_value
    if error.absolute_path and error.absolute_path[-1] == "type":
        return "expected array, boolean, integer, null, number, object or string, or a list of them"
    if keyword == "type":
        return f"expected {' or '.join(wanted) if isinstance(wanted, list) else wanted}"
    if keyword in ("minimum", "exclusiveMinimum", "minItems"):
        return f"expected at least {wanted}" if keyword != "exclusiveMinimum" else f"expected more than {wanted}"
    if keyword == "uniqueItems":
        return "expected each entry once"
    return f"not what JSON Schema 2020-12 allows here ({keyword})"


def _subschemas(schema: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every place in a valid schema that is itself a schema, with its path; booleans have nothing to check."""
    pending: list[tuple[Path, Any]] = [((), schema)]
    while pending:
        at, part = pending.pop()
        if isinstance(part, Mapping):
            yield at, part
            pending.extend(_below(at, part))


def _below(at: Path, part: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    for keyword in part.keys() & {*_BY_NAME}:
        yield from (((*at, keyword, name), child) for name, child in part[keyword].items())
    for keyword in part.keys() & {*_BY_INDEX}:
        yield from (((*at, keyword, index), child) for index, child in enumerate(part[keyword]))
    for keyword in part.keys() & {*_SINGLE}:
        yield (*at, keyword), part[keyword]


def _check_keywords(at: Path, part: Mapping[str, Any]) -> None:
    for keyword in part.keys() - _KEYWORDS:
        if keyword in _DEAD:
            raise SchemaProblem((*at, keyword), f"JSON Schema 2020-12 does not read it; use {_DEAD[keyword]}")
        close = get_close_matches(keyword, _KEYWORDS, n=1, cutoff=0.8)
        if close:
            raise SchemaProblem((*at, keyword), f"unknown keyword, so nothing would check it; did you mean {close[0]}?")


def _check_references(at: Path, part: Mapping[str, Any], root: Mapping[str, Any]) -> None:
    if at and "$id" in part:
        raise SchemaProblem((*at, "$id"), "expected no $id inside the schema: it would move the target of references")
    for keyword in ("$ref", "$dynamicRef"):
        reference = part.get(keyword, "#")
        if not reference.startswith("#"):
            raise SchemaProblem(
                (*at, keyword), "expected a reference inside this schema (#/$defs/...): none is fetched"
            )
        if not _leads_somewhere(reference[1:], root):
            raise SchemaProblem((*at, keyword), "the reference leads nowhere in this schema")


def _leads_somewhere(fragment: str, root: Mapping[str, Any]) -> bool:
    if not fragment.startswith("/"):
        anchors = (part.get(name) for _, part in _subschemas(root) for name in ("$anchor", "$dynamicAnchor"))
        return not fragment or fragment in anchors
    value: Any = root
    for segment in unquote(fragment[1:]).split("/"):
        value = _step(value, segment.replace("~1", "/").replace("~0", "~"))
    return isinstance(value, Mapping | bool)


def _step(value: object, segment: str) -> object:
    if isinstance(value, Mapping):
        return value.get(segment)
    if isinstance(value, list) and segment.isascii() and segment.isdecimal() and len(segment) < 6:
        return value[int(segment)] if int(segment) < len(value) else None
    return None


def _check_patterns(at: Path, part: Mapping[str, Any]) -> None:
    patterns: list[tuple[Path, str]] = [(("pattern",), part.get("pattern", ""))]
    patterns += [(("patternProperties", pattern), pattern) for pattern in part.get("patternProperties", ())]
    for below, pattern in patterns:
        if _BACKTRACKING.search(_ESCAPED_PAIR.sub("", pattern)):
            raise SchemaProblem(
                (*at, *below), "look-around and back-references cannot be matched in linear time; rewrite the pattern"
            )
