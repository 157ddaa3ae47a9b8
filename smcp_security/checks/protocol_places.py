"""Places of a server's message that hold the protocol's own words: masked, the exchange itself would break. Pure.

A closed list of places, not of names: `taskId` in a tool's structured answer is the tool's text.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, TypeAlias

from smcp_security.leaves import Path

_Way: TypeAlias = "tuple[str | None, ...]"


def _ways(*texts: str) -> frozenset[_Way]:
    """Paths, with `*` for any place in a list."""
    return frozenset(tuple(None if step == "*" else step for step in text.split("/")) for text in texts)


_TASK: Final = ("taskId", "ttl", "pollInterval", "createdAt", "lastUpdatedAt")
_BLOCK: Final = ("type", "mimeType", "size", "resource/mimeType", "annotations/audience/*")
# Sampling: what a tool use is called and which one a result answers.
_MESSAGE: Final = (*_BLOCK, "id", "name", "toolUseId")
_OPAQUE: Final = _ways(
    *(
        f"result/{way}"
        for way in (
            "nextCursor", "requestState", "resultType", "cacheScope", "ttlMs", "protocolVersion", "supportedVersions/*",
            *_TASK, *(f"task/{part}" for part in _TASK), *(f"tasks/*/{part}" for part in _TASK), "completion/total",
            "tools/*/name", "prompts/*/name", "prompts/*/arguments/*/name", "resources/*/mimeType", "resources/*/size",
            "resourceTemplates/*/mimeType", "contents/*/mimeType", "messages/*/role",
        )
    ),
    *(
        f"params/{way}"
        for way in (
            "progressToken", "progress", "total", "requestId", "elicitationId", "level", "mode", "includeContext",
            "maxTokens", *_TASK, *(f"task/{part}" for part in _TASK), "messages/*/role", "tools/*/name",
            "toolChoice/mode",
        )
    ),
    "error/code",
    "error/data/elicitations/*/elicitationId",
    *(f"result/content/*/{part}" for part in _BLOCK),
    *(f"result/messages/*/content/{part}" for part in _BLOCK),
    *(f"params/messages/*/content/{part}" for part in _MESSAGE),
    *(f"params/messages/*/content/*/{part}" for part in _MESSAGE),
)  # fmt: skip
_URIS: Final = _ways(
    *(
        f"{root}/{way}"
        for root in ("result", "params")
        for way in (
            "uri", "contents/*/uri", "content/*/uri", "content/*/resource/uri", "resources/*/uri",
            "resourceTemplates/*/uriTemplate", "messages/*/content/uri", "messages/*/content/resource/uri",
            "roots/*/uri", "url",
        )
    ),
    "error/data/elicitations/*/url",
)  # fmt: skip
_SCHEMAS: Final = _ways(
    "result/tools/*/inputSchema",
    "result/tools/*/outputSchema",
    "params/tools/*/inputSchema",
    "params/tools/*/outputSchema",
    "params/requestedSchema",
)
# What a schema tells people; its other keywords and the names in it are held against what is sent.
_TOLD: Final = frozenset({"title", "description", "$comment", "default", "examples"})
_META: Final = frozenset(
    {
        "progressToken",
        "traceparent",
        "tracestate",
        "io.modelcontextprotocol/protocolVersion",
        "io.modelcontextprotocol/subscriptionId",
        "io.modelcontextprotocol/related-task",
    }
)


def covers(path: Path, is_key: bool, kind: str) -> bool:
    """Whether a text of the message is looked at for what is of `kind`; "" stands for what lies in it."""
    if path[1:2] == ("structuredContent",):
        return True
    return not any(_opaque(way, is_key) or (kind != "secrets" and way in _URIS) for way in _readings(path))


def _readings(path: Path) -> Iterator[_Way]:
    """The path, with what it is inside the request or result of another message that it leads into."""
    way = tuple(None if type(step) is int else str(step) for step in path)
    yield way
    if way[:2] in (("result", "result"), ("params", "result")):
        yield way[1:]
    elif way[1:2] == ("inputRequests",) and len(way) > 3:
        yield way[3:]


def _opaque(way: _Way, is_key: bool) -> bool:
    if way[1:2] == ("inputRequests",):
        # The names under which the answers come back, and the methods.
        return is_key if len(way) == 3 else way[3:] == ("method",) and not is_key
    if way[1:2] == ("_meta",) and len(way) > 2:
        return way[2] in _META
    return (way in _OPAQUE and not is_key) or _in_schema(way, is_key)


def _in_schema(way: _Way, is_key: bool) -> bool:
    for length in (2, 4):
        if way[:length] in _SCHEMAS:
            # A property may be called `title` too; what is under its schema is the schema's again.
            inside = way[length:-1] if is_key else way[length:]
            return not any(step in _TOLD and before != "properties" for before, step in pairwise(("", *inside)))
    return False
