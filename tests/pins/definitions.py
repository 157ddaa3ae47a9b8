"""Definitions of an honest server, for tests of what is pinned of them."""

from __future__ import annotations

from typing import Any, Final

READ: Final[dict[str, Any]] = {
    "name": "read",
    "title": "Read",
    "description": "Reads a note.\nOne at a time.",
    "inputSchema": {
        "type": "object",
        "properties": {"id": {"type": "integer", "minimum": 1}, "lang": {"type": "string", "enum": ["de", "en"]}},
        "required": ["id"],
        "additionalProperties": False,
    },
    "outputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
    "annotations": {"readOnlyHint": True, "openWorldHint": False},
    "_meta": {"vendor/tags": ["a"]},
}
ADD: Final[dict[str, Any]] = {"name": "add", "inputSchema": {"type": "object", "properties": {"by": {"default": 1.0}}}}
GREET: Final[dict[str, Any]] = {"name": "greet", "description": "Greets.", "arguments": [{"name": "who"}]}
NOTES: Final[dict[str, Any]] = {"name": "notes", "uriTemplate": "notes://{id}", "mimeType": "text/plain"}
INSTRUCTIONS: Final = "Ask before you write."
SERVER: Final = {"name": "notes", "version": "1.2"}


def changed(definition: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The definition with other members; None takes one away."""
    merged = {**definition, **members}
    return {key: member for key, member in merged.items() if member is not None}


def reordered(node: Any) -> Any:
    """The same value with the keys of every object the other way around."""
    if isinstance(node, dict):
        return {key: reordered(node[key]) for key in reversed(node)}
    return [reordered(each) for each in node] if isinstance(node, list) else node
