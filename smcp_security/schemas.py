"""A tool's JSON Schema, bounded when it is met and compiled when it is first asked. Pure: never fetches a `$ref`.

Messages of the validator echo the instance, so none is passed on: a violation is a pointer and what was expected,
made from the schema's own words.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import Any, Final

import jsonschema_rs
import msgspec

from smcp_security.coercion import coerced
from smcp_security.pointer import at_pointer, pointer
from smcp_security.strict_json import deserialise, serialise

# 2026-07-28, "JSON Schema Usage": depth and subschema count SHOULD be bounded. Real tool lists stay under 2 KiB each.
MAX_SCHEMA_BYTES: Final = 64 * 1024
MAX_SCHEMA_DEPTH: Final = 32
MAX_SCHEMA_NODES: Final = 5_000
# With every reference followed: what one value can cost to check.
MAX_EXPANDED: Final = 50_000
# A pattern's program: 0.6 ms to build at the first size, 9 ms at the second, which long runs of Unicode classes need.
MAX_PATTERNS: Final = 50
_FEW_PATTERNS: Final = 2
_PATTERN_BYTES: Final = (128 * 1024, 2 * 1024 * 1024)
# An answer that lists every violation can be larger than the call (ACCEPTANCE 33).
MAX_VIOLATIONS: Final = 5
_MAX_HINT: Final = 120
# Keywords that lead elsewhere than `#/...`. An `$anchor` does nothing unless a `$ref` names it, which is refused.
_FOREIGN: Final = ("$id", "$dynamicRef", "$recursiveRef")
# What is looked at to say where arguments depart; 20 microseconds an error, and errors may double with each level.
_SAMPLE_NODES: Final = 200
_SAMPLE_LEAST: Final = 8
_SAMPLE_WORK: Final = 5_000  # nodes of the arguments times nodes of the schema
_SAMPLE_DEPTH: Final = 12
_SAMPLE_DEPTH_KNOT: Final = 5
# RFC 9110, 5.6.2: what the name of a header may be made of.
_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~" + string.ascii_letters + string.digits)
_HEADER_TYPES: Final = ("string", "integer", "boolean")


class UnusableSchema(Exception):
    """The schema is out of bounds; the text says why, in words that hold no value of it."""


@dataclass(frozen=True, slots=True)
class Violation:
    """Where the arguments depart from the schema. Segments that the schema does not declare are `*`."""

    where: str
    expected: str


_SOMEWHERE: Final = Violation("", "arguments that fit the tool's schema")


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """A schema of a tool's arguments, within the bounds. `digest` identifies it; `mirrored` maps `mcp-param-*` headers.

    `usable` must be asked first: what compiles is known only once it was tried, at the first call of the tool. A list
    may show hundreds of schemas whose patterns take milliseconds each.
    """

    digest: str
    schema: Mapping[str, Any]
    declared: frozenset[str]
    mirrored: Mapping[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    _canonical: bytes = b"{}"
    _size: int = 1
    _knotted: bool = False

    @property
    def usable(self) -> bool:
        """Whether it compiles: a known dialect, only local references, only patterns without look-around."""
        return self._validator is not None

    @property
    def _validator(self) -> Any:
        return _validator_for(self._canonical)

    def fits(self, arguments: Any) -> bool:
        """Whether the arguments are valid as they are."""
        return bool(self._validator.is_valid(arguments))

    def fits_formats(self, value: Any) -> bool:
        """Whether the value is valid where `format` counts too, as it does for many readers of results."""
        return bool(_asserting_for(self._canonical).is_valid(value))

    def fits_coerced(self, arguments: Any) -> bool:
        """Whether they are valid once values are read as lenient servers read them, such as "5" for 5."""
        try:
            return bool(self._validator.is_valid(coerced(arguments, self.schema)))
        except (ValueError, OverflowError):  # a reading that JSON has no number for, such as "inf"
            return False

    def violations(self, arguments: Any) -> list[Violation]:
        """The first few departures from the schema; for arguments that do not fit."""
        nodes = max(_SAMPLE_LEAST, min(_SAMPLE_NODES, _SAMPLE_WORK // self._size))
        sample = _sample(arguments, _Budget(nodes), _SAMPLE_DEPTH_KNOT if self._knotted else _SAMPLE_DEPTH)
        found = (error for error in self._validator.iter_errors(sample) if _same(arguments, sample, error))
        return [self._violation(error) for error in islice(found, MAX_VIOLATIONS)] or [_SOMEWHERE]

    def extras(self, arguments: Mapping[str, Any]) -> bool:
        """Whether an argument is not among the properties that the schema declares."""
        return not arguments.keys() <= self.declared

    def shown(self, path: Sequence[str | int]) -> str:
        """A JSON pointer into the arguments as it may be shown: segments that are not declared become `*`."""
        return pointer(self._declared_path(path))

    def _violation(self, error: jsonschema_rs.ValidationError) -> Violation:
        expected = error.kind.as_dict()
        told = {key: value for key, value in expected.items() if key in ("types", "limit", "options", "property")}
        hint = f"{error.kind.name} {json.dumps(next(iter(told.values())))}" if told else error.kind.name
        return Violation(self.shown(error.instance_path), hint[:_MAX_HINT])

    def _declared_path(self, path: Sequence[str | int]) -> Iterator[str | int]:
        node: Any = self.schema
        for segment in path:
            properties = node.get("properties") if isinstance(node, Mapping) else None
            if isinstance(segment, int):
                yield segment
                node = node.get("items") if isinstance(node, Mapping) else None
            elif isinstance(properties, Mapping) and segment in properties:
                yield segment
                node = properties[segment]
            else:
                yield "*"
                node = None


class _Budget:
    """How many nodes of the arguments may still be copied."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


def _sample(value: Any, budget: _Budget, depth: int) -> Any:
    """The beginning of a value. Listing the errors of a whole message is eager, and may double with every level."""
    if not isinstance(value, (dict, list)):
        return value
    kept = len(value) if depth > 0 else 0
    kept = min(kept, max(budget.left, 0))
    budget.left -= kept
    if isinstance(value, dict):
        return {key: _sample(value[key], budget, depth - 1) for key in islice(value, kept)}
    return [_sample(item, budget, depth - 1) for item in value[:kept]]


def _same(arguments: Any, sample: Any, error: jsonschema_rs.ValidationError) -> bool:
    """Whether the error is about something that was not cut off in the sample."""
    for segment in error.instance_path:
        arguments, sample = arguments[segment], sample[segment]
    return not isinstance(sample, (dict, list)) or len(sample) == len(arguments)


def compile_schema(schema: Any) -> ToolSchema:
    """Take a tool's `inputSchema` within the bounds. Raises `UnusableSchema`."""
    if not isinstance(schema, dict):
        raise UnusableSchema("a tool's schema must be an object")
    try:
        canonical = serialise(schema)
    except (UnicodeEncodeError, RecursionError, TypeError):
        raise UnusableSchema("the schema is no JSON value") from None
    if len(canonical) > MAX_SCHEMA_BYTES:
        raise UnusableSchema(f"over {MAX_SCHEMA_BYTES} bytes")
    return _compiled(canonical)


_sorted: Final = msgspec.json.Encoder(order="sorted").encode


# Servers send the same lists again and again.
@lru_cache(maxsize=1024)
def _compiled(canonical: bytes) -> ToolSchema:
    # A copy of our own: the caller's dict may change after it was compiled.
    schema = deserialise(canonical)
    size = _Size(schema)
    if size.total > MAX_EXPANDED or _nodes(schema) > MAX_SCHEMA_NODES:
        raise UnusableSchema(f"over {MAX_SCHEMA_NODES} nodes, or {MAX_EXPANDED} with its references followed")
    if size.patterns > MAX_PATTERNS:
        raise UnusableSchema(f"over {MAX_PATTERNS} patterns")
    # Servers give the same schema with its keys in another order in the other era.
    digest = sha256(_sorted(schema)).hexdigest()
    return ToolSchema(
        digest,
        schema,
        _declared(schema),
        _mirrored(schema),
        _canonical=canonical,
        _size=size.total,
        _knotted=size.knotted,
    )


# Fewer than schemas are known: a compiled one may take megabytes.
@lru_cache(maxsize=256)
def _validator_for(canonical: bytes) -> Any:
    """The compiled schema; None if it cannot be compiled."""
    return _built(canonical, formats=False)


@lru_cache(maxsize=64)
def _asserting_for(canonical: bytes) -> Any:
    """The compiled schema, with `format` as an assertion."""
    return _built(canonical, formats=True)


def _built(canonical: bytes, *, formats: bool) -> Any:
    schema = deserialise(canonical)
    for limit in _PATTERN_BYTES if _Size(schema).patterns <= _FEW_PATTERNS else _PATTERN_BYTES[:1]:
        # By itself the library fetches a `$ref`, `file:` included, and takes patterns that are not linear.
        options = jsonschema_rs.RegexOptions(size_limit=limit, dfa_size_limit=limit)
        try:
            return jsonschema_rs.validator_for(
                schema, validate_formats=formats or None, offline=True, pattern_options=options
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError):
            continue
    return None


def _nodes(node: Any) -> int:
    members = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return 1 + sum(map(_nodes, members))


class _Size:
    """The size of a schema with its references followed: a few hundred bytes that double at each level are huge."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._known: dict[str, int] = {}
        self._open: set[str] = set()
        self.knotted = False
        self.patterns = 0
        self.total = self._of(root, 0)

    def _of(self, node: Any, depth: int) -> int:
        if depth > MAX_SCHEMA_DEPTH:
            raise UnusableSchema(f"nested deeper than {MAX_SCHEMA_DEPTH} levels")
        if isinstance(node, list):
            return 1 + sum(self._of(item, depth + 1) for item in node)
        if not isinstance(node, dict):
            return 1
        named = node.get("patternProperties")
        self.patterns += isinstance(node.get("pattern"), str) + (len(named) if isinstance(named, dict) else 0)
        below = sum(self._of(item, depth + 1) for item in node.values())
        return 1 + below + self._behind(node)

    def _behind(self, node: dict[str, Any]) -> int:
        """The size of what the node refers to; nothing for a reference back to where we are."""
        if any(isinstance(node.get(keyword), str) for keyword in _FOREIGN) and node is not self._root:
            raise UnusableSchema("$id, $dynamicRef and $recursiveRef below the root are not followed")
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return 0
        if not (reference == "#" or reference.startswith("#/")):
            raise UnusableSchema("a $ref that is not local (#/...)")
        if reference in self._open:
            self.knotted = True
            return 0
        if reference not in self._known:
            self._open.add(reference)
            self._known[reference] = min(self._of(at_pointer(self._root, reference), 0), MAX_EXPANDED + 1)
            self._open.discard(reference)
        return self._known[reference]


def _declared(schema: Mapping[str, Any]) -> frozenset[str]:
    properties = schema.get("properties")
    return frozenset(properties) if isinstance(properties, dict) else frozenset()


def _mirrored(schema: Mapping[str, Any]) -> Mapping[str, tuple[tuple[str, ...], str]]:
    """Header name -> argument, from `x-mcp-header` (2026-07-28, "x-mcp-header"); nothing at all if one is invalid."""
    found: dict[str, tuple[tuple[str, ...], str]] = {}
    for path, token, kind in _annotations(schema, ()):
        if not isinstance(token, str) or not _TOKEN.issuperset(token) or token == "" or kind not in _HEADER_TYPES:
            return {}
        name = f"mcp-param-{token}".lower()
        if name in found:
            return {}
        found[name] = (path, kind)
    return found


def _annotations(schema: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """(path, x-mcp-header, type) of each annotated property that a chain of plain `properties` reaches."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return
    for name, below in properties.items():
        if isinstance(below, dict):
            if "x-mcp-header" in below:
                yield (*path, name), below["x-mcp-header"], below.get("type")
            yield from _annotations(below, (*path, name))
