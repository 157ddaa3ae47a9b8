"""What lenient servers make of arguments: pydantic's lax mode, and the SDKs' reading of JSON inside strings. Pure.

Guided by the schema in one pass over the arguments, so that its cost is that of the arguments. The result is for the
schema check alone; what the caller sent is what goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from smcp_security.pointer import at_pointer

# Arguments may be as deep as a message, and JSON inside strings deeper; a schema that refers to itself has no depth.
_MAX_DEPTH: Final = 100
_MAX_REFERENCES: Final = 32
# Nodes, branches and misfits looked at, about a microsecond each: schemas may branch at every level.
_MAX_WORK: Final = 10_000
# Longer texts with JSON in them are no arguments of tools, and would hide any number of nodes.
_MAX_TEXT: Final = 16 * 1024
_MAX_DIGITS: Final = 1_000
_TRUE: Final = ("true", "1", "t", "y", "yes", "on")
_FALSE: Final = ("false", "0", "f", "n", "no", "off")
_TIMES: Final = ("date-time", "date", "time", "duration")


_PLAIN: Final[Mapping[type, str]] = {str: "string", int: "integer", bool: "boolean", float: "number"}


def resolved(schema: Any, root: Mapping[str, Any]) -> Any:
    """The schema behind a chain of local references (`#/...`); what cannot be followed is returned as it is."""
    for _ in range(_MAX_REFERENCES):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str) or (target := at_pointer(root, reference)) is None:
            return schema
        schema = target
    return schema


def coerced(arguments: Any, schema: Mapping[str, Any]) -> Any:
    """`arguments` as a lenient server would read them for `schema`; new values wherever something changed.

    Past a bound the rest stays as it is: arguments with thousands of misfits are no honest ones.
    """
    return _Coercion(schema).value(arguments, schema, 0)


class _Coercion:
    """One pass over some arguments."""

    __slots__ = ("_left", "_root")

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = _MAX_WORK

    def value(self, value: Any, schema: Any, depth: int) -> Any:
        if type(schema) is not dict or depth > _MAX_DEPTH or self._left <= 0:
            return value
        self._left -= 1
        if type(value) in _PLAIN and schema.get("type") == _PLAIN[type(value)]:
            return value  # by far the most leaves: what the schema asks for already
        schema = resolved(schema, self._root)
        if not isinstance(schema, dict):
            return value
        for part in _branches(schema, "allOf"):
            value = self.value(value, part, depth + 1)
        if branches := [*_branches(schema, "anyOf"), *_branches(schema, "oneOf")]:
            value = self._into_branch(value, [resolved(branch, self._root) for branch in branches], depth + 1)
        value = self._read(value, schema)
        if isinstance(value, dict):
            return self._members(value, schema, depth + 1)
        if isinstance(value, list):
            return self._items(value, schema, depth + 1)
        return value

    def _members(self, value: dict[str, Any], schema: Mapping[str, Any], depth: int) -> Any:
        properties, others = schema.get("properties"), schema.get("additionalProperties")
        declared = properties if isinstance(properties, dict) else {}
        return {key: self.value(member, declared.get(key, others), depth) for key, member in value.items()}

    def _items(self, value: list[Any], schema: Mapping[str, Any], depth: int) -> Any:
        first, others = _branches(schema, "prefixItems"), schema.get("items")
        kinds = [*first[: len(value)], *[others] * (len(value) - len(first))]
        return [self.value(item, kind, depth) for item, kind in zip(value, kinds, strict=True)]

    def _into_branch(self, value: Any, branches: list[Any], depth: int) -> Any:
        """Coerce into the branch that takes a value of this type, else into the first that can read it."""
        self._left -= len(branches)
        fitting = [branch for branch in branches if _takes(branch, value)]
        if fitting:
            meant = next((branch for branch in fitting if _is_meant(branch, value)), fitting[0])
            return self.value(value, meant, depth)
        for branch in branches:
            read = self._read(value, branch) if isinstance(branch, dict) else value
            if read is not value:
                return self.value(read, branch, depth)
        return value

    def _read(self, value: Any, schema: Mapping[str, Any]) -> Any:
        """The value, or its first reading as a type that the schema names."""
        if not _types(schema) or _takes(schema, value):
            return value
        self._left -= 1
        return next((read for read in _readings(value, schema) if _takes(schema, read)), value)


def _branches(schema: Mapping[str, Any], keyword: str) -> list[Any]:
    branches = schema.get(keyword)
    return branches if isinstance(branches, list) else []


def _takes(branch: Any, value: Any) -> bool:
    kinds = _types(branch)
    return not kinds or _type_of(value) in kinds or (_type_of(value) == "integer" and "number" in kinds)


def _is_meant(branch: Any, value: Any) -> bool:
    """Of several object branches: the one whose required members are there and whose constants agree."""
    if not isinstance(branch, dict) or not isinstance(value, dict):
        return True
    required, properties = branch.get("required"), branch.get("properties")
    if isinstance(required, list) and not all(isinstance(key, str) and key in value for key in required):
        return False
    declared = properties if isinstance(properties, dict) else {}
    constants = ((key, kind["const"]) for key, kind in declared.items() if isinstance(kind, dict) and "const" in kind)
    return all(key not in value or value[key] == constant for key, constant in constants)


def _types(schema: Any) -> tuple[str, ...]:
    kinds = schema.get("type") if isinstance(schema, dict) else None
    return (kinds,) if isinstance(kinds, str) else tuple(kinds) if isinstance(kinds, list) else ()


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    names = {str: "string", float: "number", dict: "object", list: "array"}
    return names.get(type(value), "null")


def _readings(value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    if isinstance(value, bool):
        yield int(value)
    elif isinstance(value, (int, float)):
        if value in (0, 1):
            yield bool(value)
        if schema.get("format") in _TIMES:
            yield ""  # pydantic takes a number for a time; the schema asks for any string
    elif isinstance(value, str):
        yield from _readings_of_text(value.strip())


def _readings_of_text(text: str) -> Iterator[Any]:
    if len(text) <= _MAX_DIGITS:
        for read in (int, float):
            try:
                yield read(text)
            except ValueError:
                continue
        if text.lower() in (*_TRUE, *_FALSE):
            yield text.lower() in _TRUE
    if (text[:1] in ("[", "{") or text == "null") and len(text) <= _MAX_TEXT:
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):
            return
