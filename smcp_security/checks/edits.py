"""A message with one part exchanged. What was given is never changed: others may still hold it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from smcp_security.message import Message
from smcp_security.strict_json import serialise


def exchanged(node: Any, path: Sequence[str | int], part: Any) -> Any:
    """A copy of `node` in which `part` stands at `path`; every step of it exists."""
    if not path:
        return part
    copied = node.copy()
    copied[path[0]] = exchanged(node[path[0]], path[1:], part)
    return copied


def rewritten(message: Message, path: Sequence[str | int], part: Any) -> Message:
    """The message with `part` at `path` of its value."""
    value = exchanged(message.value, path, part)
    return replace(message, value=value, raw=serialise(value))
