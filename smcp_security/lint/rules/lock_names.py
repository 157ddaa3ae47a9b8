"""Rules about the names and annotations of tools: what a model may mix up, and what clients ask their users by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from smcp_security.lint.definitions import Tool, tools_in
from smcp_security.lint.destruction import is_destructive
from smcp_security.lint.document import Document
from smcp_security.lint.finding import Found
from smcp_security.lint.registry import rule
from smcp_security.policy.places import Path, shown_key

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}", re.ASCII)
_HINTS: Final = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", re.ASCII)
_CHANGING: Final = frozenset(
    "delete remove drop destroy erase wipe purge truncate kill terminate revoke uninstall shutdown write create update"
    " insert send upload overwrite rename move edit append".split()
)


def _shadowing(document: Document, *, twins: bool) -> Iterator[tuple[Tool, str]]:
    """The tools whose names shadow another one's, that name apart."""
    # Late, with the tables of look-alikes.
    from smcp_security.checks.shadows import shadows

    tools = {tool.name: tool for tool in tools_in(document) if tool.name}
    names = list(tools)
    for shadow in shadows(names):
        if shadow.twin is twins:
            name = names[shadow.place]
            before = names[: shadow.place]
            other = next((each for each in before[:300] if shadows([each, name])), "")
            yield tools[name], other


def _name_of(tool: Tool) -> Path:
    return (*tool.path, "name")


def _as(other: str) -> str:
    return f"as {shown_key(other)}" if other else "as that of another tool"


@rule("LCK201", "look-alike-name", "high", reads="tools")
def look_alike_name(document: Document) -> Iterator[Found]:
    """Two tools have names that look the same.

    Why:
        A model, and the person who approves its calls, cannot tell them apart; one of the two may have come later, to
        be taken for the other.
    Bad:
        {"tools": [
          {"name": "send_mail", "description": "Sends a mail.",
            "inputSchema": {"type": "object", "additionalProperties": false}},
          {"name": "send_mai1", "description": "Sends a mail.",
            "inputSchema": {"type": "object", "additionalProperties": false}}
        ]}
    Good:
        {"tools": [
          {"name": "send_mail", "description": "Sends a mail.",
            "inputSchema": {"type": "object", "additionalProperties": false}},
          {"name": "list_mails", "description": "Lists mails.",
            "inputSchema": {"type": "object", "additionalProperties": false}}
        ]}
    Fix:
        Ask the server's author which of the two is meant, and rename or remove the other.
    See: docs/results.md#definitions-descriptions https://cwe.mitre.org/data/definitions/1007.html
    """
    for tool, other in _shadowing(document, twins=True):
        yield Found(_name_of(tool), f"looks the same {_as(other)}; rename or remove one of the two")


@rule("LCK202", "similar-name", "low", "medium", reads="tools")
def similar_name(document: Document) -> Iterator[Found]:
    """The names of two tools are one slip of the keyboard apart.

    Why:
        A model mixes them up, and names like this are how a tool is put in another's way.
    Bad:
        {"tools": [
          {"name": "search_catalogue", "description": "Searches.",
            "inputSchema": {"type": "object", "additionalProperties": false}},
          {"name": "search_cataloque", "description": "Searches too.",
            "inputSchema": {"type": "object", "additionalProperties": false}}
        ]}
    Good:
        {"tools": [
          {"name": "search_catalogue", "description": "Searches.",
            "inputSchema": {"type": "object", "additionalProperties": false}},
          {"name": "search_shelves", "description": "Searches too.",
            "inputSchema": {"type": "object", "additionalProperties": false}}
        ]}
    Fix:
        Rename one of the two, or remove the one that nobody meant.
    See: docs/results.md#definitions-descriptions
    """
    for tool, other in _shadowing(document, twins=False):
        yield Found(_name_of(tool), f"is nearly the same {_as(other)}; rename or remove one of the two")


@rule("LCK203", "duplicate-name", "high", reads="tools")
def duplicate_name(document: Document) -> Iterator[Found]:
    """A list has two tools of one name.

    Why:
        Which of the two is called is for each client to choose: one may have been reviewed, and the other be used.
    Bad:
        {"tools": [
          {"name": "find_book", "description": "Finds a book.",
            "inputSchema": {"type": "object", "additionalProperties": false}},
          {"name": "find_book", "description": "Finds another.",
            "inputSchema": {"type": "object", "additionalProperties": false}}
        ]}
    Good:
        {"tools": [
          {"name": "find_book", "description": "Finds a book.",
            "inputSchema": {"type": "object", "additionalProperties": false}},
          {"name": "find_shelf", "description": "Finds a shelf.",
            "inputSchema": {"type": "object", "additionalProperties": false}}
        ]}
    Fix:
        Remove one of the two, or rename it.
    See: https://modelcontextprotocol.io/specification/2025-11-25/server/tools
    """
    seen: set[str] = set()
    for tool in tools_in(document):
        if tool.name and tool.name in seen:
            yield Found(_name_of(tool), f"is a second {shown_key(tool.name)}; remove or rename one of the two")
        seen.add(tool.name)


@rule("LCK204", "odd-tool-name", "low", reads="tools")
def odd_tool_name(document: Document) -> Iterator[Found]:
    """The name of a tool is not of the form that MCP recommends.

    Why:
        Names are 1 to 128 of A-Z, a-z, 0-9, `_`, `-` and `.`. Clients cut, replace or refuse others, so that two names
        may become one, and rules about names no longer fit.
    Bad:
        {"tools": [{"name": "find book", "description": "Finds a book.",
          "inputSchema": {"type": "object", "additionalProperties": false}}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.",
          "inputSchema": {"type": "object", "additionalProperties": false}}]}
    Fix:
        Write the name with these characters alone; a `title` may hold any.
    See: https://modelcontextprotocol.io/specification/2025-11-25/server/tools
    """
    for tool in tools_in(document):
        if _NAME.fullmatch(tool.name) is None:
            yield Found(_name_of(tool), "is not 1 to 128 of A-Z, a-z, 0-9, _, - and .; write another name")


@rule("LCK210", "false-read-only", "medium", "medium", reads="tools")
def false_read_only(document: Document) -> Iterator[Found]:
    """A tool says that it only reads, and its name says that it changes something.

    Why:
        Clients run read-only tools without asking, and roles with `readOnlyHint` let them through. A server can say
        what it likes.
    Bad:
        {"tools": [{"name": "delete_book", "description": "Deletes a book.",
          "inputSchema": {"type": "object", "additionalProperties": false},
          "annotations": {"readOnlyHint": true}}]}
    Good:
        {"tools": [{"name": "delete_book", "description": "Deletes a book.",
          "inputSchema": {"type": "object", "additionalProperties": false},
          "annotations": {"readOnlyHint": false, "destructiveHint": true}}]}
    Fix:
        Find out what the tool does; correct the hint, or the name.
    See: https://modelcontextprotocol.io/specification/2025-11-25/schema#toolannotations
    """
    for tool in tools_in(document):
        verb = next(iter(_WORDS.findall(tool.name.rpartition(".")[2])), "").lower()
        if tool.hints.get("readOnlyHint") is True and verb in _CHANGING:
            yield Found(
                (*tool.path, "annotations", "readOnlyHint"),
                f'is what a tool that may "{verb}" cannot promise; correct the hint or the name',
            )


@rule("LCK211", "unmarked-destruction", "low", "medium", reads="tools")
def unmarked_destruction(document: Document) -> Iterator[Found]:
    """A tool that destroys by its name does not say so in its annotations.

    Why:
        Clients ask their users before destructive tools, and many go by the hint alone.
    Bad:
        {"tools": [{"name": "delete_book", "description": "Deletes a book.",
          "inputSchema": {"type": "object", "additionalProperties": false}}]}
    Good:
        {"tools": [{"name": "delete_book", "description": "Deletes a book.",
          "inputSchema": {"type": "object", "additionalProperties": false},
          "annotations": {"destructiveHint": true}}]}
    Fix:
        Write `destructiveHint: true`, or `false` where nothing is lost.
    See: https://modelcontextprotocol.io/specification/2025-11-25/schema#toolannotations
    """
    for tool in tools_in(document):
        silent = "destructiveHint" not in tool.hints and tool.hints.get("readOnlyHint") is not True
        if silent and is_destructive(tool.name):
            yield Found(tool.path, "destroys by its name and does not say so; write destructiveHint")


@rule("LCK212", "contradictory-hints", "medium", reads="tools")
def contradictory_hints(document: Document) -> Iterator[Found]:
    """A tool says that it only reads and that it destroys.

    Why:
        MCP gives `destructiveHint` no meaning beside `readOnlyHint: true`: one client asks, the next one does not.
    Bad:
        {"tools": [{"name": "archive_book", "description": "Archives a book.",
          "inputSchema": {"type": "object", "additionalProperties": false},
          "annotations": {"readOnlyHint": true, "destructiveHint": true}}]}
    Good:
        {"tools": [{"name": "archive_book", "description": "Archives a book.",
          "inputSchema": {"type": "object", "additionalProperties": false},
          "annotations": {"readOnlyHint": false, "destructiveHint": true}}]}
    Fix:
        Keep the one that is true.
    See: https://modelcontextprotocol.io/specification/2025-11-25/schema#toolannotations
    """
    for tool in tools_in(document):
        if tool.hints.get("readOnlyHint") is True and tool.hints.get("destructiveHint") is True:
            yield Found(
                (*tool.path, "annotations", "destructiveHint"), "says the opposite of readOnlyHint; keep the true one"
            )


@rule("LCK213", "mistyped-hint", "medium", reads="tools")
def mistyped_hint(document: Document) -> Iterator[Found]:
    """A hint is neither true nor false, or is one that MCP does not know.

    Why:
        Clients take no notice of it, or take the text "false" for true; whoever wrote it thinks that it counts.
    Bad:
        {"tools": [{"name": "find_book", "description": "Finds a book.",
          "inputSchema": {"type": "object", "additionalProperties": false},
          "annotations": {"readOnlyHint": "true"}}]}
    Good:
        {"tools": [{"name": "find_book", "description": "Finds a book.",
          "inputSchema": {"type": "object", "additionalProperties": false},
          "annotations": {"readOnlyHint": true}}]}
    Fix:
        Write `true` or `false` under `readOnlyHint`, `destructiveHint`, `idempotentHint` or `openWorldHint`.
    See: https://modelcontextprotocol.io/specification/2025-11-25/schema#toolannotations
    """
    known = {hint.lower().removesuffix("hint"): hint for hint in _HINTS}
    for tool in tools_in(document):
        for key, value in tool.hints.items():
            path = (*tool.path, "annotations", key)
            meant = known.get(key.lower().replace("_", "").removesuffix("hint"))
            if key in _HINTS and value is not None and not isinstance(value, bool):
                yield Found(path, "is neither true nor false, so it does not count; write one of the two")
            elif key not in _HINTS and meant is not None:
                yield Found(path, f"is no hint of MCP, so it does not count; write {meant}", key=True)
