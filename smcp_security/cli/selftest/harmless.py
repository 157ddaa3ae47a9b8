"""A tool that may be called with any text: one that says it only reads, or the one that the operator names. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_SHORTEST: Final = 200
_BOUND: Final = ("enum", "const", "pattern", "format")
_PREFERRED: Final = ("text", "query", "q", "search", "message", "note", "title", "name")


@dataclass(frozen=True, slots=True)
class Harmless:
    """A tool, the argument that takes the text, and what the others get."""

    tool: str
    argument: str
    others: Mapping[str, Any] = field(default_factory=dict)

    def arguments(self, text: str) -> dict[str, Any]:
        """The arguments of a call with this text."""
        return {**self.others, self.argument: text}


def found(tools: Sequence[Any], tool: str = "", argument: str = "") -> Harmless | str:
    """The tool to use, or why there is none."""
    listed = [each for each in tools if isinstance(each, Mapping) and isinstance(each.get("name"), str)]
    if tool:
        named = next((each for each in listed if each["name"] == tool), None)
        if named is None:
            return f"the server lists no tool {tool[:60]!r}"
        return _use(named, argument, bound=True) or f"the tool {tool[:60]!r} has no such argument that takes a text"
    for each in listed:
        if _only_reads(each) and (use := _use(each, "", bound=False)) is not None:
            return use
    return "no tool is known to be harmless; name one with --tool"


def _only_reads(tool: Mapping[str, Any]) -> bool:
    said = tool.get("annotations")
    return isinstance(said, Mapping) and said.get("readOnlyHint") is True and said.get("destructiveHint") is not True


def _use(tool: Mapping[str, Any], argument: str, *, bound: bool) -> Harmless | None:
    schema = tool.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(schema, Mapping) or not isinstance(properties, Mapping):
        return None
    texts = [name for name, each in properties.items() if _takes_text(each, bound=bound)]
    texts.sort(key=lambda name: _PREFERRED.index(name) if name in _PREFERRED else len(_PREFERRED))
    chosen = argument or next(iter(texts), "")
    if chosen not in texts:
        return None
    required = schema.get("required")
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    return Harmless(tool["name"], chosen, {name: _sample(properties.get(name)) for name in names if name != chosen})


def _takes_text(schema: Any, *, bound: bool) -> bool:
    if not isinstance(schema, Mapping):
        return False
    choices = schema.get("anyOf")
    # One level is what SDKs write for a text that may be null; a server might nest them without end.
    return any(_is_text(each, bound=bound) for each in (schema, *(choices if isinstance(choices, list) else ())))


def _is_text(schema: Any, *, bound: bool) -> bool:
    if not isinstance(schema, Mapping):
        return False
    kind = schema.get("type")
    if kind != "string" and not (isinstance(kind, list) and "string" in kind):
        return False
    longest = schema.get("maxLength", _SHORTEST)
    roomy = isinstance(longest, int | float) and longest >= _SHORTEST
    return bound or (roomy and not any(key in schema for key in _BOUND))


def _sample(schema: Any) -> Any:
    """The plainest value of a schema."""
    if not isinstance(schema, Mapping):
        return "notes"
    for key in ("default", "const"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    plain = {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1), "boolean": False, "array": [],
             "object": {}, "null": None}  # fmt: skip
    kind = schema.get("type")
    return plain.get(kind, "notes") if isinstance(kind, str) else "notes"
