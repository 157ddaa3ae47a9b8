"""What a JSON Schema of a tool says and leaves open, with paths into it. Pure; follows no reference, takes anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from smcp_security.lint.backtracking import backtracks, widest
from smcp_security.policy.places import Path
from smcp_security.schemas import UnusableSchema, compile_schema

__all__ = ["backtracks"]

Node: TypeAlias = Mapping[str, Any]

_NODES_MAX: Final = 5_000
_DEPTH_MAX: Final = 40
"""What is larger is out of the bounds of `schemas.py`, which a rule of its own says."""

_MAPS: Final = ("properties", "patternProperties", "$defs", "definitions")
_LISTS: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLES: Final = ("items", "additionalProperties", "unevaluatedProperties", "additionalItems", "unevaluatedItems")
_APART: Final = ("not", "if", "then", "else", "contains", "propertyNames", "dependentSchemas")
"""What speaks of a value that is described elsewhere as well."""

_SHORT: Final = 200
_CHOICES: Final = ("$ref", "allOf", "anyOf", "oneOf")
# A list may have thousands, and compiling one takes a millisecond.
_PLAIN: Final = re.compile(r"\^?(?:[A-Za-z0-9 _@/,:;-]|\[[A-Za-z0-9 _.@/]+-?\][+*?]?|\\[dws.][+*?]?)*\$?", re.ASCII)
_BOUNDED: Final = frozenset("date date-time time duration uuid ipv4 ipv6".split())
"""Formats that say how long a text can be."""


def subschemas(schema: Any, path: Path = (), *, apart: bool = True) -> Iterator[tuple[Path, Node]]:
    """Every schema in a schema and itself, in order, with its path; few thousand at most.

    Without `apart` those only that describe a value by themselves: no `not`, `if` or `contains`.
    """
    pending: list[tuple[Path, Any]] = [(path, schema)]
    left = _NODES_MAX
    while pending and left > 0:
        at, node = pending.pop()
        left -= 1
        if not isinstance(node, dict) or len(at) - len(path) > 2 * _DEPTH_MAX:
            continue
        yield at, node
        pending += reversed(list(_below(at, node, apart)))


def _below(path: Path, node: Node, apart: bool) -> Iterator[tuple[Path, Any]]:
    for key, value in node.items():
        if isinstance(value, dict) and (key in _MAPS or (apart and key == "dependentSchemas")):
            yield from (((*path, key, name), each) for name, each in value.items())
        elif isinstance(value, list) and (key in _LISTS or key == "items"):
            yield from (((*path, key, place), each) for place, each in enumerate(value))
        elif isinstance(value, dict) and (key in _SINGLES or (apart and key in _APART)):
            yield (*path, key), value


def _types(node: Node) -> tuple[Any, ...]:
    said = node.get("type")
    return tuple(said) if isinstance(said, list) else (said,)


def references(schema: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every `$ref` and `$dynamicRef`, and every `$id` below the root."""
    for at, node in subschemas(schema, path):
        for key in ("$ref", "$dynamicRef", "$recursiveRef", "$id"):
            if isinstance(node.get(key), str) and not (key == "$id" and at == path):
                yield (*at, key), node[key]


def patterns_of(schema: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every pattern, those of `patternProperties` with the path of what they are for."""
    for at, node in subschemas(schema, path):
        if isinstance(node.get("pattern"), str):
            yield (*at, "pattern"), node["pattern"]
        named = node.get("patternProperties")
        for name in named if isinstance(named, dict) else ():
            yield (*at, "patternProperties", name), name


@lru_cache(maxsize=16_384)
def runs(pattern: str) -> bool:
    """Whether the engine can run a pattern: no look-around, no back-reference, not too large."""
    if _PLAIN.fullmatch(pattern) is not None and len(pattern) < _SHORT:
        return True
    try:
        return compile_schema({"type": "string", "pattern": pattern}).usable
    except UnusableSchema:
        return False


def unbounded_texts(schema: Any, path: Path = ()) -> list[Path]:
    """The texts that may be of any length."""
    return [at for at, node in subschemas(schema, path, apart=False) if "string" in _types(node) and _is_endless(node)]


def _is_endless(node: Node) -> bool:
    if any(key in node for key in ("maxLength", "enum", "const", *_CHOICES)):
        return False
    if node.get("format") in _BOUNDED:
        return False
    pattern = node.get("pattern")
    if not isinstance(pattern, str) or not (pattern.startswith("^") and pattern.endswith("$")):
        return True
    return widest(pattern) is None


def unbounded_lists(schema: Any, path: Path = ()) -> list[Path]:
    """The lists that may hold any number of items."""
    return [at for at, node in subschemas(schema, path, apart=False) if "array" in _types(node) and _grows(node)]


def _grows(node: Node) -> bool:
    if any(key in node for key in ("maxItems", "enum", "const", *_CHOICES)):
        return False
    fixed = isinstance(node.get("prefixItems"), list) and node.get("items") is False
    # Distinct values out of a short list.
    chosen = node.get("uniqueItems") is True and isinstance(node.get("items"), dict) and "enum" in node["items"]
    return not fixed and not chosen


def open_objects(schema: Any, path: Path = ()) -> list[Path]:
    """The objects that take members that nobody described."""
    return [
        at
        for at, node in subschemas(schema, path, apart=False)
        if ("object" in _types(node) or "properties" in node) and _is_open(at, node)
    ]


def _is_open(path: Path, node: Node) -> bool:
    # A branch cannot be closed by itself: it would refuse what the others name.
    if any(segment in ("allOf", "anyOf", "oneOf") for segment in path[-2:-1]) or any(key in node for key in _CHOICES):
        return False
    if any(key in node for key in ("enum", "const")) or node.get("maxProperties") == 0:
        return False
    rest = node.get("additionalProperties", node.get("unevaluatedProperties", True))
    return rest is True or rest == {}


def unknown_required(schema: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """The names that are required of an object and that it does not describe."""
    for at, node in subschemas(schema, path, apart=False):
        named, properties = node.get("required"), node.get("properties")
        if not isinstance(named, list) or not isinstance(properties, dict) or any(key in node for key in _CHOICES):
            continue
        if any(segment in ("allOf", "anyOf", "oneOf") for segment in at[-2:-1]) or "patternProperties" in node:
            continue
        for place, name in enumerate(named):
            if isinstance(name, str) and name not in properties:
                yield (*at, "required", place), name


def parameters(schema: Any, path: Path = ()) -> Iterator[tuple[Path, str, Node]]:
    """The properties of the arguments themselves, with their names."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for name, node in properties.items() if isinstance(properties, dict) else ():
        if isinstance(node, dict):
            yield (*path, "properties", name), name, node
