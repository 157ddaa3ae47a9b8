"""Mutations that keep JSON whole: one member of one value is exchanged, taken out, renamed, wrapped or doubled.

Bytes changed at random are seldom JSON any more, so by themselves they hardly get past the parser.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any, Final

NAMES: Final = tuple(
    "jsonrpc id method params _meta name arguments uri taskId task ref context argument value cursor level requestId "
    "progressToken inputResponses requestState result error code message data tools inputSchema type properties "
    "structuredContent content isError resultType roots capabilities protocolVersion clientInfo query n deep".split()
)
VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 2**63, 10**40, 0.5, -0.0, 1e308, "", "a", "1", "2.0", "echo", "tools/call",
    "tools/list",
    "tasks/get", "ref/prompt", "object", "2026-07-28", "2025-11-25", "\x00", "\u202e", "x" * 300, [], {}, [[]], [{}],
    {"type": "object"}, {"": {}}, {"name": 1}, {"$ref": "#"}, {"uri": "file:///etc/passwd"}, [None, 1, "a"],
    {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}},
)  # fmt: skip
PARTS: Final = b"\xff"


def exchanged(data: bytes, chance: Random) -> bytes | None:
    """The input with a change inside the JSON of one of its parts; None if there is no JSON to change."""
    # Targets that take JSON alone have no byte before it.
    head = b"" if data.startswith((b"{", b"[")) else data[:1]
    parts = data[len(head) :].split(PARTS)
    place = chance.randrange(len(parts))
    try:
        value = json.loads(parts[place])
        _change(chance.choice([value, *_containers(value)]), chance)
        changed = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    parts[place] = changed.encode("utf-8", "replace")
    return head + PARTS.join(parts)


def _containers(value: Any) -> list[Any]:
    """Every object and array in a value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for each in inner if isinstance(each, dict | list) for found in (each, *_containers(each))]


def _change(container: Any, chance: Random) -> None:
    if isinstance(container, list):
        container.insert(chance.randint(0, len(container)), chance.choice(VALUES))
    if not isinstance(container, dict):
        return
    name = chance.choice([*container, chance.choice(NAMES)])
    change = chance.randrange(5)
    if change == 0:
        container.pop(name, None)
    elif change == 1:
        container[chance.choice(NAMES)] = container.get(name)
    elif change == 2:
        container[name] = [container.get(name)]
    elif change == 3:
        container[name] = {chance.choice(NAMES): container.get(name)}
    else:
        container[name] = chance.choice(VALUES)
