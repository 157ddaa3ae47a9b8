"""The kinds of a tool's arguments where the policy names none: from its JSON Schema, and from names. Pure.

An inferred kind says which categories of detection are content (`expected.EXPECTED`), and what no honest value needs
(`hostile`). It never demands a form: who wants that writes a contract.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice, pairwise
from typing import Any, Final

import msgspec

from smcp_security.contracts.names import kind_of_name
from smcp_security.contracts.refusals import hostile
from smcp_security.contracts.words import MAX_NAME, words
from smcp_security.pointer import at_pointer

__all__ = ["WHOLE", "Inferred", "hostile", "infer", "infer_argument"]

WHOLE: Final = frozenset({"nosql"})
"""Kinds that hold for all below their place, keys included: a filter is an object of operators."""

_MAX_DEPTH: Final = 8
_MAX_NODES: Final = 2_000
_MAX_VARIANTS: Final = 16
_MAX_DESCRIPTION: Final = 400
_MAX_REFERENCE: Final = 200
_MAX_PROPERTIES: Final = 500

_FORMATS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("uri", "url", "iri", "uri-reference", "iri-reference"), "url"),
    **dict.fromkeys(("email", "idn-email"), "email"),
    **dict.fromkeys(("hostname", "idn-hostname", "ipv4", "ipv6"), "hostname"),
    **dict.fromkeys(("date", "date-time", "time"), "date"),
    **dict.fromkeys(("path", "file-path", "directory-path"), "path"),
    "uuid": "uuid", "regex": "regex", "sql": "sql", "html": "html", "markdown": "document",
}  # fmt: skip
"""Formats of JSON Schema 2020-12 and those that pydantic writes."""

_NO_KIND: Final = frozenset({"json-pointer", "relative-json-pointer", "uri-template", "duration", "password", "binary"})
"""Formats that say what a text is when this module has no kind for it: its name must not be read then."""

_MEDIA: Final[Mapping[str, str]] = {
    "text/html": "html", "application/xhtml+xml": "html", "text/markdown": "document", "application/sql": "sql",
    "application/json": "json", "application/javascript": "code", "text/javascript": "code", "text/css": "code",
}  # fmt: skip

_SOURCES: Final = ("text/x-", "application/x-")


class Inferred(msgspec.Struct, frozen=True):
    """One place in the arguments (`*` for any item), what it holds, and what told so."""

    pointer: tuple[str, ...]
    kind: str
    why: str


class _Place(msgspec.Struct, frozen=True):
    """A subschema on the way: where it is, the name it goes by, and the words around it."""

    node: Any
    pointer: tuple[str, ...]
    name: str
    around: frozenset[str]
    told: frozenset[str]


def infer(tool: str, schema: Mapping[str, Any] | None, description: str = "") -> tuple[Inferred, ...]:
    """The kinds of a tool's arguments by its schema; those that stay plain text are left out."""
    if schema is None:
        return ()
    told = frozenset(words(description[:_MAX_DESCRIPTION], _MAX_DESCRIPTION))
    found = {each.pointer: each for each in _walk(schema, _Place(schema, (), "", _about(tool), told))}
    return tuple(found.values())


def infer_argument(tool: str, name: str, schema_node: Mapping[str, Any] | None) -> Inferred | None:
    """The kind of one argument; with None for its schema, by its name alone."""
    if schema_node is not None:
        found = infer(tool, {"properties": {name: schema_node}})
        return next((each for each in found if each.pointer in ((name,), (name, "*"))), None)
    return _by_name(tool, name) if len(name) <= MAX_NAME and len(tool) <= MAX_NAME else None


# Names come from callers where no schema is known, so they are bounded in length and number.
@lru_cache(maxsize=4096)
def _by_name(tool: str, name: str) -> Inferred | None:
    found = kind_of_name(words(name), _about(tool))
    return None if found is None else Inferred((name,), *found)


@lru_cache(maxsize=256)
def _about(tool: str) -> frozenset[str]:
    """The words of a tool's name, and neighbours as one: some mean something only together."""
    found = words(tool)
    return frozenset((*found, *map("".join, pairwise(found))))


def _walk(root: Mapping[str, Any], start: _Place) -> Iterator[Inferred]:
    waiting, left = [start], _MAX_NODES
    while waiting and left > 0:
        place = waiting.pop()
        variants = list(_variants(place.node, root))
        left -= len(variants) + 1
        found = _kind(place, variants) if place.pointer else None
        if found is not None:
            yield Inferred(place.pointer, *found)
        if len(place.pointer) < _MAX_DEPTH and (found is None or found[0] not in WHOLE):
            below = [each for variant in variants for each in _below(variant, place)]
            waiting.extend(reversed(below))


def _variants(node: Any, root: Any, most: int = _MAX_VARIANTS) -> Iterator[Mapping[str, Any]]:
    """What a value at this place may be: the node, what it refers to, and its alternatives."""
    waiting = [node]
    while waiting and most > 0:
        found = waiting.pop()
        most -= 1
        if not isinstance(found, Mapping):
            continue
        yield found
        reference = found.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/") and len(reference) <= _MAX_REFERENCE:
            waiting.append(at_pointer(root, reference))
        for keyword in ("anyOf", "oneOf", "allOf"):
            alternatives = found.get(keyword)
            waiting.extend(alternatives[:most] if isinstance(alternatives, list) else ())


def _below(node: Mapping[str, Any], place: _Place) -> Iterator[_Place]:
    """The properties of a node by their names, and its items by its own."""
    properties = node.get("properties")
    around = place.around | frozenset(words(place.name))
    if isinstance(properties, Mapping):
        for name, child in islice(properties.items(), _MAX_PROPERTIES):
            yield _Place(child, (*place.pointer, name), name, around, place.told)
    if isinstance(node.get("items"), Mapping):
        yield _Place(node["items"], (*place.pointer, "*"), place.name, place.around, place.told)


def _kind(place: _Place, variants: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """(kind, why) of what stands at a place: what the schema says of its texts, or else what its name says."""
    texts = [variant for variant in variants if _is_text(variant)]
    told = frozenset(word for each in variants for word in _description(each)) | place.told
    named = kind_of_name(words(place.name), place.around, told)
    if not texts:
        return named if named is not None and named[0] in WHOLE and _is_object(variants) else None
    said = {_said(text) for text in texts}
    if len(said) > 1 or said == {None}:
        return named
    kind, why = said.pop() or ("", "")
    return (kind, why) if kind else None


def _is_text(node: Mapping[str, Any]) -> bool:
    """Whether a text fits, as far as the node itself says: one that only refers elsewhere says nothing."""
    kind = node.get("type")
    if kind is None:
        return node.keys().isdisjoint(("anyOf", "oneOf", "allOf", "$ref", "properties", "items"))
    return kind == "string" or (isinstance(kind, list) and "string" in kind)


def _is_object(variants: Sequence[Mapping[str, Any]]) -> bool:
    return any(variant.get("type") in ("object", "array") for variant in variants)


def _description(node: Mapping[str, Any]) -> tuple[str, ...]:
    text = node.get("description")
    return words(text[:_MAX_DESCRIPTION], _MAX_DESCRIPTION) if isinstance(text, str) else ()


def _said(node: Mapping[str, Any]) -> tuple[str, str] | None:
    """(kind, why) where the schema names one, with an empty kind where it names something else; None if neither."""
    if "enum" in node or "const" in node:
        return "enum", "the schema lists its values"
    form, media = node.get("format"), node.get("contentMediaType")
    if isinstance(form, str) and (form in _FORMATS or form in _NO_KIND):
        return _FORMATS.get(form, ""), f"format: {form}"
    if not isinstance(media, str):
        return None
    kind = _MEDIA.get(media, "code" if media.startswith(_SOURCES) else "")
    return kind, f"contentMediaType: {media[:40]}"
