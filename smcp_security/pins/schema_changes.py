"""How the schema of a tool changed, argument by argument: what can now be sent that could not, what must be. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from smcp_security.codes import Severity
from smcp_security.contracts.inference import infer_argument
from smcp_security.contracts.words import words
from smcp_security.pins.canonical import canonical
from smcp_security.pins.changes import Change, change, excerpt, same, text_changes
from smcp_security.pins.escapes import shown

_MAX_DEPTH: Final = 16
_MAX_NAME: Final = 60
_INFO, _LOW, _MEDIUM, _HIGH, _ = Severity

# What a caller hands over there leads out of the server, into it, or holds what is nobody else's.
_SENSITIVE: Final = frozenset({"path", "url", "hostname", "command", "argv_token", "sql", "code", "regex", "html"})
_SECRET: Final = frozenset(
    {"token", "secret", "password", "passwd", "credential", "credentials", "apikey", "key", "auth"}
)
_TALK: Final = frozenset({"conversation", "history", "context", "prompt", "system", "sidenote", "memory", "reasoning"})

# Keyword -> whether the larger value is the looser one.
_LIMITS: Final[Mapping[str, bool]] = {
    "maximum": True, "exclusiveMaximum": True, "maxLength": True, "maxItems": True, "maxProperties": True,
    "minimum": False, "exclusiveMinimum": False, "minLength": False, "minItems": False, "minProperties": False,
}  # fmt: skip
_LEFT_OUT: Final = frozenset({"properties", "required", "$defs", "definitions", "patternProperties"})
# Of others, such as `not`, more that fits within may be less that fits without.
_NESTED: Final = frozenset({"items", "propertyNames"})
_VARIANTS: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_OPENING: Final = frozenset({"additionalProperties", "unevaluatedProperties"})


def schema_changes(tool: str, before: Any, after: Any) -> Iterator[Change]:
    """The changes of a tool's `inputSchema`."""
    yield from _node(tool, before, after, "", 0)


def _node(tool: str, before: Any, after: Any, path: str, depth: int) -> Iterator[Change]:
    of = f'argument "{path}"' if path else "the arguments"
    if same(before, after):
        return
    if type(before) is not dict or type(after) is not dict or depth > _MAX_DEPTH:
        yield change(_MEDIUM, f"{of}: the schema changed", before, after)
        return
    yield from _properties(tool, before, after, path, depth)
    for named in ("$defs", "definitions", "patternProperties"):
        yield from _named(tool, before.get(named), after.get(named), f"{path}/{named}", depth)
    for keyword in sorted((before.keys() | after.keys()) - _LEFT_OUT):
        one, other = before.get(keyword), after.get(keyword)
        if keyword in _NESTED and one is not None and other is not None:
            yield from _node(tool, one, other, f"{path}[]" if keyword == "items" else f"{path}/{keyword}", depth + 1)
        elif not same([one, keyword in before], [other, keyword in after]):
            yield from _keyword(tool, keyword, before, after, path, depth)


def _named(tool: str, before: Any, after: Any, path: str, depth: int) -> Iterator[Change]:
    if type(before) is not dict or type(after) is not dict:
        if not same(before, after):
            yield change(_MEDIUM, f'argument "{path}": the schemas that it names changed', before, after)
        return
    for name in sorted(before.keys() | after.keys()):
        at = f"{path}/{shown(name, _MAX_NAME)}"
        if name in before and name in after:
            yield from _node(tool, before[name], after[name], at, depth + 1)
        else:
            yield change(_LOW if name in before else _MEDIUM, f'"{at}" {"removed" if name in before else "added"}',
                         before.get(name), after.get(name))  # fmt: skip


def _properties(
    tool: str, before: Mapping[str, Any], after: Mapping[str, Any], path: str, depth: int
) -> Iterator[Change]:
    one, other = _mapping(before), _mapping(after)
    needed, demanded = _required(before), _required(after)
    for name in sorted(one.keys() | other.keys()):
        at = f"{path}.{shown(name, _MAX_NAME)}" if path else shown(name, _MAX_NAME)
        if name not in other:
            yield Change(_LOW, f'argument "{at}" removed', excerpt(one[name]))
        elif name not in one:
            yield from _added(tool, name, other[name], at, name in demanded)
        else:
            yield from _node(tool, one[name], other[name], at, depth + 1)
    for name in sorted(needed ^ demanded):
        at = f"{path}.{shown(name, _MAX_NAME)}" if path else shown(name, _MAX_NAME)
        if name in one or name not in other:
            verb = "is now required" if name in demanded else "is no longer required"
            yield Change(_MEDIUM if name in demanded else _INFO, f'argument "{at}" {verb}')
    if not same(_odd(before), _odd(after)):
        yield change(_MEDIUM, "properties or required changed", _odd(before), _odd(after))


def _mapping(node: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = node.get("properties")
    return properties if type(properties) is dict else {}


def _required(node: Mapping[str, Any]) -> frozenset[str]:
    required = node.get("required")
    return frozenset(each for each in required if type(each) is str) if type(required) is list else frozenset()


def _odd(node: Mapping[str, Any]) -> list[Any]:
    """What stands under these keywords and is nothing that they may hold."""
    properties, required = node.get("properties", {}), node.get("required", [])
    names = [each for each in required if type(each) is not str] if type(required) is list else required
    return [None if type(properties) is dict else properties, names]


def _added(tool: str, name: str, schema: Any, at: str, required: bool) -> Iterator[Change]:
    told = _holds(tool, name, schema)
    risk = (_HIGH if told else _MEDIUM) if required else (_MEDIUM if told else _LOW)
    kind = f"{'required' if required else 'optional'}{f' {told}' if told else ''} argument"
    yield Change(risk, f'{kind} "{at}" added', after=excerpt(schema))


def _holds(tool: str, name: str, schema: Any) -> str:
    """What an argument holds by its name and schema, if that deserves a second look."""
    spoken = frozenset(words(name))
    if spoken & _SECRET:
        return "credential"
    if spoken & _TALK:
        return "conversation"
    inferred = infer_argument(tool, name, schema if type(schema) is dict else None)
    return inferred.kind if inferred is not None and inferred.kind in _SENSITIVE else ""


def _keyword(
    tool: str, keyword: str, before: Mapping[str, Any], after: Mapping[str, Any], path: str, depth: int
) -> Iterator[Change]:
    of = f'argument "{path}"' if path else "the arguments"
    one, other = before.get(keyword), after.get(keyword)
    if keyword in ("description", "$comment"):
        yield from text_changes(f"{of}: {keyword}", one, other, _MEDIUM)
    elif keyword == "title":
        yield from text_changes(f"{of}: title", one, other, _LOW)
    elif keyword in _VARIANTS and type(one) is list and type(other) is list and len(one) == len(other):
        for place, (each, now) in enumerate(zip(one, other, strict=True)):
            yield from _node(tool, each, now, f"{path}/{keyword}/{place}", depth + 1)
    else:
        risk, what = _judged(keyword, one, other)
        yield change(risk, f"{of}: {what}", one, other)


def _judged(keyword: str, one: Any, other: Any) -> tuple[Severity, str]:
    if keyword in ("type", "enum", "const"):
        return _domain(keyword, one, other)
    if keyword in ("pattern", "format", "contentEncoding", "contentMediaType"):
        added = one is None
        return (
            _LOW if added else _MEDIUM
        ), f"{keyword} {'added' if added else 'removed' if other is None else 'changed'}"
    if keyword in _LIMITS:
        return _limit(keyword, one, other)
    if keyword in _OPENING:
        return (_LOW, f"{keyword} closed") if other is False else (_MEDIUM, f"{keyword} opened")
    if keyword == "default":
        return _MEDIUM, "default changed"
    return _MEDIUM, f'"{shown(keyword, 40)}" changed'


def _domain(keyword: str, one: Any, other: Any) -> tuple[Severity, str]:
    """What values fit: `integer` is a part of `number`, and nothing said means any."""
    if other is None:
        return _MEDIUM, f"{keyword} removed, so that more values fit"
    if one is None:
        return _LOW, f"{keyword} added, so that fewer values fit"
    before, after = _values(one), _values(other)
    if before == after:
        return _INFO, f"{keyword} written in another way"
    if before < after:
        return _MEDIUM, f"{keyword} widened"
    return (_LOW, f"{keyword} narrowed") if after < before else (_MEDIUM, f"{keyword} changed")


def _values(value: Any) -> frozenset[bytes]:
    known = frozenset(map(canonical, value if type(value) is list else [value]))
    return known | {b'"integer"'} if b'"number"' in known else known


def _limit(keyword: str, one: Any, other: Any) -> tuple[Severity, str]:
    if not all(each is None or type(each) in (int, float) for each in (one, other)):
        return _MEDIUM, f"{keyword} changed"
    looser = other is None or (one is not None and (other > one) is _LIMITS[keyword])
    return (_LOW, f"{keyword} loosened") if looser else (_INFO, f"{keyword} tightened")
