"""A place of a server's message as it may be told: names that no schema declares may be the caller's, or a person's.
Pure."""

from __future__ import annotations

from typing import Final

from smcp_security.leaves import Path
from smcp_security.pointer import pointer
from smcp_security.schemas import ToolSchema

# Names that the protocol gives to its own members.
_DECLARED: Final = frozenset(
    "params result error content contents structuredContent messages message data text resource resources blob uri "
    "uriTemplate resourceTemplates name title description instructions tools prompts arguments annotations "
    "inputSchema outputSchema requestedSchema properties items default examples inputRequests systemPrompt url icons "
    "src websiteUrl serverInfo version capabilities completion values tasks task statusMessage code _meta "
    "isError input logger contentSchema toolResult roots reason".split()
)
_STRUCTURED: Final = ("result", "structuredContent")


def shown(path: Path, schema: ToolSchema | None = None, *, is_key: bool = False) -> str:
    """The pointer to a place of the message. `schema` is that of its structured content, `is_key`: the key itself."""
    if path[:2] == _STRUCTURED:
        below = path[2:] if schema is None else ()
        told = "" if schema is None else schema.shown(path[2:])
        return pointer(_STRUCTURED) + told + pointer(step if type(step) is int else "*" for step in below)
    hidden = len(path) - 1 if is_key else len(path)
    return pointer(
        step if type(step) is int or (step in _DECLARED and place < hidden) else "*" for place, step in enumerate(path)
    )
